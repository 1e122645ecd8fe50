// What Ignition demands of systemd units and drop-ins (config/v3_*/types: systemd.go, unit.go; config/shared/validations).
import { goQuote } from '../../go/quote.js'
import { goBytes, goString } from '../../go/string.js'
import { readUnitContent } from '../unit-content.js'
import { extension } from './paths.js'
import type { Check } from './checks.js'
import type { Dropin, Systemd, Unit } from './types.js'
import type { UnitContent } from '../unit-content.js'

const unitTypes = new Set([
  '.service', '.socket', '.device', '.mount', '.automount', '.swap', '.target', '.path', '.timer', '.snapshot', '.slice', '.scope'
])

const read = (contents: string): UnitContent => readUnitContent(goBytes(contents), bytes => goQuote(goString(bytes)))
const lacksInstall = (content: UnitContent): boolean => content.ok && !content.sections.includes('Install')
const problemOf = (content: UnitContent): string | undefined => content.ok ? undefined : `invalid unit content: ${content.problem}`

export const checkUnit: Check<Unit> = ({ name, contents, enabled }, report) => {
  if (!unitTypes.has(extension(name))) report.error(['name'], 'invalid systemd unit extension')
  const content = read(contents ?? '')
  report.error(['contents'], problemOf(content))
  if (enabled === true && contents && lacksInstall(content)) {
    report.warning(['contents'], `unit ${goQuote(name)} is enabled, but has no install section so enable does nothing`)
  }
}

export const checkDropin: Check<Dropin> = ({ name, contents }, report) => {
  report.error(['contents'], problemOf(read(contents ?? '')))
  if (extension(name) !== '.conf') report.error(['name'], 'invalid systemd drop-in extension')
}

/** An enabled instance of a template unit takes its [Install] from the template. */
export const checkSystemd: Check<Systemd> = ({ units = [] }, report) => {
  const byName = new Map(units.map(unit => [unit.name, unit]))
  const lacking = new Map<string, boolean>()
  const templateLacksInstall = (template: string): boolean => {
    const contents = byName.get(template)?.contents
    const lacks = lacking.get(template) ?? (Boolean(contents) && lacksInstall(read(contents ?? '')))
    lacking.set(template, lacks)
    return lacks
  }
  units.forEach(({ name, enabled }, i) => {
    const base = enabled === true ? /^(.+?)@(.+?)\.service$/.exec(name)?.[1] : undefined
    const template = `${base ?? ''}@.service`
    if (base !== undefined && templateLacksInstall(template)) {
      report.warning(['units', i, 'contents'], `template unit ${goQuote(template)} for ${goQuote(name)} doesn't have Install section`)
    }
  })
}
