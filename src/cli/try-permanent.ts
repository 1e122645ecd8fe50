// What would make a first boot permanent, as commands of a shell that write it: a person reads them, takes parts of them, or has them run.
import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { setInto } from '../config/load.js'
import type { Io } from './command.js'
import { type Booted, settingsOf, storeFiles, type Wish } from './try-site.js'

export interface Tried {
  readonly wish: Wish
  readonly boot: Booted
  /** As `--set` has it, of the person who tried. */
  readonly set: readonly string[]
  /** Of `--image`: which, and the key that it was verified by. */
  readonly image?: string | undefined
  readonly key?: { readonly file: string, readonly fingerprint: string } | undefined
  /** How a shell starts this program. */
  readonly call: string
}

/** By its name where it is installed; in a clone or an unpacked bundle by where it lies. */
export function callOf ({ env, self = [] }: Pick<Io, 'env' | 'self'>): string {
  const isFound = (env['PATH'] ?? '').split(':').some(folder => folder !== '' && existsSync(join(folder, 'core-provisioner')))
  return isFound || self.length === 0 ? 'core-provisioner' : self.map(quoted).join(' ')
}

/** Where an installation has what is told by name here. */
const etc = '/etc/core-provisioner'
const data = '/var/lib/matchbox'

const quoted = (text: string): string => /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

/** The text of a file; a line of its own ends it, whatever is in it. */
function here (path: string, text: string): string {
  let end = 'END'
  while (text.split('\n').includes(end)) end += 'D'
  return `cat > ${path} <<'${end}'\n${text.trimEnd()}\n${end}`
}

function configOf ({ wish, set, image, key }: Tried): string {
  const settings = settingsOf(wish)
  if (image !== undefined) settings['images'] = { sources: [{ os: image }], ...key !== undefined && { keys: [{ file: `${etc}/${basename(key.file)}`, fingerprint: key.fingerprint }] } }
  for (const pair of set) setInto(settings, pair)
  return stringify(settings)
}

/** Stops at a file that is there already (set -C). */
export function permanently (tried: Tried): string {
  const { boot, key, image, call } = tried
  const taken = [...boot.taken ?? []]
  return [
    'set -eCu',
    `mkdir -p ${[etc, `${data}/groups`, `${data}/profiles`, ...taken.length === 0 ? [] : [`${data}/assets/try`]].join(' ')}`,
    here(`${etc}/config.yaml`, configOf(tried)),
    ...Object.entries(storeFiles(boot)).map(([name, text]) => here(`${data}/${name}`, text)),
    ...taken.map(([name, source]) => `install -m 0644 ${quoted(source)} ${quoted(`${data}/assets/try/${name}`)}`),
    ...key === undefined ? [] : [`install -m 0644 ${quoted(resolve(key.file))} ${quoted(`${etc}/${basename(key.file)}`)}`],
    ...image === undefined ? [] : [`${call} images sync`],
    `${call} check`
  ].join('\n')
}
