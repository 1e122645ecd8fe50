// Which configuration an installation is about: the one that is there, the same with keys changed, or a new one of flags and answers.
import { existsSync, readFileSync } from 'node:fs'
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { loadConfig } from '../config/load.js'
import { serverAnswers } from '../doctor/dhcp-answers.js'
import { whileHeard } from '../doctor/firewalld.js'
import { networkInterfaces } from '../net/interfaces.js'
import { contains, formatIpv4, formatSubnet, parseSubnet } from '../net/ipv4.js'
import { answerTo, askMissing, type KnownInterface } from '../setup/answers.js'
import { changedText, configText, type Contradiction, contradictions, writtenText } from '../setup/config-text.js'
import { assertWhole, withImplied, type Wishes } from '../setup/wishes.js'
import type { Dialogue } from './terminal.js'

export interface ConfigChoice {
  readonly text: string
  readonly state: 'new' | 'changed' | 'kept'
  /** Whether a person answered, who is to see what becomes of it. */
  readonly asked: boolean
}

export interface Choosing {
  /** Where the configuration is, or will be. */
  readonly file: string
  readonly wishes: Wishes
  /** What is to become of a file that says something else than the flags: nobody has to be asked then. */
  readonly otherwise: 'keep' | 'change' | undefined
  /** The interface that leads out of a gateway. */
  readonly outside: string | undefined
  /** undefined where there is nobody to ask. */
  readonly dialogue: Dialogue | undefined
  readonly tell: (text: string) => void
}

/** AppError `usage` for flags that make none; `refused` when nothing is to be changed. */
export async function chooseConfig (choosing: Choosing): Promise<ConfigChoice> {
  if (existsSync(choosing.file)) return await reconcile(readFileSync(choosing.file, 'utf8'), choosing)
  const { dialogue, wishes, outside } = choosing
  let whole = withImplied(wishes)
  const isMissing = whole.mode === undefined || (whole.mode !== 'off' && whole.interface === undefined) || (whole.mode === 'server' && whole.subnet === undefined)
  if (isMissing && dialogue !== undefined) whole = await asked(whole, dialogue)
  if (whole.mode === undefined) throw new AppError('usage', 'say --mode server, proxy or off: there is nobody to ask')
  assertWhole(whole)
  return { text: configText(withRouter(whole, outside)), state: 'new', asked: isMissing && dialogue !== undefined }
}

/** A gateway is its network's router, unless another one is named. */
function withRouter (wishes: Wishes, outside: string | undefined): Wishes {
  const subnet = parseSubnet(wishes.subnet ?? '')
  if (outside === undefined || wishes.router !== undefined || subnet === undefined) return wishes
  const own = networkInterfaces().get(wishes.interface ?? '')?.addresses.find(({ ip }) => contains(subnet, ip))
  return own === undefined ? wishes : { ...wishes, router: formatIpv4(own.ip) }
}

async function asked (wishes: Wishes, dialogue: Dialogue): Promise<Wishes> {
  const interfaces: readonly KnownInterface[] = [...networkInterfaces().values()].filter(({ name, addresses }) => name !== 'lo' && addresses.length > 0)
  dialogue.tell('This machine has these interfaces:')
  for (const { name, addresses } of interfaces) dialogue.tell(`  ${name}  ${addresses.map(({ ip, subnet }) => `${formatIpv4(ip)} in ${formatSubnet(subnet)}`).join(', ')}`)
  const answered = await askMissing(wishes, { interfaces, ask: dialogue.ask, tell: dialogue.tell, against: otherServerOn })
  if (answered === undefined) throw new AppError('refused', 'nothing was changed: that is no answer, after ten tries')
  return answered
}

/** Asked while the person is there to say what to do about it. */
async function otherServerOn (device: string): Promise<string | undefined> {
  const { config } = loadConfig({ file: undefined, defaultFile: '/dev/null/none', set: [], env: {} })
  const around = { config, clock: systemClock, running: false, own: new Set<number>(), units: new Set<string>() }
  const findings = await whileHeard([device], async () => await serverAnswers({ name: 'dhcp', transport: 'udp' }, { port: config.dhcp.port, device }, around))
  const found = findings.find(({ level }) => level === 'problem' || level === 'warning')
  return found === undefined ? undefined : `${found.text.split(':', 1)[0]}: proxy works beside it, server needs it turned off`
}

/** What is there stays, unless somebody says otherwise. */
async function reconcile (text: string, { file, wishes, otherwise, dialogue, tell }: Choosing): Promise<ConfigChoice> {
  const kept: ConfigChoice = { text, state: 'kept', asked: false }
  const found = contradictions(text, withImplied(wishes))
  if (found.length === 0) return kept
  const lines = found.map(each => `${file} says ${writtenText(each)}, and --${each.name} says ${each.wished}`)
  const change = (): ConfigChoice => ({ text: changedText(text, found), state: 'changed', asked: false })
  if (otherwise === 'change') return change()
  if (otherwise === 'keep') {
    tell(`${file} stays as it was, whatever is said of ${namesOf(found)}`)
    return kept
  }
  for (const line of lines) tell(line)
  const remedies = '--change-config has those keys changed there (the file as it was stays beside it), --keep-config leaves it as it is'
  if (dialogue === undefined) throw new AppError('refused', `nothing was changed: ${remedies}`)
  const answer = await answerTo({
    text: `Keep ${file} as it is, change those keys in it, or stop (keep, change, stop)`,
    otherwise: () => 'keep',
    problem: given => ['keep', 'change', 'stop'].includes(given) ? undefined : `keep, change or stop, not ${given}`
  }, {}, { ...dialogue, interfaces: [] })
  if (answer === 'keep') return kept
  if (answer === 'change') return change()
  throw new AppError('refused', 'nothing was changed')
}

const namesOf = (found: readonly Contradiction[]): string => found.map(({ name }) => `--${name}`).join(', ')
