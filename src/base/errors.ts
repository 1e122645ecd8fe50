// The errors of the program: one class, and one table from code to kind and meaning. Each edge maps kinds to its own
// answers once: HTTP to a status, gRPC to a code, the command line to an exit status.

export type ErrorKind = 'usage' | 'invalid' | 'notFound' | 'conflict' | 'unavailable' | 'exhausted' | 'internal'

export const errorTable = {
  usage: { kind: 'usage', meaning: 'the command line is wrong' },
  config_invalid: { kind: 'invalid', meaning: 'the configuration is wrong' },
  address_in_use: { kind: 'conflict', meaning: 'another program listens there' },
  address_not_here: { kind: 'unavailable', meaning: 'this machine does not have that address' },
  permission_denied: { kind: 'unavailable', meaning: 'the service may not do that' },
  other_dhcp_server: { kind: 'conflict', meaning: 'another DHCP server answers on the interface' },
  interface_missing: { kind: 'unavailable', meaning: 'this machine has no such network interface' },
  socket_failed: { kind: 'unavailable', meaning: 'a socket could not be made' },
  thread_failed: { kind: 'unavailable', meaning: 'a thread could not be begun' },
  interrupted: { kind: 'unavailable', meaning: 'a signal ended the command before it was done' },
  refused: { kind: 'invalid', meaning: 'the appliance refused it' },
  disk_full: { kind: 'exhausted', meaning: 'no space is left where the file goes' },
  state_busy: { kind: 'conflict', meaning: 'another process works in the same state_path' },
  state_newer: { kind: 'conflict', meaning: 'a state file was written by a newer version of the program' },
  read_failed: { kind: 'unavailable', meaning: 'a file could not be read' },
  folder_unreadable: { kind: 'unavailable', meaning: 'a folder of the store could not be read' },
  write_failed: { kind: 'unavailable', meaning: 'a file could not be written' },
  etcd_away: { kind: 'unavailable', meaning: 'etcd, which the provisioners share, cannot be reached or has no leader' },
  etcd_full: { kind: 'exhausted', meaning: 'etcd, which the provisioners share, has no space left' },
  etcd_refused: { kind: 'unavailable', meaning: 'etcd, which the provisioners share, refuses this one' },
  etcd_compacted: { kind: 'unavailable', meaning: 'etcd has forgotten the revision that was asked for' },
  etcd_foreign: { kind: 'unavailable', meaning: 'etcd holds another fleet than the one that this provisioner belongs to' },
  store_differs: { kind: 'conflict', meaning: 'what is there already is something else, and is kept' },
  archive_invalid: { kind: 'invalid', meaning: 'an archive of a store cannot be read, or holds what no store may' },
  store_changed: { kind: 'conflict', meaning: 'another provisioner changed the same object at the same time' },
  certificate_invalid: { kind: 'invalid', meaning: 'a certificate or its key cannot be used' },
  key_ring_invalid: { kind: 'invalid', meaning: 'the key ring holds no key that can sign' },
  key_invalid: { kind: 'invalid', meaning: 'a public key cannot be used, or is not the one that is pinned' },
  image_key_missing: { kind: 'invalid', meaning: 'an image is signed with a key that is not pinned' },
  image_key_expired: { kind: 'invalid', meaning: 'an image is signed with a key that has expired or was revoked' },
  image_signature_missing: { kind: 'invalid', meaning: 'an image has no signature' },
  image_signature_bad: { kind: 'invalid', meaning: 'an image is not what was signed' },
  image_digest_wrong: { kind: 'invalid', meaning: 'an image is not what its metadata says' },
  image_mixed: { kind: 'invalid', meaning: 'files of different versions stand where one release should be' },
  image_kind_wrong: { kind: 'invalid', meaning: 'a file of an image source is not what its name says' },
  image_older: { kind: 'conflict', meaning: 'a publisher offers an older release than the one that is published here' },
  image_metadata_invalid: { kind: 'invalid', meaning: 'what a publisher says of a release cannot be used' },
  image_too_large: { kind: 'exhausted', meaning: 'a file of an image source is larger than images.max_size' },
  image_download_failed: { kind: 'unavailable', meaning: 'a file of an image source could not be fetched' },
  images_busy: { kind: 'conflict', meaning: 'another process works on the same images' },
  images_damaged: { kind: 'invalid', meaning: 'mirrored images are not what was published' },
  list_invalid: { kind: 'invalid', meaning: 'a list of machines cannot be read' },
  list_conflict: { kind: 'conflict', meaning: 'a list of machines contradicts itself or what is known already' },
  certificate_exists: { kind: 'conflict', meaning: 'there are certificates already' },
  problems_found: { kind: 'invalid', meaning: 'what was looked at has faults, which are told beside it' },
  answers_differ: { kind: 'conflict', meaning: 'two servers answer the same question differently' },
  group_invalid: { kind: 'invalid', meaning: 'the group is not valid' },
  profile_invalid: { kind: 'invalid', meaning: 'the profile is not valid' },
  id_invalid: { kind: 'invalid', meaning: 'the id is not one safe path component' },
  group_unmatched: { kind: 'notFound', meaning: 'no group matches the labels' },
  profile_unmatched: { kind: 'notFound', meaning: 'the group that matches names a profile that is not there' },
  guard_refused: { kind: 'invalid', meaning: 'a guarded config is not given to who asks' },
  boot_from_disk: { kind: 'notFound', meaning: 'the machine is to start from its disk, and is told so by getting no script' },
  group_missing: { kind: 'notFound', meaning: 'there is no such group' },
  profile_missing: { kind: 'notFound', meaning: 'there is no such profile' },
  message_too_large: { kind: 'exhausted', meaning: 'the object is too large to be read back' },
  message_invalid: { kind: 'invalid', meaning: 'the request could not be read' },
  config_missing: { kind: 'notFound', meaning: 'there is no such config file' },
  template_invalid: { kind: 'invalid', meaning: 'the template could not be rendered' },
  render_busy: { kind: 'exhausted', meaning: 'too many renderings that take long wait already' },
  discovery_full: { kind: 'exhausted', meaning: 'there are too many etcd discovery tokens, or writes below them' },
  discovery_pending: { kind: 'unavailable', meaning: 'the etcd discovery token of a cluster is not on disk yet' },
  render_failed: { kind: 'internal', meaning: 'a rendering that takes long did not come to its end' },
  ignition_invalid: { kind: 'invalid', meaning: 'the Ignition config is not valid' },
  cloud_invalid: { kind: 'invalid', meaning: 'the cloud-config is not valid' }
} as const satisfies Readonly<Record<string, { kind: ErrorKind, meaning: string }>>

