// Groups and profiles as HCL for Terraform's matchbox provider, and the machines in such files. The provider has no import, and
// needs none: its first `apply` puts what is there already, which changes nothing.
import type { Group } from '../../matchbox/group.js'
import type { Profile } from '../../matchbox/profile.js'
import { namesApart } from '../exported.js'
import { ipFact, macFact, nameFact, roleFact } from '../facts.js'
import { emptyList, type Fact, type HostList, type ListedHost, type Place } from '../host-list.js'
import { memberOf, type ObjectValue, readObjects, textOf } from '../object-notation.js'
import type { SourceText } from '../source-text.js'

export function readTerraform (source: SourceText): HostList {
  const { value: document, remarks } = readObjects(source)
  const blocks = document.kind === 'object' ? document.members : []
  const hosts = blocks.filter(({ key, labels }) => key === 'resource' && labels[0] === 'matchbox_group').flatMap(({ at, value }): ListedHost[] => {
    const [selector, metadata] = [memberOf(value, 'selector'), memberOf(value, 'metadata')]
    const mac = textOf(literal(memberOf(selector, 'mac')), 'mac')
    if (mac === undefined) return []
    const get = <T>(key: string, read: (text: string, at: Place) => Fact<T>): Fact<T> | undefined => {
      const text = textOf(literal(memberOf(metadata, key)), key)
      return text === undefined ? undefined : read(text.value, text.at)
    }
    const profile = textOf(literal(memberOf(value, 'profile')), 'profile')
    return [{
      at,
      name: get('hostname', nameFact),
      macs: mac.value.split(',').map(text => macFact(text, mac.at)),
      ip: get('ip', ipFact),
      role: get('role', roleFact) ?? (profile === undefined ? undefined : roleFact(profile.value, profile.at))
    }]
  })
  return { ...emptyList, hosts, remarks: [...source.remarks, ...remarks] }
}

/** A reference (`each.value.mac`) is for Terraform to know. */
const literal = (value: ObjectValue | undefined): ObjectValue | undefined => value?.kind === 'word' ? undefined : value

export interface StoredObjects {
  readonly groups: readonly Group[]
  readonly profiles: readonly Profile[]
  /** The text of an Ignition or generic config by its file's name; undefined when there is none. */
  readonly configOf: (kind: 'ignition' | 'generic', name: string) => string | undefined
}

export interface TerraformOptions {
  /** With an `import` block for each resource (Terraform 1.5), for a provider that can import. */
  readonly importBlocks?: boolean
}

