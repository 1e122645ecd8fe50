// What Ignition demands of systemd units and drop-ins (config/v3_*/types: systemd.go, unit.go; config/shared/validations).
import { goQuote } from '../../go/quote.js'
import { goBytes, goString } from '../../go/string.js'
import { readUnitContent } from '../unit-content.js'
import { checkExtension, uselessEnable } from '../shared-rules.js'
import { rule } from '../validate.js'
import { dropin, systemd, unit } from './schema.js'
import type { Rule } from '../validate.js'
import type { UnitContent } from '../unit-content.js'
import type { Spec } from './schema.js'

const read = (contents: string): UnitContent => readUnitContent(goBytes(contents), bytes => goQuote(goString(bytes)))
const lacksInstall = (content: UnitContent): boolean => content.ok && !content.sections.includes('Install')
const problemOf = (content: UnitContent): string | undefined => content.ok ? undefined : `invalid unit content: ${content.problem}`

export const unitRules: ReadonlyArray<Rule<Spec>> = [
  rule(unit, ({ name, contents, enabled }, report) => {
    report.error(['name'], checkExtension(name, 'systemd unit'))
    const content = read(contents ?? '')
    report.error(['contents'], problemOf(content))
    if (enabled === true && contents && lacksInstall(content)) report.warning(['contents'], uselessEnable(goQuote(name)))
  }),
  rule(dropin, ({ name, contents }, report) => {
    report.error(['contents'], problemOf(read(contents ?? '')))
    report.error(['name'], checkExtension(name, 'systemd drop-in'))
  }),
  // An enabled instance of a template unit takes its [Install] from the template.
  rule(systemd, ({ units }, report) => {
    const byName = new Map(units.map(unit => [unit.name, unit]))
    const lacking = new Map<string, boolean>()
    const templateLacksInstall = (template: string): boolean => {
      const contents = byName.get(template)?.contents
      const lacks = lacking.get(template) ?? (Boolean(contents) && lacksInstall(read(contents ?? '')))
      lacking.set(template, lacks)
      return lacks
    }
    units.forEach(({ name, enabled }, i) => {
      const base = enabled === true ? /^(.[^@\n\r]*)@.+\.service$/.exec(name)?.[1] : undefined
      const template = `${base ?? ''}@.service`
      if (base !== undefined && templateLacksInstall(template)) {
        report.warning(['units', i, 'contents'], `template unit ${goQuote(template)} for ${goQuote(name)} doesn't have Install section`)
      }
    })
  })
]
