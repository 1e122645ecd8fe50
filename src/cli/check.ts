// check: reads the configuration as serve would, and the store behind it, and says what would listen, from what, and all that is amiss.
import { systemClock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { AppError } from '../base/errors.js'
import { counted } from '../base/units.js'
import { ConfigError } from '../config/load.js'
import { type Finding, findingText, problem } from '../doctor/finding.js'
import { onGround, type ListenPlan } from '../doctor/plan.js'
import { silentFolder, withoutSilent } from '../doctor/silent-places.js'
import { diagnoseStateHolder } from '../doctor/state-holder.js'
import { lintConfigured, lintFolder, lintOf } from '../doctor/store-look.js'
import { eyesOptions, parse } from './arguments.js'
import { type Command, type Io, print, printJson, table } from './command.js'
import { controlAnswers } from './control-client.js'
import { errorLog } from './error-log.js'
import { findingJson, findingLine, foundJson, githubLine, type ReportFormat, reportFormats, sarif } from './report.js'
import type { EyesValues } from './service-config.js'
import { serviceEyes } from './services-user.js'

const options = {
  ...eyesOptions,
  json: { type: 'boolean' },
  format: { type: 'string' },
  store: { type: 'string' },
  strict: { type: 'boolean' },
  'without-store': { type: 'boolean' },
  /** Tells of so many findings, the worst first. */
  most: { type: 'string' }
} as const

export const checkCommand: Command = {
  name: 'check',
  run: async (args, io) => {
    const { values } = parse(args, options)
    const format = values.json === true ? 'json' : formatOf(values.format)
    const log = errorLog(io)
    let seen: CheckResult
    if (values.store !== undefined) {
      const others = (['config', 'set', 'as', 'env-file', 'without-store'] as const).filter(name => values[name] !== undefined)
      if (others.length > 0) throw new AppError('usage', `--store looks at a folder alone: it does not go with --${others.join(', --')}`)
      seen = { findings: await silentFolder(values.store, systemClock) ?? await lintFolder(values.store, log) }
    } else {
      seen = await seenOf(values, io, log, values['without-store'] !== true)
    }
    const fatal = values.strict === true ? ['problem', 'warning'] : ['problem']
    const amiss = seen.findings.filter(({ level }) => fatal.includes(level))
    tell(seen, format, { amiss, most: mostOf(values.most) }, io)
    return amiss.length > 0 ? 1 : 0
  }
}

export interface CheckResult { readonly plan?: ListenPlan, readonly findings: readonly Finding[] }

/** A configuration that is wrong hides nothing of what its store has to say. */
export async function seenOf (values: EyesValues, io: Io, log: Logger, withStore: boolean): Promise<CheckResult> {
  try {
    const { loaded: configured, env, look } = await serviceEyes(values, io)
    const { loaded, ...answering } = await withoutSilent(configured, systemClock)
    // As whoever asks: root sees whose sockets they are.
    const held = await diagnoseStateHolder(loaded.config, await controlAnswers(loaded.config.control_socket))
    look()
    // Much that no other configuration needs.
    const images = loaded.config.images.sources.length === 0 ? [] : await (await import('../doctor/images.js')).warnOfImages(loaded, { clock: systemClock, env })
    return await onGround(loaded, { clock: systemClock, log, passphrase: env['MATCHBOX_PASSPHRASE'] ?? '', env }, async (ground, plan) =>
      ({
        plan: answering.plan(plan),
        findings: answering.findings([...plan.findings, ...held, ...images, ...withStore ? lintOf(ground) : []])
      }))
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'config_invalid') throw error
    const problems = error.message.split('\n').map(text => problem('configuration', text))
    const rest = error instanceof ConfigError ? error.rest : undefined
    return { findings: [...problems, ...rest === undefined || !withStore ? [] : await lintConfigured(rest, log)] }
  }
}

function mostOf (text: string | undefined): number {
  if (text !== undefined && !/^[1-9]\d{0,5}$/.test(text)) throw new AppError('usage', `--most takes a number, not ${JSON.stringify(text)}`)
  return text === undefined ? Infinity : Number(text)
}

function formatOf (text = 'text'): ReportFormat {
  const format = reportFormats.find(name => name === text)
  if (format === undefined) throw new AppError('usage', `--format takes one of ${reportFormats.join(', ')}, not ${JSON.stringify(text)}`)
  return format
}

const ranks: Readonly<Record<Finding['level'], number>> = { problem: 0, warning: 1, note: 2, ok: 3 }

/** `amiss` is what it ends 1 for; of so many findings at `most` is told. */
interface Telling { readonly amiss: readonly Finding[], readonly most: number }

function tell ({ plan, findings }: CheckResult, format: ReportFormat, { amiss, most }: Telling, io: Io): void {
  const all = findings.filter(({ level }) => level !== 'ok')
  const told = all.length <= most ? all : all.toSorted((a, b) => ranks[a.level] - ranks[b.level]).slice(0, most)
  const more = all.length - told.length
  if (format === 'sarif') return printJson(io.stdout, sarif(told))
  if (format === 'github') return told.forEach(finding => { print(io.stdout, githubLine(finding)) })
  const listeners = plan?.listeners.map(({ row, address, what }) => ({ protocol: row.name, address, what })) ?? []
  if (format === 'json') {
    const texts = (wanted: Finding['level']): readonly string[] => told.filter(({ level }) => level === wanted).map(findingText)
    const shown = plan === undefined ? {} : { sources: plan.sources, listeners, dhcp: plan.dhcp, paths: plan.paths }
    return printJson(io.stdout, { ...shown, problems: texts('problem'), warnings: texts('warning'), notes: texts('note'), findings: told.map(findingJson), ...more > 0 && { more }, ...foundJson(amiss) })
  }
  if (plan !== undefined) {
    print(io.stdout, `configuration: ${plan.sources.join(', ') || 'the defaults'}\n`)
    print(io.stdout, table(['listens', 'on', ''], listeners.map(({ protocol, address, what }) => [protocol, address, what])))
    print(io.stdout, `\n${table(['reads', 'at', ''], plan.paths)}`)
  }
  for (const level of ['note', 'warning', 'problem'] as const) {
    for (const finding of told) if (finding.level === level) print(io.stderr, findingLine(finding))
  }
  if (more > 0) print(io.stderr, `${counted(more, 'more finding')}`)
}
