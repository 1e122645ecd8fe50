// doctor: what keeps machines from booting, and what to do about it.
import { systemClock } from '../base/clock.js'
import { visibleText } from '../base/visible-text.js'
import { AppError } from '../base/errors.js'
import { diagnoseAround, diagnoseFiles, diagnoseNetwork, diagnoseReading, diagnoseRights, type DoctorOptions } from '../doctor/diagnose.js'
import { type Finding, findingText } from '../doctor/finding.js'
import { untilReady } from '../doctor/ready.js'
import { type AnsweringPlaces, withoutSilent } from '../doctor/silent-places.js'
import { eyesOptions, parse } from './arguments.js'
import { type Command, type Io, print, printJson } from './command.js'
import { controlAnswers } from './control-client.js'
import { errorLog } from './error-log.js'
import { foundJson } from './report.js'
import { serviceEyes } from './services-user.js'

const marks = { ok: 'ok     ', note: 'note   ', warning: 'warning', problem: 'PROBLEM' } as const

const options = {
  ...eyesOptions,
  /** Looks at ports and DHCP alone. */
  network: { type: 'boolean' },
  /** Looks at what the service has to read and write alone. */
  files: { type: 'boolean' },
  /** Waits for the service to be ready, or with `alive` for it to answer. */
  wait: { type: 'string' },
  alive: { type: 'boolean' },
  json: { type: 'boolean' }
} as const

function secondsOf (text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new AppError('usage', `--wait takes seconds, not ${JSON.stringify(text)}`)
  return Number(text)
}

export const doctorCommand: Command = {
  name: 'doctor',
  run: async (args, io) => {
    const { values } = parse(args, options)
    const { loaded: configured, env, look } = await serviceEyes(values, io)
    const answering = await withoutSilent(configured, systemClock)
    const { loaded } = answering
    const running = await controlAnswers(loaded.config.control_socket)
    const log = errorLog(io)
    const asked: DoctorOptions = { loaded, clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env, running }
    const { wait, alive = false, json = false } = values
    if (wait !== undefined) return await waited(asked, { seconds: secondsOf(wait), alive, json, look, answering }, io)
    let findings: readonly Finding[]
    if (values.network === true) findings = await diagnoseNetwork(asked)
    else if (values.files === true) {
      look()
      findings = await diagnoseFiles(asked)
    } else {
      // Whose ports they are only root sees; what the service can read it sees best itself.
      const around = await diagnoseAround(asked)
      look()
      findings = [...await diagnoseReading(asked), ...around]
    }
    findings = answering.findings(findings)
    if (json) printDocument(running, findings, io)
    else {
      for (const { level, about, text, block } of findings.map(asShown)) {
        print(io.stdout, `${marks[level]}  ${about}: ${visibleText(text)}`)
        if (block !== undefined) for (const line of block.trimEnd().split('\n')) print(io.stdout, visibleText(line))
      }
    }
    return hasProblem(findings) ? 1 : 0
  }
}

const asShown = (finding: Finding): Finding => ({ ...finding, text: findingText(finding) })

const printDocument = (running: boolean, findings: readonly Finding[], { stdout }: Io): void => {
  printJson(stdout, { running, findings: findings.map(asShown), ...foundJson(findings.filter(isProblem)) })
}

interface Waiting {
  readonly seconds: number
  readonly alive: boolean
  readonly json: boolean
  readonly look: () => void
  readonly answering: AnsweringPlaces
}

/** Until it is ready: what it says of itself, ports and DHCP as root sees them, and then its files with its own eyes. */
async function waited (asked: DoctorOptions, { seconds, alive, json, look, answering }: Waiting, io: Io): Promise<number> {
  const around = async (): Promise<readonly Finding[]> => await diagnoseNetwork({ ...asked, running: true })
  const found = await untilReady(asked.loaded.config, { seconds, clock: systemClock, health: alive ? '/healthz' : '/readyz', around })
  const running = json && await controlAnswers(asked.loaded.config.control_socket)
  look()
  const all = answering.findings(hasProblem(found) ? found : [...found, ...await diagnoseRights(asked)])
  if (json) printDocument(running, all, io)
  else for (const finding of all.filter(isProblem)) print(io.stderr, `${finding.about}: ${visibleText(findingText(finding))}`)
  return hasProblem(all) ? 1 : 0
}

const isProblem = ({ level }: Finding): boolean => level === 'problem'
const hasProblem = (findings: readonly Finding[]): boolean => findings.some(isProblem)
