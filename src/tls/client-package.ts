// What a client of the gRPC API needs, as one file to carry: matchbox-certs/ with the authority's certificate and the client's own
// certificate and key, as a gzipped ustar archive (POSIX.1-2001, pax(1)). The authority's key stays where it is.
import { chmod, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { behindLink } from '../disk/behind-link.js'
import { readWhole } from '../disk/whole-file.js'

export const clientFiles = ['ca.crt', 'client.crt', 'client.key'] as const
const folder = 'matchbox-certs'

/** What install.sh calls it, beside the certificates. */
const packed = 'matchbox-certs.tar.gz'

/**
 * Packs anew what lies packed in `dir`: one that holds a client that is renewed lets nobody in any more. Gives its path, undefined
 * where there is none. Its owner and group stay, and what they may do with it; others have no part in a key.
 */
export async function repackClient (dir: string, now: number): Promise<string | undefined> {
  const path = join(dir, packed)
  const before = await stat(path).catch(() => undefined)
  if (before === undefined) return undefined
  if ((before.mode & 0o007) !== 0) await chmod(path, before.mode & 0o770)
  await writeFileAtomic(await behindLink(path), await packClient(dir, now), { mode: 0o600 })
  return path
}

/** The archive of the client's files in `dir`. AppError config_missing names the first that is not there. */
export async function packClient (dir: string, now: number): Promise<Buffer> {
  const files: { readonly name: string, readonly content: Buffer }[] = []
  for (const name of clientFiles) files.push({ name, content: await contentOf(join(dir, name)) })
  const seconds = Math.floor(now / 1000)
  const blocks = [header(`${folder}/`, 0o700, 0, seconds, '5')]
  for (const { name, content } of files) {
    blocks.push(header(`${folder}/${name}`, name.endsWith('.key') ? 0o600 : 0o644, content.length, seconds, '0'), content, Buffer.alloc(-content.length & 511))
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

async function contentOf (path: string): Promise<Buffer> {
  try {
    return await readWhole(path, 'credentials')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw new AppError('config_missing', `there is no ${path}: core-provisioner certs init makes it`, { cause: error })
    throw new AppError('read_failed', `${path}: ${messageOf(error)}`, { cause: error })
  }
}

/** One block of 512 octets; numbers are octal. */
function header (name: string, mode: number, size: number, modified: number, type: '0' | '5'): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
  block.write(name, 0, 100)
  block.write(octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(modified, 12), 100, 'latin1')
  // The checksum counts itself as blanks.
  block.write(' '.repeat(8), 148)
  block.write(type, 156)
  block.write('ustar\x0000', 257, 'latin1')
  block.write(`${block.reduce((sum, octet) => sum + octet, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
