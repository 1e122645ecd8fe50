// The signer of HTTP answers, when a key ring is configured.
import type { Clock } from '../base/clock.js'
import type { LoadedConfig } from '../config/load.js'
import { AppError } from '../base/errors.js'
import { Signer } from '../openpgp/sign.js'

/** AppError says in one line, with where the path was written, why the key ring does not open. */
export async function openSigner ({ config, keyAt }: LoadedConfig, passphrase: string, clock: Clock): Promise<Signer | undefined> {
  const { key_ring_path: path } = config.signing
  if (path === '') return undefined
  const { openKeyRing } = await import('../openpgp/key-ring.js')
  try {
    return new Signer(await openKeyRing(path, passphrase), clock)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${keyAt(['signing', 'key_ring_path'])}: ${error.message}`)
  }
}
