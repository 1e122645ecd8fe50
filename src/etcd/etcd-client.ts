// A client of etcd: unary calls that go to another member when one does not answer, and streams to the member that answers now. Every
// call has a deadline; a connection over which nothing comes is given up (a partition drops packets, and resets nothing).
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { type ChannelCredentials, type ChannelOptions, Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { AppError, messageOf } from '../base/errors.js'
import { connectionWords } from './connection-words.js'
import { isCallFailure, unknownUser, verdictOn } from './failure.js'
import { memberTarget, registerMemberNames } from './member-names.js'
import { type CallName, type EtcdCalls, type ResponseHeader, loadMethods, type Methods, type StreamName } from './proto.js'
import type { TlsTexts } from './tls-files.js'

export interface EtcdClientOptions {
  /** `https://10.0.0.11:2379`; http without TLS. */
  readonly endpoints: readonly string[]
  /** Asked for each connection; undefined for what the system trusts, without a certificate of one's own. */
  readonly tls: (() => TlsTexts) | undefined
  /** The password is asked for whenever it is needed: its file may have changed. */
  readonly login?: { readonly user: string, readonly password: () => Promise<string> } | undefined
  /** Milliseconds that one member may take for a call. */
  readonly patience?: number
  /** A member failed and another is asked from now on. */
  readonly onFailover?: (from: string, reason: string) => void
}

/** What is used of a stream of gRPC's. */
export interface EtcdStream<Q, R> {
  write: (message: Q) => unknown
  cancel: () => void
  /** No `data` is told until `resume`. */
  pause: () => unknown
  resume: () => unknown
  on: ((event: 'data', listener: (message: R) => void) => unknown) & ((event: 'error', listener: (error: Error) => void) => unknown) &
    ((event: 'end' | 'close', listener: () => void) => unknown)
}

const defaultPatience = 1500

const channelOptions = {
  // etcd hangs up on who asks more often than every five seconds.
  'grpc.keepalive_time_ms': 7000,
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2000,
  // A snapshot's page may hold many configs.
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1
}

export class EtcdClient {
  readonly #options: EtcdClientOptions
  readonly #methods: Methods
  readonly #patience: number
  #members: Client[]
  /** Which of the endpoints is asked. */
  #at = 0
  #token: string | undefined
  #login: Promise<void> | undefined
  #cluster: string | undefined
  /** All to the member that is asked: they end with it. */
  readonly #streams = new Set<{ readonly cancel: () => void }>()
  #closed = false

  private constructor (options: EtcdClientOptions, methods: Methods) {
    this.#options = options
    this.#methods = methods
    this.#patience = options.patience ?? defaultPatience
    this.#members = this.#connect()
  }

  /** Connects with the first call. */
  static async open (options: EtcdClientOptions): Promise<EtcdClient> {
    registerMemberNames()
    return new EtcdClient(options, await loadMethods())
  }

  /** The member that is asked. */
  get endpoint (): string { return this.#options.endpoints[this.#at] ?? '' }

  /** The id of the cluster that answered first, by its members; undefined as long as none did. */
  get cluster (): string | undefined { return this.#cluster }

  /** Another cluster may answer from now on: after it was restored it has another id. */
  forgetCluster (): void { this.#cluster = undefined }

  /**
   * Throws AppError: etcd_away when no member answered, whether or not one of them has carried it out; etcd_full, etcd_refused,
   * etcd_compacted, etcd_foreign, message_too_large.
   */
  async call<N extends CallName> (name: N, request: EtcdCalls[N][0], patience = this.#patience): Promise<EtcdCalls[N][1]> {
    const failures: string[] = []
    let foreign: AppError | undefined
    let logins = 0
    for (let tries = 0; tries < this.#members.length && !this.#closed;) {
      const at = this.#at
      try {
        await this.#loggedIn(patience)
        const response = await this.#once(at, name, request, patience)
        this.#assertOurs(response.header, at)
        return response
      } catch (error) {
        if (error instanceof AppError && error.code !== 'etcd_foreign') throw error
        const verdict = error instanceof AppError ? 'elsewhere' : isCallFailure(error) ? verdictOn(error) : undefined
        if (verdict === undefined) throw error
        if (verdict === 'login') {
          if (this.#options.login === undefined || logins++ > 0) throw unknownUser()
          this.#token = undefined
          continue
        }
        if (verdict instanceof AppError) throw verdict
        if (error instanceof AppError) foreign = error
        const reason = this.#reasonOf(error, at)
        failures.push(`${this.#options.endpoints[at] ?? ''}: ${reason}`)
        this.#leave(at, reason)
        tries++
      }
    }
    throw foreign !== undefined && failures.length === 1
      ? foreign
      : new AppError(foreign === undefined ? 'etcd_away' : 'etcd_foreign', `etcd does not answer: ${failures.join('; ') || 'the connection is closed'}`)
  }

  /** A stream to the member that is asked now; it ends with an error when that one is given up. */
  async stream<Q, R> (name: StreamName): Promise<EtcdStream<Q, R>> {
    if (this.#closed) throw new AppError('etcd_away', 'the connection to etcd is closed')
    await this.#loggedIn(this.#patience)
    const { path, requestSerialize, responseDeserialize } = this.#methods[name]
    const at = this.#at
    const member = this.#members[at]!
    const stream = member.makeBidiStreamRequest(
      path, requestSerialize, responseDeserialize, this.#metadata()
    ) as unknown as EtcdStream<Q, R>
    this.#streams.add(stream)
    stream.on('error', error => {
      // A stream that breaks by itself says the same of its member as a call.
      if (isCallFailure(error)) {
        const verdict = verdictOn(error)
        if (verdict === 'login') this.#token = undefined
        else if (verdict === 'elsewhere' && error.code !== status.CANCELLED) this.#leave(at, this.#reasonOf(error, at))
      }
    })
    stream.on('close', () => { this.#streams.delete(stream) })
    return stream
  }

  /** Connects anew, since certificates changed; calls under way end as they began. */
  renew (): void {
    const before = this.#members
    this.#members = this.#connect()
    this.#token = undefined
    for (const stream of this.#streams) stream.cancel()
    for (const member of before) member.close()
  }

  close (): void {
    this.#closed = true
    for (const stream of this.#streams) stream.cancel()
    for (const member of this.#members) member.close()
  }

  #connect (): Client[] {
    const { endpoints, tls } = this.#options
    return endpoints.map(endpoint => {
      const { protocol, host, hostname } = new URL(endpoint)
      const target = isIP(addressIn(hostname)) === 0 ? memberTarget(host) : host
      if (protocol === 'http:') return new Client(target, credentials.createInsecure(), channelOptions)
      const { by, options } = secured(hostname, tls?.() ?? { ca: null, cert: null, key: null })
      return new Client(target, by, { ...channelOptions, ...options })
    })
  }

  #leave (at: number, reason: string): void {
    if (this.#closed || this.#at !== at) return
    for (const stream of this.#streams) stream.cancel()
    if (this.#members.length < 2) return
    this.#at = (at + 1) % this.#members.length
    this.#options.onFailover?.(this.#options.endpoints[at] ?? '', reason)
  }

  #metadata (): Metadata {
    const metadata = new Metadata()
    // A member that has lost the others says so, and does not go on answering from what it knew.
    metadata.set('hasleader', 'true')
    if ((this.#token ?? '') !== '') metadata.set('token', this.#token ?? '')
    return metadata
  }

  async #loggedIn (patience: number): Promise<void> {
    const { login } = this.#options
    if (login === undefined || this.#token !== undefined) return
    this.#login ??= (async () => {
      try {
        const { token } = await this.#once(this.#at, 'Authenticate', { name: login.user, password: await login.password() }, patience)
        this.#token = token
      } catch (error) {
        // Who is asked for no password may come in without.
        if (!isCallFailure(error) || !error.details.includes('authentication is not enabled')) throw error
        this.#token = ''
      } finally {
        this.#login = undefined
      }
    })()
    await this.#login
  }

  #once<N extends CallName> (at: number, name: N, request: EtcdCalls[N][0], patience: number): Promise<EtcdCalls[N][1]> {
    const { path, requestSerialize, responseDeserialize } = this.#methods[name]
    return new Promise((resolve, reject) => {
      const member = this.#members[at]!
      const deadline = Date.now() + patience
      const [asked, metadata] = [request as object, this.#metadata()]
      member.makeUnaryRequest(path, requestSerialize, responseDeserialize, asked, metadata, { deadline }, (error, response) => {
        if (error !== null) reject(error)
        else resolve(response as EtcdCalls[N][1])
      })
    })
  }

  #reasonOf (error: unknown, at: number): string {
    if (error instanceof AppError) return error.message
    const said = isCallFailure(error) ? error.details : messageOf(error)
    return connectionWords(said, { endpoint: this.#options.endpoints[at] ?? '', tls: this.#options.tls?.() })
  }

  /** Endpoints of two clusters would be two truths. */
  #assertOurs ({ cluster_id: cluster }: ResponseHeader, at: number): void {
    this.#cluster ??= cluster
    if (cluster === this.#cluster) return
    throw new AppError('etcd_foreign', `${this.#options.endpoints[at] ?? ''} belongs to another etcd cluster (${idText(cluster)}) than the one that answered before (${idText(this.#cluster)})`)
  }
}

const addressIn = (hostname: string): string => hostname.replace(/^\[|\]$/g, '')

/** TLS knows no names that are addresses (RFC 6066 section 3): another one is sent, and the certificate is looked at for the address. */
function secured (hostname: string, { ca, cert, key }: TlsTexts): { readonly by: ChannelCredentials, readonly options: ChannelOptions } {
  const address = addressIn(hostname)
  if (isIP(address) === 0) return { by: credentials.createSsl(ca, key, cert), options: {} }
  const by = credentials.createSsl(ca, key, cert, { checkServerIdentity: (_, certificate) => checkServerIdentity(address, certificate) })
  return { by, options: { 'grpc.ssl_target_name_override': 'etcd', 'grpc.default_authority': hostname } }
}

/** As etcdctl shows ids. */
const idText = (id: string): string => BigInt(id).toString(16)
