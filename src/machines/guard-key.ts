// The secret that tokens of the guard are made with, in a file: the same after a restart. Where the disk takes none, tokens are good until
// then.
import { randomBytes } from 'node:crypto'
import { errnoOf, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { readWhole } from '../disk/whole-file.js'

const secretOctets = 32

/** What is kept, or a new one where there is none or half of one. Never rejected: a machine boots without the disk. */
export async function guardKey (path: string, log: Pick<Logger, 'warn'>): Promise<Buffer> {
  const kept = await readWhole(path, 'credentials').catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') log.warn({ file: path, error: messageOf(error) }, 'guard.key_unreadable')
    return undefined
  })
  if (kept?.length === secretOctets) return kept
  const secret = randomBytes(secretOctets)
  await writeFileAtomic(path, secret, { mode: 0o600 })
    .catch((error: unknown) => { log.warn({ file: path, error: messageOf(error) }, 'guard.key_unsaved') })
  return secret
}
