// /boot/: what UEFI firmware fetches by HTTP Boot (UEFI specification 2.10, section 24.7), the same files as by TFTP.
// Firmware asks for the length first (HEAD) and then for the file; many give up on a redirect or on a body without
// Content-Length, so a doubled slash, which they make of a base URL and a name, is mended in place.
import { messageOf } from '../base/errors.js'
import type { OpenFile } from '../disk/open-file.js'
import { typeByName } from '../go/http/content-type.js'
import { cleanUrlPath } from '../go/path.js'
import { latin1Of, printable } from '../go/string.js'
import { errorAnswer, notFound } from './answer.js'
import { answerFile } from './answer-file.js'
import type { Handler } from './arrival.js'

export const loadersPath = '/boot/'

/** What a Raspberry Pi of boot mode 7 asks for, where nobody changed its HTTP_PATH (raspberrypi.com, "HTTP boot"). */
const boardPaths: ReadonlySet<string> = new Set(['/net_install/boot.img', '/net_install/boot.sig'])

/** Whether a clean path is below /boot/, or one of a board's. */
export const isLoaderPath = (path: string): boolean =>
  (path.startsWith(loadersPath) && path.length > loadersPath.length) || boardPaths.has(path)

export interface LoaderSource {
  /** `name` is below /boot/, one character a byte; `client` an IP address. Rejects when the file may not be read. */
  open: (name: string, client: string) => Promise<OpenFile | undefined>
}

const refusal = errorAnswer(405, '405 Method Not Allowed')
const notAllowed = { ...refusal, headers: { ...refusal.headers, allow: 'GET, HEAD' } }
const forbidden = errorAnswer(403, '403 Forbidden')

export const loaderRoutes = (source: LoaderSource): Handler => async arrival => {
  const { method, headers, notes, client } = arrival
  if (method !== 'GET' && method !== 'HEAD') {
    arrival.send(notAllowed)
    return
  }
  const path = cleanUrlPath(arrival.path)
  Object.assign(notes, { kind: method === 'HEAD' || headers.range !== undefined ? 'other' : 'loader', name: 'loader', path: printable(path) })
  const name = latin1Of(boardPaths.has(path) ? path.slice(1) : path.slice(loadersPath.length))
  let found: OpenFile | undefined
  try {
    found = await source.open(name, client)
  } catch (error) {
    notes.problem = messageOf(error)
    arrival.send(forbidden)
    return
  }
  if (found === undefined) arrival.send(notFound)
  // Whenever firmware asks, it has nothing yet: a time would only tempt it to ask for less.
  else await answerFile(withoutTime(found), arrival, typeOf(name))
}

/** edk2 tells a program from a disk image by its type, and by its name when it does not know the type. */
const bootTypes: ReadonlyMap<string, string> = new Map([
  ['.efi', 'application/efi'],
  ['.img', 'application/vnd.efi-img'],
  ['.iso', 'application/vnd.efi-iso']
])
const typeOf = (name: string): string | undefined =>
  bootTypes.get(name.slice(-4).toLowerCase()) ?? typeByName(name.slice(name.lastIndexOf('/') + 1))

const withoutTime = (file: OpenFile): OpenFile => ({
  path: file.path, size: file.size, modified: undefined, piece: (position, most) => file.piece(position, most), close: () => file.close()
})
