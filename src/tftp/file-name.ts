// File names as firmware sends them, made into a path below a root.
import { withoutTail } from '../net/bytes.js'

/**
 * The path of the file that a request means: relative, with '/' between its parts, never leaving its root. '' for a
 * name that says nothing, undefined for one with a `..` in it.
 * `filename` is one character a byte, as packet.ts gives it; names are UTF-8.
 *
 * A trailing 0xFF is DHCP's end option, a trailing NUL the end of option 67, both read as part of the name by ROMs;
 * backslashes come from Windows boot programs; a leading or doubled slash from loaders that join folder and name.
 */
export function normaliseFileName (filename: string): string | undefined {
  const name = withoutTail(Buffer.from(filename, 'latin1'), octet => octet === 0 || octet === 0xff).toString('utf8')
  const parts = name.replaceAll('\\', '/').split('/').filter(part => part !== '' && part !== '.')
  return parts.includes('..') || name.includes('\0') ? undefined : parts.join('/')
}
