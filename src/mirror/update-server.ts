// What a publisher's update server says of a release (Omaha, protocol 3.0), asked as the update_engine of a machine that has the one
// before it: size and SHA-256 of files that have no signature beside them. That is proof as far as TLS is; nodes check the payload's own.
import sax from 'sax'
import { AppError } from '../base/errors.js'
import { osAppId } from '../base/version.js'
import { type HttpClient, shown } from './http-client.js'
import type { Source, WantedFile } from './source.js'

export interface Vouched { readonly bytes: number, readonly sha256: string }

interface ServerAnswer {
  /** `ok`, `noupdate` or an error, as the server called it. */
  readonly status: string
  readonly version: string
  readonly files: ReadonlyMap<string, Vouched>
}

/** Where Flatcar's own is. */
export const updateServers: Partial<Record<Source['os'], string>> = { flatcar: 'https://public.update.flatcar-linux.net/v1/update/' }

/** Octets; an answer that names twenty files has some four thousand. */
const mostAnswerBytes = 256 * 1024
/** Elements inside one another; those that are read stand six deep, and each looks at all that are around it. */
const mostDepth = 16

/**
 * Size and digest of a file that has no signature, as the source's update server tells them of this very version. AppError
 * image_signature_missing, with the reason, when it does not.
 */
export async function vouchFor ({ name, url }: WantedFile, source: Source, version: string, client: HttpClient): Promise<Vouched> {
  const refuse = (why: string): never => { throw new AppError('image_signature_missing', `${shown(url)} has no signature, and ${why}`) }
  const { updateServer } = source
  if (updateServer === undefined) return refuse('no update server tells its digest: name the publisher\'s in update_server, or leave updates out')
  const { status, version: told, files } = await ask(updateServer, source, version, client)
  if (status !== 'ok') return refuse(`${shown(updateServer)} answers ${status || 'nothing'}, so nothing proves it`)
  // It tells of what it hands out now: a release that is pinned may be older, one of today not be there yet.
  if (told !== version) return refuse(`${shown(updateServer)} tells of ${told || 'no version'}, not of ${version}, so nothing proves it`)
  return files.get(name) ?? refuse(`${shown(updateServer)} does not tell of it, so nothing proves it`)
}

async function ask (url: string, { channel, arch }: Source, version: string, client: HttpClient): Promise<ServerAnswer> {
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<request protocol="3.0" version="core-provisioner" updaterversion="core-provisioner" installsource="ondemandupdate" ismachine="1">
  <os version="Chateau" platform="CoreOS" sp="${justBefore(version)}_${arch === 'arm64' ? 'aarch64' : 'x86_64'}"></os>
  <app appid="{${osAppId}}" version="${justBefore(version)}" track="${channel}" board="${arch}-usr" machineid="${'0'.repeat(32)}" delta_okay="false">
    <updatecheck></updatecheck>
  </app>
</request>
`
  const answer = await client.post(url, body, { 'content-type': 'text/xml' })
  try {
    return readAnswer(answer)
  } catch (error) {
    throw error instanceof AppError ? error : new AppError('image_metadata_invalid', `${shown(url)} answers what is no Omaha`, { cause: error })
  }
}

/** `4230.2.1` of `4230.2.2`: who has that is told of the release itself, and of no other that has to come before it. */
export function justBefore (version: string): string {
  const [, a = 0, b = 0, c = 0] = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  return c > 0 ? `${a}.${b}.${c - 1}` : b > 0 ? `${a}.${b - 1}.9999` : `${Math.max(0, a - 1)}.9999.9999`
}

/** By the paths that update_engine reads, and for what belongs to an update those that flatcar-postinst does. */
function readAnswer (answer: Buffer): ServerAnswer {
  if (answer.length > mostAnswerBytes) throw new Error('too large')
  const reader = sax.parser(true, {})
  const path: string[] = []
  const files = new Map<string, Vouched>()
  const sizes: Array<readonly [name: string, bytes: number, sha256: string]> = []
  let [status, version, payload] = ['', '', '']
  reader.onerror = error => { throw error }
  reader.ondoctype = () => { throw new Error('DTD') }
  reader.onopentag = ({ name, attributes }) => {
    path.push(name)
    if (path.length > mostDepth) throw new Error('too deep')
    const attribute = (key: string): string => Object.hasOwn(attributes, key) ? String(attributes[key]) : ''
    switch (path.join('/')) {
      case 'response/app': if (attribute('status') !== 'ok') status = attribute('status'); break
      case 'response/app/updatecheck': status = attribute('status'); break
      case 'response/app/updatecheck/manifest': version = attribute('version'); break
      case 'response/app/updatecheck/manifest/packages/package': sizes.push([attribute('name'), Number(attribute('size')), attribute('hash_sha256')]); break
      case 'response/app/updatecheck/manifest/actions/action': if (attribute('event') === 'postinstall') payload = attribute('sha256'); break
    }
  }
  reader.onclosetag = () => { path.pop() }
  reader.write(answer.toString('utf8')).close()
  // The first is the system itself, whose digest stands in the action.
  for (const [at, [name, bytes, own]] of sizes.entries()) {
    const sha256 = Buffer.from(at === 0 ? payload : own, 'base64')
    if (sha256.length === 32 && Number.isSafeInteger(bytes) && bytes > 0) files.set(name, { bytes, sha256: sha256.toString('hex') })
  }
  return { status, version, files }
}
