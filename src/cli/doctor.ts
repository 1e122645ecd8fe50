// doctor: what keeps machines from booting, and what to do about it.
import { systemClock } from '../base/clock.js'
import { visibleText } from '../base/visible-text.js'
import { AppError } from '../base/errors.js'
import { createLog } from '../base/log.js'
import { diagnose, diagnosePorts } from '../doctor/diagnose.js'
import { findingText } from '../doctor/finding.js'
import { untilReady } from '../doctor/ready.js'
import { eyesOf, eyesOptions, parse } from './arguments.js'
import { type Command, print, printJson } from './command.js'
import { askJson } from './control-client.js'

const marks = { ok: 'ok     ', note: 'note   ', warning: 'warning', problem: 'PROBLEM' } as const

const options = {
  ...eyesOptions,
  /** Looks at the ports alone. */
  ports: { type: 'boolean' },
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
    const { loaded, env } = eyesOf(values, io)
    if (values.wait !== undefined) {
      const found = await untilReady(loaded.config, { seconds: secondsOf(values.wait), clock: systemClock, health: values.alive === true ? '/healthz' : '/readyz' })
      for (const finding of found) print(io.stderr, `${finding.about}: ${visibleText(findingText(finding))}`)
      return found.length === 0 ? 0 : 1
    }
    const running = await askJson(loaded.config.control_socket, 'GET', '/v1/leases').then(() => true, (error: unknown) => {
      if (error instanceof AppError) return false
      throw error
    })
    const log = createLog({ level: 'error', pretty: false, destination: io.stderr })
    const findings = await (values.ports === true ? diagnosePorts : diagnose)({ loaded, clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env, running })
    const shown = findings.map(finding => ({ ...finding, text: findingText(finding) }))
    if (values.json === true) printJson(io.stdout, { running, findings: shown })
    else {
      for (const { level, about, text, block } of shown) {
        print(io.stdout, `${marks[level]}  ${about}: ${visibleText(text)}`)
        if (block !== undefined) for (const line of block.trimEnd().split('\n')) print(io.stdout, visibleText(line))
      }
    }
    return findings.some(({ level }) => level === 'problem') ? 1 : 0
  }
}
