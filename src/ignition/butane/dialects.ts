// Which variants and versions of Butane there are and what sets them apart: the Ignition spec that each is made into, and the
// sections, sugar and prohibitions on top of it (Butane's docs/specs.md and docs/upgrading-*.md, as of 0.29.0).
import { atVersion, once } from '../schema.js'
import { config, specVersion } from '../spec3/schema.js'
import { sections } from './schema.js'
import type { Struct } from '../schema.js'
import type { Spec } from '../spec3/schema.js'
import type { ButaneSection } from './schema.js'

export interface Dialect {
  readonly variant: string
  readonly version: string
  readonly spec: Spec
  /** What the result says its spec is. */
  readonly ignitionVersion: string
  /** The whole document, Butane's own sections included. */
  readonly document: Struct
  /** What it is made into. */
  readonly ignition: Struct
  /** Warns of the labels that the image's own partitions have when their numbers are others. */
  readonly reservedLabels: boolean
  /** From 1.3.0: warns of a root partition that updates or the image will not fit into. */
  readonly rootPartition: boolean
  /** From 1.6.0: mount units below /etc and /var only, and a warning where a label alone is meant to find a partition. */
  readonly strictDisks: boolean
  /** JSON paths, without indexes, that the variant's system cannot do, and the message for each. */
  readonly unsupported: Readonly<Record<string, string>>
}

interface Row {
  readonly variant: string
  readonly version: string
  readonly spec: Spec
  /** The reference's Go package of the sections below; it shows in the reports of wrongly typed YAML. */
  readonly scope?: string
  readonly sections?: readonly ButaneSection[]
  readonly strictDisks?: true
  /** Where they are not those of the spec: the reference's package of Ignition's sections, and what the result says its spec is. */
  readonly baseScope?: string
  readonly ignitionVersion?: string
}

const fcosSections = ['bootDevice', 'grub'] as const

const rows: readonly Row[] = [
  { variant: 'fcos', version: '1.0.0', spec: 0 },
  { variant: 'fcos', version: '1.1.0', spec: 1 },
  { variant: 'fcos', version: '1.2.0', spec: 2 },
  { variant: 'fcos', version: '1.3.0', spec: 2, scope: 'v1_3', sections: ['bootDevice'] },
  { variant: 'fcos', version: '1.4.0', spec: 3, scope: 'v1_4', sections: ['bootDevice'] },
  { variant: 'fcos', version: '1.5.0', spec: 4, scope: 'v1_5', sections: fcosSections },
  // Gone from Butane with 1.6.0; images of its time read it, and configs that say it are still about.
  {
    variant: 'fcos',
    version: '1.6.0-experimental',
    spec: 4,
    scope: 'v1_6_exp',
    sections: fcosSections,
    strictDisks: true,
    baseScope: 'v0_6_exp',
    ignitionVersion: '3.5.0-experimental'
  },
  { variant: 'fcos', version: '1.6.0', spec: 5, scope: 'v1_6', sections: fcosSections, strictDisks: true },
  { variant: 'fcos', version: '1.7.0', spec: 6, scope: 'v1_7', sections: fcosSections, strictDisks: true },
  { variant: 'fcos', version: '1.8.0-experimental', spec: 7, scope: 'v1_8_exp', sections: fcosSections, strictDisks: true },
  { variant: 'flatcar', version: '1.0.0', spec: 3 },
  { variant: 'flatcar', version: '1.1.0', spec: 4 },
  { variant: 'flatcar', version: '1.2.0-experimental', spec: 7 },
  { variant: 'r4e', version: '1.0.0', spec: 3 },
  { variant: 'r4e', version: '1.1.0', spec: 4 },
  { variant: 'r4e', version: '1.2.0-experimental', spec: 7 },
  { variant: 'fiot', version: '1.0.0', spec: 4 },
  { variant: 'fiot', version: '1.1.0-experimental', spec: 7 }
]

// Systems that are installed as an image and not partitioned by Ignition.
const imageBased = {
  kernelArguments: 'kernel argument customization is not supported in this spec version',
  'storage.disks': 'disk customization is not supported in this spec version',
  'storage.filesystems': 'filesystem customization is not supported in this spec version',
  'storage.luks': 'luks is not supported in this spec version',
  'storage.raid': 'raid is not supported in this spec version'
}
const withoutClevis = { 'storage.luks.clevis': 'clevis is not supported in this spec version' }
const unsupported: Readonly<Record<string, Dialect['unsupported']>> = {
  flatcar: { 'storage.luks.cex': 'cex is not currently supported on the target platform' },
  r4e: imageBased,
  fiot: imageBased
}

const baseScopes = ['v0_1', 'v0_2', 'v0_3', 'v0_4', 'v0_5', 'v0_6', 'v0_7', 'v0_8_exp'] as const satisfies Record<Spec, string>

const dialectOf = ({ variant, version, spec, scope = '', sections: own = [], strictDisks, baseScope, ignitionVersion }: Row): Dialect => {
  const scopes = { '': baseScope ?? baseScopes[spec], variant: scope }
  const fields = { ...config.fields, ...Object.fromEntries(own.map(section => [section, sections[section]])) }
  const document = once(() => atVersion({ ...config, fields }, spec, scopes))
  const ignition = once(() => atVersion(config, spec, scopes))
  return {
    variant,
    version,
    spec,
    ignitionVersion: ignitionVersion ?? specVersion(spec),
    get document () { return document() },
    get ignition () { return ignition() },
    reservedLabels: variant === 'fcos',
    rootPartition: own.length > 0,
    strictDisks: strictDisks === true,
    unsupported: { ...unsupported[variant], ...variant === 'flatcar' && spec < 7 ? withoutClevis : {} }
  }
}

export const dialects: readonly Dialect[] = rows.map(dialectOf)

/** Butane takes a version as semver does, so that `01.5.0` is 1.5.0; undefined when it is none. */
export const normalVersion = (text: string): string | undefined => {
  const parts = /^(\d{1,18})\.(\d{1,18})\.(\d{1,18})(?:-([0-9A-Za-z.-]*))?(?:\+([0-9A-Za-z.-]*))?$/.exec(text)
  if (parts === null) return undefined
  const [, major = '', minor = '', patch = '', preRelease, metadata] = parts
  const numbers = [major, minor, patch].map(BigInt)
  return numbers.join('.') + (preRelease ? `-${preRelease}` : '') + (metadata ? `+${metadata}` : '')
}
