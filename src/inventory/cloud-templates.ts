// pxe_coreos' templates as Matchbox's: `$name` becomes `{{.name}}`, and what it stood for the metadata of each machine's group. As there,
// a name counts wherever it stands, the longest first, also inside a longer word; what a machine has no value for stays as it was
// written. Otherwise than there, what is put in is not looked at again, and is no pattern.
import { AppError } from '../base/errors.js'
import { type CloudFacts, type Fact, type Place, placeText } from './host-list.js'
import { listError, type SourceText } from './source-text.js'

/** Metadata that says something to this program, or is somebody else's to set: a variable of that name is called otherwise. */
const taken: ReadonlySet<string> = new Set([
  'ip', 'hostname', 'role', 'mac', 'request', 'files', 'boot_file', 'boot_resilient', 'boot_from_disk', 'install_once', 'reinstall',
  'ignition_guard', 'guard_window', 'guard_count', 'update_group', 'etcd_cluster', 'etcd_discovery', 'enrolled', 'enrolled_mac', 'enrolled_uuid'
])

/** The metadata key of a variable. */
const keyOfVariable = (name: string): string => taken.has(name) ? `pxe_${name}` : name

export const namesOf = (machines: Iterable<CloudFacts>): ReadonlySet<string> =>
  new Set([...machines].flatMap(({ variables }) => [...variables.keys()]))

/** What replaces each `$name` of a name in `names`; `text` gives what for. */
function replacing (names: ReadonlySet<string>): (source: string, text: (name: string) => string) => string {
  // A word may be as long as a template; no name in it is longer than the longest.
  const longest = [...names].reduce((most, { length }) => Math.max(most, length), 0)
  return (source, text) => source.replace(/\$(\w+)/g, (whole, word: string) => {
    for (let length = Math.min(word.length, longest); length > 0; length--) {
      const name = word.slice(0, length)
      if (names.has(name)) return `${text(name)}${word.slice(length)}`
    }
    return whole
  })
}

/** The template in Go's form, of text in which two braces are two braces. */
export function goTemplate (source: string, names: ReadonlySet<string>): string {
  const replaced = replacing(names)
  return source.split('{{').map(part => replaced(part, name => {
    const key = keyOfVariable(name)
    return /^\d/.test(key) ? `{{index . "${key}"}}` : `{{.${key}}}`
  })).join('{{"{{"}}')
}

/** What the templates read of one machine: a value for every name, since a template refuses what is not there. */
export function cloudMetadata ({ variables }: CloudFacts, names: ReadonlySet<string>): ReadonlyMap<string, string> {
  const replaced = replacing(new Set(variables.keys()))
  return new Map([...names].map(name =>
    [keyOfVariable(name), variables.get(name) ?? replaced(`$${name}`, shorter => variables.get(shorter) ?? '')]))
}

/** A template's file, as it is called in the store; AppError list_invalid with the place that names it. */
export function templateName ({ value, at }: Fact<string>): string {
  if (!/^[^./\0][^/\0]*$/.test(value)) throw listError(at, `template: ${JSON.stringify(value)} is not the name of a file`)
  return value
}

/** AppError list_invalid for what coreos-cloudinit takes for neither a script nor a cloud-config. */
export function assertCloudTemplate ({ file, text }: Pick<SourceText, 'file' | 'text'>): void {
  const first = text.split('\n', 1)[0] ?? ''
  if (first.trimEnd() === '#cloud-config' || first.startsWith('#!')) return
  throw listError({ file, line: 1, column: 1 }, "the first line is neither #cloud-config nor a script's #!")
}

/** The profile of machines that boot a channel with a template: the default one has the channel's own name. */
export function channelProfile (channel: string, template: string): string {
  const base = template.replace(/\.(?:ya?ml|cfg|txt)$/, '')
  return base === 'default' ? channel : `${channel}-${base}`
}

/** AppError list_conflict where what is there is somebody else's. */
export function assertCloudId (profile: string, there: string, wanted: string, at: Place): void {
  if (there === '' || there === wanted) return
  throw new AppError('list_conflict', `${placeText(at)}: the profile ${profile} is there with another cloud_id, ${there}: nothing is changed; --map CHANNEL=PROFILE names another one`)
}
