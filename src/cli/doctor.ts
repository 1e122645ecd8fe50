// doctor: what keeps machines from booting, and what to do about it.
import { systemClock } from '../base/clock.js'
import { visibleText } from '../base/visible-text.js'
import { AppError } from '../base/errors.js'
import { createLog } from '../base/log.js'
import { diagnose } from '../doctor/diagnose.js'
import { findingText } from '../doctor/finding.js'
import { eyesOf, eyesOptions, parse } from './arguments.js'
import { type Command, print, printJson } from './command.js'
import { askJson } from './control-client.js'

const marks = { ok: 'ok     ', note: 'note   ', warning: 'warning', problem: 'PROBLEM' } as const

export const doctorCommand: Command = {
  name: 'doctor',
  run: async (args, io) => {
    const { values } = parse(args, { ...eyesOptions, json: { type: 'boolean' } })
    const { loaded, env } = eyesOf(values, io)
    const running = await askJson(loaded.config.control_socket, 'GET', '/v1/leases').then(() => true, (error: unknown) => {
      if (error instanceof AppError) return false
      throw error
    })
    const log = createLog({ level: 'error', pretty: false, destination: io.stderr })
    const findings = await diagnose({ loaded, clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env, running })
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
