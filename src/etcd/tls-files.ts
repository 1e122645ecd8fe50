// What a connection to etcd is encrypted with, kept in step with its files: whoever renews certificates replaces them one by one, so
// that a set which does not fit together is normal for a moment and never put in force.
import { stat } from 'node:fs/promises'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, errnoOf, messageOf, unwaited } from '../base/errors.js'
import { remedyForSecret } from '../disk/denied.js'
import { readWhole } from '../disk/whole-file.js'

/** '' for a file that there is none of: without an authority those of the system count. */
export interface TlsFileNames { readonly caFile: string, readonly certFile: string, readonly keyFile: string }

/** PEM texts. */
export interface TlsTexts { readonly ca: Buffer | null, readonly cert: Buffer | null, readonly key: Buffer | null }

export interface TlsFilesOptions {
  readonly clock: Clock
  /** Other files are in force now. */
  readonly onChange: () => void
  /** The files changed and can't be used; those from before stay. */
  readonly onKept: (reason: string) => void
}

/** Milliseconds. */
const lookEvery = 2000

export class ClientTlsFiles {
  readonly #names: TlsFileNames
  readonly #options: TlsFilesOptions
  readonly #timer: Timer
  #texts: TlsTexts
  #stamp: string
  #looking = Promise.resolve()

  private constructor (names: TlsFileNames, options: TlsFilesOptions, texts: TlsTexts, stamp: string) {
    this.#names = names
    this.#options = options
    this.#texts = texts
    this.#stamp = stamp
    this.#timer = options.clock.every(lookEvery, () => { unwaited(this.look()) })
  }

  /** AppError certificate_invalid says which file is wrong and how. */
  static async open (names: TlsFileNames, options: TlsFilesOptions): Promise<ClientTlsFiles> {
    const stamp = await stampOf(names)
    return new ClientTlsFiles(names, options, await readTexts(names), stamp)
  }

  get texts (): TlsTexts { return this.#texts }

  /** One look at the files: what the timer does. */
  async look (): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      const stamp = await stampOf(this.#names)
      if (stamp === this.#stamp) return
      try {
        this.#texts = await readTexts(this.#names)
        this.#stamp = stamp
        this.#options.onChange()
      } catch (error) {
        // Told once for each state of the files.
        this.#stamp = stamp
        this.#options.onKept(messageOf(error))
      }
    })
    await this.#looking
  }

  async close (): Promise<void> {
    this.#timer.cancel()
    await this.#looking
  }
}

async function readTexts ({ caFile, certFile, keyFile }: TlsFileNames): Promise<TlsTexts> {
  const read = async (file: string, key: string): Promise<Buffer | null> => {
    if (file === '') return null
    try {
      return await readWhole(file, 'collections')
    } catch (error) {
      throw new AppError('certificate_invalid', errnoOf(error) === 'ENOENT' ? `there is no file ${file}` : `cannot read ${file}: ${messageOf(error)}${remedyForSecret(file, error)}`, { cause: error, key })
    }
  }
  const ca = await read(caFile, 'ca_file')
  const cert = await read(certFile, 'cert_file')
  const key = await read(keyFile, 'key_file')
  if (ca?.includes('-----BEGIN CERTIFICATE-----') === false) throw new AppError('certificate_invalid', `${caFile} holds no certificate`, { key: 'ca_file' })
  const refusing = (parts: SecureContextOptions, files: string, key: string): void => {
    try {
      createSecureContext(parts)
    } catch (error) {
      throw new AppError('certificate_invalid', `${files} cannot be used: ${messageOf(error)}`, { cause: error, key })
    }
  }
  // One by one first: OpenSSL does not say which it means.
  if (ca !== null) refusing({ ca }, caFile, 'ca_file')
  if (cert !== null) refusing({ cert }, certFile, 'cert_file')
  if (key !== null) refusing({ key }, keyFile, 'key_file')
  if (cert !== null && key !== null) refusing({ cert, key }, `${certFile}, ${keyFile}`, 'key_file')
  return { ca, cert, key }
}

/** Changes whenever one of the files is written or replaced, or comes or goes. */
async function stampOf ({ caFile, certFile, keyFile }: TlsFileNames): Promise<string> {
  const stamps = await Promise.all([caFile, certFile, keyFile].map(async file => {
    const facts = file === '' ? undefined : await stat(file, { bigint: true }).catch(() => undefined)
    return facts === undefined ? 'missing' : [facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join(':')
  }))
  return stamps.join(' ')
}
