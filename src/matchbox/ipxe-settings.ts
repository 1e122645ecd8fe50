// iPXE's settings in the arguments of a profile (`${mac:hexhyp}`), for loaders that know none of them.
import { hyphenated, type Mac } from '../net/mac.js'

export interface KnownMachine { readonly mac: Mac | undefined, readonly uuid: string | undefined }

/** Values by the name of a setting; what has none stays as it is written. */
export const fillSettings = (text: string, values: Readonly<Record<string, string | undefined>>): string =>
  text.replace(/\$\{(?:net0\/)?([a-z:-]+)\}/g, (written, name: string) => values[name] ?? written)

export const settingsOf = ({ mac, uuid }: KnownMachine): Readonly<Record<string, string | undefined>> =>
  ({ mac, 'mac:hexhyp': mac === undefined ? undefined : hyphenated(mac), uuid })

/** An entry of `initrd` may begin with options of iPXE's command. */
export const urlOfInitrd = (entry: string): string => entry.trim().split(/\s+/).at(-1) ?? ''

/** A URL as GRUB has it: `(http,10.0.0.3:8080)/assets/vmlinuz`. */
export const grubDevice = (url: string): string => url.replace(/^(\w+):\/\/([^/]+)/, '($1,$2)')

/** The path of what is at this appliance, however the profile says so; undefined for what is elsewhere. `origin` is `http://host:port`. */
export function ownPath (url: string, origin: string): string | undefined {
  const [, path] = /^http:\/\/\$\{next-server\}(?::\d+)?(\/.*)$/.exec(url) ?? []
  if (path !== undefined) return path
  if (url.startsWith(`${origin}/`)) return url.slice(origin.length)
  return /^\w+:\/\//.test(url) ? undefined : url.startsWith('/') ? url : `/${url}`
}
