// The certificate, key and authority a server runs with, kept in step with their files. Someone who renews certificates
// replaces the files one by one, so a set that does not fit together is normal for a moment and never put in force.
//
// The files are looked at every second rather than watched: that also sees what inotify does not, such as a bind mount of
// a single file, a network file system, or the link that Kubernetes turns to a new folder.
import { type BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { X509Certificate } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.js'
import { AppError, errnoOf, messageOf, unwaited } from '../base/errors.js'
import { remedyForSecret } from '../disk/denied.js'
import { readWhole } from '../disk/whole-file.js'
import type { TlsIdentity } from '../net/tls-identity.js'
import type { RevocationList } from './crl.js'
import { authorityWarnings, certificateBlocks, chainWarnings, describeCertificate, exposedKey, formatDay, isCutOff, isExposed, isOutOfTime, keyFits, parseCertificate, serverWarnings, whoSigned } from './certificate.js'

export interface ServerTlsFiles {
  /** Certificates of the authorities whose clients are let in; undefined for a server that asks for none. */
  readonly caFile: string | undefined
  /** The list of certificates that are let in no more; undefined or '' for none. */
  readonly crlFile?: string
  /** The server's certificate, followed by intermediate ones if there are any. */
  readonly certFile: string
  readonly keyFile: string
}

export type TlsEvent =
  | { readonly what: 'reloaded', readonly subject: string, readonly notAfter: number, readonly warnings: readonly string[] }
  | { readonly what: 'kept', readonly reason: string }
  /** Nothing was read, but time went on: what it says of those in force. */
  | { readonly what: 'aged', readonly warnings: readonly string[] }

export interface ReloadOptions {
  readonly clock: Clock
  /** The name or address clients are told, '' when none is configured; only for warnings. */
  readonly advertise: string
  /** New files came into force, or did not and the old ones stay. */
  readonly onEvent: (event: TlsEvent) => void
}

/** Milliseconds between two looks at the files. */
const pollInterval = 1000
/** Milliseconds between two words on the time that is left. */
const agesEvery = 3_600_000
/** A list that ends sooner is warned about: those of other tools last days or weeks. Milliseconds. */
const listWarning = 2 * 86_400_000

interface LoadedFiles {
  readonly identity: TlsIdentity
  readonly certificate: X509Certificate
  /** Everybody on the machine can read the key. */
  readonly exposed: boolean
  /** When the first of the lists of revoked certificates ends, in milliseconds since the epoch; Infinity without one. */
  readonly listEnds: number
  /** Authorities that no list is of: their clients are let in no more either. */
  readonly listless: readonly string[]
  readonly stamp: string
}

export class TlsReloader {
  readonly #files: ServerTlsFiles
  readonly #options: ReloadOptions
  readonly #timer: Timer
  #loaded: LoadedFiles
  /** What the files looked like when they were last read, whether they were taken or not. */
  #read: string
  /** What they looked like at the last glance: they are read once two glances agree. */
  #seen: string
  #agedAt: number
  #kept: string | undefined
  /** When what is kept out begins, in milliseconds since the epoch; Infinity for all else. */
  #begins = Infinity
  #busy: Promise<unknown> = Promise.resolve()

  private constructor (files: ServerTlsFiles, options: ReloadOptions, loaded: LoadedFiles) {
    this.#files = files
    this.#options = options
    this.#loaded = loaded
    this.#read = this.#seen = loaded.stamp
    this.#agedAt = options.clock.now()
    this.#timer = options.clock.every(pollInterval, () => { unwaited(this.poll()) })
  }

  /** Reads the files; AppError `certificate_invalid` says which one is wrong and how. */
  static async open (files: ServerTlsFiles, options: ReloadOptions): Promise<TlsReloader> {
    return new TlsReloader(files, options, await load(files))
  }

  /** What the next connection is to be met with. */
  get identity (): TlsIdentity { return this.#loaded.identity }

  /** When the certificate in force ends, in milliseconds since the epoch. */
  get notAfter (): number { return describeCertificate(this.#loaded.certificate).notAfter }

  /** Who made the certificates in force, for people. */
  signatures (): string[] { return whoSigned(this.#loaded.certificate, this.#loaded.identity.ca, this.#files) }

  /** Whether it is in force and of no use: nobody can connect. */
  get isOutOfTime (): boolean { return isOutOfTime(this.#loaded.certificate, this.#loaded.identity.ca, this.#options.clock.now()) }

  /** Why the files as they are now are not in force, and those that were read before are; undefined where they are. */
  get kept (): string | undefined { return this.#kept }

  warnings (): string[] {
    return [
      ...serverWarnings(this.#loaded.certificate, this.#files.certFile, this.#options.advertise, this.#options.clock.now()),
      ...chainWarnings(this.#loaded.identity.cert, this.#files.certFile, this.#options.clock.now()),
      ...this.#files.caFile === undefined ? [] : authorityWarnings(this.#loaded.identity.ca, this.#files.caFile, this.#options.clock.now()),
      ...this.#listWarnings(),
      ...this.#loaded.exposed ? [exposedKey(this.#files.keyFile)] : []
    ]
  }

  #listWarnings (): string[] {
    const { listEnds, listless } = this.#loaded
    const [file, now] = [this.#files.crlFile ?? '', this.#options.clock.now()]
    return [
      ...listEnds < now
        ? [`the list of revoked certificates in ${file} ended on ${formatDay(listEnds)}: no client is let in until there is a new one`]
        : listEnds - now < listWarning ? [`the list of revoked certificates in ${file} ends on ${new Date(listEnds).toISOString()}: no client is let in from then on, unless there is a new one`] : [],
      ...listless.map(subject => `${file} holds no list of the authority ${subject}: its clients are not let in`)
    ]
  }

  /** Reads the files now, as on SIGHUP, whether they changed or not. True when they are in force. */
  async reload (): Promise<boolean> {
    return await this.#alone(async () => await this.#take())
  }

  /** One glance at the files: what the timer does every second. */
  async poll (): Promise<void> {
    await this.#alone(async () => {
      const stamp = await stampOf(this.#files)
      const settled = stamp === this.#seen
      this.#seen = stamp
      if (settled && (stamp !== this.#read || this.#options.clock.now() >= this.#begins)) await this.#take()
      // Also where the clock was set back.
      else if (Math.abs(this.#options.clock.now() - this.#agedAt) >= agesEvery) {
        this.#agedAt = this.#options.clock.now()
        this.#options.onEvent({ what: 'aged', warnings: this.warnings() })
      }
    })
  }

  async close (): Promise<void> {
    this.#timer.cancel()
    await this.#busy
  }

  /** One at a time, so that two readings never race to be the last. */
  async #alone<T> (work: () => Promise<T>): Promise<T> {
    const mine = this.#busy.then(work)
    this.#busy = mine.catch(() => {})
    return await mine
  }

  async #take (): Promise<boolean> {
    this.#read = this.#seen = await stampOf(this.#files)
    this.#begins = Infinity
    try {
      const loaded = await load(this.#files)
      const { notBefore, notAfter, subject } = describeCertificate(loaded.certificate)
      if (notAfter < this.#options.clock.now()) throw new AppError('certificate_invalid', `${this.#files.certFile} ended on ${formatDay(notAfter)}`)
      if (notBefore > this.#options.clock.now()) {
        this.#begins = notBefore
        throw new AppError('certificate_invalid', `${this.#files.certFile} begins only on ${formatDay(notBefore)}, and is taken then; check this machine's clock`)
      }
      if (loaded.listEnds < this.#options.clock.now()) throw new AppError('certificate_invalid', `the list of revoked certificates in ${this.#files.crlFile ?? ''} ended on ${formatDay(loaded.listEnds)}`)
      this.#loaded = loaded
      this.#kept = undefined
      this.#options.onEvent({ what: 'reloaded', subject, notAfter, warnings: this.warnings() })
      return true
    } catch (error) {
      this.#kept = messageOf(error)
      this.#options.onEvent({ what: 'kept', reason: this.#kept })
      return false
    }
  }
}

async function load (files: ServerTlsFiles): Promise<LoadedFiles> {
  const stamp = await stampOf(files)
  const ca = files.caFile === undefined ? '' : await read(files.caFile, 'ca_file')
  const cert = await read(files.certFile, 'cert_file')
  const key = await read(files.keyFile, 'key_file')
  const crl = (files.crlFile ?? '') === '' ? undefined : await read(files.crlFile ?? '', 'crl_file')
  const [certificate] = about('cert_file', () => allIn(cert, files.certFile))
  if (isCutOff(cert)) throw new AppError('certificate_invalid', `${files.certFile} is cut off: a certificate in it has no end`, { key: 'cert_file' })
  const authorities = about('ca_file', () => files.caFile === undefined ? [] : allIn(ca, files.caFile))
  if (!about('key_file', () => keyFits(certificate, key, files.keyFile))) {
    const other = certificateBlocks(cert).slice(1).some(block => keyFits(parseCertificate(block, files.certFile), key, files.keyFile))
    throw new AppError('certificate_invalid', `${files.keyFile} does not belong to the ${other ? 'first ' : ''}certificate in ${files.certFile}${other ? ', but to one behind it: the server\'s own has to be the first' : ''}`, { key: 'key_file' })
  }
  const { readCrls } = await import('./crl.js')
  const lists = crl === undefined ? undefined : about('crl_file', () => readCrls(crl, files.crlFile ?? ''))
  if (lists?.some(({ isSignedBy }) => !authorities.some(isSignedBy)) === true) {
    throw new AppError('certificate_invalid', `${files.crlFile ?? ''} is a list of revoked certificates of another authority than the one in ${files.caFile ?? ''}`, { key: 'crl_file' })
  }
  try {
    // OpenSSL has the last word: it refuses keys that are too short, for example.
    createSecureContext({ ...ca !== '' && { ca: certificateBlocks(ca) }, cert, key, ...lists !== undefined && { crl: lists.map(({ pem }) => pem) } })
  } catch (error) {
    throw new AppError('certificate_invalid', `${everyFile(files).join(', ')} cannot be used: ${messageOf(error)}`, { cause: error, key: 'cert_file' })
  }
  const exposed = await stat(files.keyFile).then(isExposed, () => false)
  return {
    identity: { ca, cert, key, ...lists !== undefined && inForce(lists) },
    certificate,
    exposed,
    listEnds: Math.min(...(lists ?? []).map(({ ends = Infinity }) => ends)),
    listless: authorities.filter(authority => lists?.some(({ isSignedBy }) => isSignedBy(authority)) === false)
      .map(authority => describeCertificate(authority).subject),
    stamp
  }
}

const inForce = (lists: readonly RevocationList[]): Pick<TlsIdentity, 'crl' | 'revoked'> => ({
  crl: lists.map(({ pem }) => pem),
  revoked: new Set(lists.flatMap(({ revoked }) => revoked.map(({ serial }) => serial)))
})

const everyFile = ({ caFile, crlFile = '', certFile, keyFile }: ServerTlsFiles): readonly string[] =>
  [certFile, keyFile, ...caFile === undefined ? [] : [caFile], ...crlFile === '' ? [] : [crlFile]]

/** By the key that names it: what it is, how large it may be, and what makes one. */
const fileKinds = {
  ca_file: { what: 'the certificates of the client authority', size: 'collections', maker: '`core-provisioner certs init` makes a set' },
  cert_file: { what: 'the server certificate', size: 'credentials', maker: '`core-provisioner certs init` makes a set' },
  key_file: { what: 'the server key', size: 'credentials', maker: '`core-provisioner certs init` makes a set' },
  crl_file: { what: 'the list of revoked certificates', size: 'collections', maker: '`core-provisioner certs revoke` writes one' }
} as const

async function read (file: string, key: keyof typeof fileKinds): Promise<string> {
  const { what, size, maker } = fileKinds[key]
  try {
    return (await readWhole(file, size)).toString()
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? `there is no such file (${maker})` : `${messageOf(error)}${remedyForSecret(file, error)}`
    throw new AppError('certificate_invalid', `cannot read ${what} from ${file}: ${why}`, { cause: error, key })
  }
}

/** What is wrong with what a file holds is said of its key. */
function about<T> (key: keyof typeof fileKinds, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, error.message, { cause: error, key })
  }
}

/** The first has to be there. */
const allIn = (text: string, file: string): readonly [X509Certificate, ...X509Certificate[]] =>
  [parseCertificate(text, file), ...certificateBlocks(text).slice(1).map(block => parseCertificate(block, file))]

/** Changes whenever one of the files is written or replaced, or comes or goes. */
async function stampOf (files: ServerTlsFiles): Promise<string> {
  const facts = await Promise.all(everyFile(files).map(async file => await stat(file, { bigint: true }).catch(() => undefined)))
  const stamp = (s: BigIntStats | undefined): string => s === undefined ? 'missing' : [s.dev, s.ino, s.size, s.mtimeNs, s.ctimeNs].join(':')
  return facts.map(stamp).join(' ')
}