export type ErrorCode = keyof typeof errorTable
export const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(errorTable, code)

export interface SocketPort { readonly transport: 'udp' | 'tcp', readonly port: number }

export interface AppErrorOptions extends ErrorOptions {
  readonly key?: string | undefined
  readonly port?: SocketPort | undefined
}

/** A failure that a person is told about: `message` says what happened, where, and what to do, in one line. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  /** Which path that a part of the configuration names it is about: `cert_file`. */
  readonly key: string | undefined
  /** Which port it is about, where a socket could not be had. */
  readonly port: SocketPort | undefined

  constructor (code: ErrorCode, message: string, options?: AppErrorOptions) {
    super(message, options)
    this.code = code
    this.key = options?.key
    this.port = options?.port
  }

  get kind (): ErrorKind { return errorTable[this.code].kind }
}

/** Bytes that are not what they claim to be. `code` is a short fixed word (it becomes a metric label), `offset` counts bytes. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly code: string
  readonly offset: number

  constructor (code: string, offset: number) {
    super(`${code} at byte ${offset}`)
    this.code = code
    this.offset = offset
  }
}

/** What Linux says and libuv has no name for, as fs gives it: "Unknown system error -116" is both the code and the words. */
const unnamed: ReadonlyMap<string, readonly [name: string, words: string]> = new Map([
  ['37', ['ENOLCK', 'no locks left']],
  ['67', ['ENOLINK', 'the way to its server is cut']],
  ['74', ['EBADMSG', 'a check sum on the disk is wrong']],
  ['117', ['EUCLEAN', 'the file system is damaged, and fsck may mend it']],
  ['122', ['EDQUOT', 'the disk quota is used up']],
  ['123', ['ENOMEDIUM', 'no medium is in the drive']],
  ['116', ['ESTALE', 'stale file handle, as of a mount whose server has another file there by now']]
])

/** The errno word of a failed system call, '' for anything else. */
export const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code.replace(/^Unknown system error -(\d+)$/, (code, number: string) => unnamed.get(number)?.[0] ?? code)
    : ''

export const messageOf = (error: unknown): string => error instanceof Error
  ? error.message.replace(/Unknown system error -(\d+)(?:: Unknown system error -\1)?/g, (said, number: string) => unnamed.get(number)?.join(': ') ?? said)
  : String(error)

/** Of libraries whose messages go on for lines. */
export const firstLineOf = (error: unknown): string => messageOf(error).split('\n', 1)[0] ?? ''

/**
 * A promise that nobody waits for. What it rejects with goes to whoever fences the process, as an error in a timer does: it is counted
 * and logged with its place. Whatever the work had taken or promised, it has to give back itself.
 */
export function unwaited (work: Promise<unknown>): void {
  work.catch((error: unknown) => { queueMicrotask(() => { throw error }) })
}
