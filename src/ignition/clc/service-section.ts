// What the sections of etcd and flannel have in common: a version that decides which options there are, and a drop-in that runs
// a wrapper with the options as arguments.
import { goQuote } from '../../go/quote.js'
import { any, custom, struct } from '../schema.js'
import { zeroValue } from '../values.js'
import { versionText } from './semver.js'
import type { CustomType, Fields, Type, ValueOf, Values } from '../schema.js'
import type { SemanticVersion } from './semver.js'

export type OptionValues = Readonly<Record<string, unknown>>

export interface ServiceSection<T extends Fields> {
  readonly common: ValueOf<{ readonly kind: 'struct', readonly fields: T }>
  readonly options: Fields
  readonly values: OptionValues
}

interface ServiceParts<T extends Fields> {
  readonly goType: string
  /** The type that the reference decodes the common fields into; its name is in messages. */
  readonly commonGoType: string
  readonly common: T
  readonly optionsOf: (common: ValueOf<{ readonly kind: 'struct', readonly fields: T }>) => Fields
}

/** Decodes the common fields, then, by what they say, the options. */
export function serviceSection<T extends Fields> (parts: ServiceParts<T>): CustomType<ServiceSection<T>> {
  type Common = ServiceSection<T>['common']
  // The reference's struct has its options in a field of that name, so a key `options` is swallowed unseen.
  const commonType: Type = struct<Fields>(parts.commonGoType, { ...parts.common, options: any })
  const section = (common: Common, decodeOptions: (options: Fields) => OptionValues): ServiceSection<T> => {
    const options = parts.optionsOf(common)
    return { common, options, values: decodeOptions(options) }
  }
  return custom({
    goType: parts.goType,
    zero: () => section(zeroValue(commonType) as Common, () => ({})),
    decode: ({ as }) => section(as(commonType) as Common,
      options => as(struct(`${parts.goType}Options`, options)) as OptionValues),
    // The common fields, then the options of this version.
    inside: ({ common, options, values }) =>
      ({ type: struct<Fields>(parts.goType, { ...parts.common, ...options }), value: { ...common, ...values } as Values })
  })
}

/** `--data-dir="/d"` of `data_dir: /d`, in the order of the options; `spelling` where the flag is called otherwise. */
export function commandLine (options: Fields, values: OptionValues, spelling: Readonly<Record<string, string>> = {}): string[] {
  return Object.keys(options).flatMap(key => {
    const value = values[key]
    if (value === undefined) return []
    return [`--${spelling[key] ?? key.replaceAll('_', '-')}=${typeof value === 'string' ? goQuote(value) : String(value)}`]
  })
}

export const templatingRefused = 'platform must be specified to use templating'

/** Dynamic data (`{PRIVATE_IPV4}`) needs a platform, and machines that boot from here have none: any brace is refused. */
export const usesTemplating = (args: readonly string[]): boolean => args.some(arg => /[{}]/.test(arg))

/** The lines of a drop-in's [Service] section. */
export function serviceLines (wrapper: string, args: readonly string[], imageTag: string, version: SemanticVersion | undefined): string[] {
  return [
    ...version === undefined ? [] : [`Environment="${imageTag}=v${versionText(version)}"`],
    'ExecStart=',
    `ExecStart=${[wrapper, ...args].join(' \\\n  ')}`
  ]
}

export const dropinText = (lines: readonly string[]): string => ['[Service]', ...lines].join('\n')