export function writeTerraform ({ groups, profiles, configOf }: StoredObjects, { importBlocks = false }: TerraformOptions = {}): string {
  // No two alike of a kind.
  const [profileLabel, groupLabel] = [namesApart('_'), namesApart('_')]
  const profileLabels = new Map(profiles.map(({ id }) => [id, profileLabel(wordOf(id))]))
  const imported = (kind: 'profile' | 'group', label: string, id: string): string[][] =>
    importBlocks ? [['import {', ...aligned([['to', `matchbox_${kind}.${label}`], ['id', quoted(id)]]).map(indented), '}']] : []
  const blocks = [
    ...profiles.flatMap(profile => {
      const label = profileLabels.get(profile.id) ?? profile.id
      return [...imported('profile', label, profile.id), profileBlock(profile, label, configOf)]
    }),
    ...groups.flatMap(group => {
      const label = groupLabel(wordOf(group.id))
      return [...hasOnlyText(group) ? imported('group', label, group.id) : [], groupBlock(group, label, profileLabels)]
    })
  ]
  return `# Written by core-provisioner hosts export. ${importBlocks
    ? 'The first "terraform apply" takes over what is there already; no machine notices.'
    : `The matchbox provider has no import: the first "terraform apply" puts each of
# these as it is there already, which changes nothing and which no machine notices.`}
${blocks.map(lines => `\n${lines.join('\n')}\n`).join('')}`
}

/** As labels of HCL have to be. */
const wordOf = (id: string): string => id.replace(/[^\w-]/g, '_').replace(/^(?=[^A-Za-z_])/, '_')

function profileBlock ({ id, boot, ignitionId, cloudId, genericId }: Profile, label: string, configOf: StoredObjects['configOf']): string[] {
  const [kind, file] = ignitionId.endsWith('.ign') ? ['raw_ignition', `${id}.ign`] : ['container_linux_config', `${id}.yaml.tmpl`]
  const ignition = ignitionId === '' ? undefined : configOf('ignition', ignitionId)
  const generic = genericId === '' ? undefined : configOf('generic', genericId)
  return [
    ...ignitionId === '' || ignitionId === file ? [] : [`# The provider calls the config ${file}; it is ${ignitionId} now, and machines are given the same.`],
    ...cloudId === '' ? [] : [`# The provider knows no cloud_id, and takes it away: ${cloudId}.`],
    `resource "matchbox_profile" ${JSON.stringify(label)} {`,
    ...aligned([
      ['name', quoted(id)],
      ...boot === undefined ? [] : [['kernel', quoted(boot.kernel)] as const, ['initrd', listOf(boot.initrd)] as const, ['args', listOf(boot.args)] as const]
    ]).map(indented),
    ...ignition === undefined ? [] : ['', indented(`${kind} = ${longText(ignition)}`)],
    ...generic === undefined ? [] : ['', indented(`generic_config = ${longText(generic)}`)],
    '}'
  ]
}

function groupBlock ({ id, profile, selector, metadata }: Group, label: string, profiles: ReadonlyMap<string, string>): string[] {
  const entries = [...metadata ?? []]
  if (!hasOnlyText({ metadata })) {
    return [`# Group ${oneLine(id)} is left out: its metadata holds more than text, which the provider cannot read.`]
  }
  const known = profiles.get(profile)
  return [
    `resource "matchbox_group" ${JSON.stringify(label)} {`,
    ...aligned([['name', quoted(id)], ['profile', known === undefined ? quoted(profile) : `matchbox_profile.${known}.name`]]).map(indented),
    ...mapOf('selector', [...selector]),
    ...mapOf('metadata', entries as ReadonlyArray<readonly [string, string]>),
    '}'
  ]
}

const hasOnlyText = ({ metadata }: Pick<Group, 'metadata'>): boolean => [...metadata?.values() ?? []].every(value => typeof value === 'string')

const mapOf = (name: string, entries: ReadonlyArray<readonly [string, string]>): string[] => entries.length === 0
  ? []
  : ['', `  ${name} = {`, ...aligned(entries.map(([key, value]) => [/^[A-Za-z_][\w-]*$/.test(key) ? key : quoted(key), quoted(value)])).map(line => `    ${line}`), '  }']

/** As `terraform fmt` has them: equals signs of neighbours below one another. */
function aligned (pairs: ReadonlyArray<readonly [string, string]>): string[] {
  const width = Math.max(0, ...pairs.map(([key]) => key.length))
  return pairs.map(([key, value]) => `${key.padEnd(width)} = ${value}`)
}

const indented = (line: string): string => `  ${line}`
const oneLine = (text: string): string => text.replace(/\s/g, ' ')
const listOf = (items: readonly string[]): string => `[${items.map(quoted).join(', ')}]`
/** Templates of HCL are taken literally. */
const plain = (text: string): string => text.replace(/([$%])\{/g, '$1$1{')
const quoted = (text: string): string => plain(JSON.stringify(text))
/** Text that ends with a new line and holds nothing odd is shown as it is. */
const longText = (text: string): string => text.endsWith('\n') && !/[^\x20-\x7e\n\t]/.test(text) && !text.includes('EOT')
  ? `<<EOT\n${plain(text)}EOT`
  : quoted(text)
