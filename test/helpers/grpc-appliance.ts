// A data directory, the store over it and the gRPC server before it, as the appliance puts them together.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import tls from 'node:tls'
import { type ChannelCredentials, Client, Metadata, type ServiceError, credentials, status } from '@grpc/grpc-js'
import { pino } from 'pino'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from '../../src/grpc/grpc-server.js'
import { loadProtocol, serviceNames } from '../../src/grpc/proto.js'
import { type Provisioner, createProvisioner } from '../../src/matchbox/provisioner.js'
import type { OpenStore } from '../../src/matchbox/store.js'
import { openFileStore } from '../../src/store/file-store.js'
import { type Pair, type Pki } from './pki.js'

export const quiet = pino({ level: 'silent' })

/** Writes a tree of files: path to content, and null or a path ending in / for an empty folder. */
export async function writeTree (root: string, tree: Readonly<Record<string, Buffer | null>>): Promise<void> {
  for (const [path, content] of Object.entries(tree)) {
    if (content === null || path.endsWith('/')) await mkdir(join(root, path), { recursive: true })
    else {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), content)
    }
  }
}

/** What is below `root`: path to content, `folder/` to null when it is empty, `./` when the root itself is gone. */
export async function readTree (root: string, below = ''): Promise<Record<string, Buffer | null>> {
  const tree: Record<string, Buffer | null> = {}
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => undefined)
  if (entries === undefined) return { './': null }
  for (const entry of entries) {
    const path = `${below}${entry.name}`
    if (!entry.isDirectory()) tree[path] = await readFile(join(root, path))
    else {
      const inside = await readTree(root, `${path}/`)
      Object.assign(tree, Object.keys(inside).length === 0 ? { [`${path}/`]: null } : inside)
    }
  }
  return tree
}

export interface Appliance {
  readonly dataPath: string
  readonly store: OpenStore
  readonly provisioner: Provisioner
  readonly server: GrpcServer
  readonly address: string
  close: () => Promise<void>
}

type ServerOptions = Partial<Pick<GrpcServerOptions, 'identity' | 'connections' | 'unfinished' | 'log' | 'onCall' | 'onHandshakeFailure' | 'grace' | 'listen'>>

export interface ApplianceOptions extends ServerOptions {
  readonly pki: Pki
  readonly before?: Readonly<Record<string, Buffer | null>>
  /** An existing folder; one that is made and removed otherwise. */
  readonly dataPath?: string
  readonly tombstoneMs?: number
  readonly clock?: Clock
  readonly watch?: boolean
}

export async function startAppliance (options: ApplianceOptions): Promise<Appliance> {
  const { pki, before = {}, tombstoneMs = 0, clock = systemClock, watch = false, log = quiet } = options
  const dataPath = options.dataPath ?? await mkdtemp(join(tmpdir(), 'grpc-'))
  await writeTree(dataPath, before)
  const store = await openFileStore({ dataPath, tombstoneMs, clock, log, watch })
  const provisioner = createProvisioner({ store })
  const server = await startGrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    identity: () => ({ ca: pki.ca.cert, ...pki.server }),
    ...options,
    provisioner,
    clock: systemClock,
    log
  })
  return {
    dataPath,
    store,
    provisioner,
    server,
    address: `127.0.0.1:${server.address.port}`,
    close: async () => {
      await server.close()
      await store.close()
      if (options.dataPath === undefined) await rm(dataPath, { recursive: true, force: true })
    }
  }
}

const protocol = await loadProtocol()
export const methods = new Map(serviceNames.flatMap(service => Object.entries(protocol.services[service])))

interface Failure { readonly code: number, readonly status: string, readonly message: string }
export type Answer = { readonly response: object } | { readonly error: Failure }

export interface RawClient {
  /** A call by its name with a message, or by its path with bytes. */
  call: (rpc: string, request: object) => Promise<Answer>
  close: () => void
}

interface TlsOptions { readonly max?: string, readonly ciphers?: string }

export const tlsCredentials = (pki: Pki, pair: Pair | undefined, options: TlsOptions = {}): ChannelCredentials =>
  pair === undefined && options.max === undefined
    ? credentials.createSsl(Buffer.from(pki.ca.cert))
    : credentials.createFromSecureContext(tls.createSecureContext({
      ca: pki.ca.cert,
      ...pair,
      ...options.max === 'TLSv1.2' ? { maxVersion: 'TLSv1.2' } : {},
      ...options.ciphers === undefined ? {} : { ciphers: options.ciphers }
    }))

export function rawClient (address: string, creds: ChannelCredentials, options: Record<string, string | number> = {}): RawClient {
  const own = { 'grpc.enable_channelz': 0, 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 }
  const client = new Client(address, creds, { ...own, ...options })
  const raw = { serialize: (value: object) => value as Buffer, deserialize: (bytes: Buffer): object => bytes }
  return {
    call: (rpc, request) => new Promise(resolve => {
      const method = methods.get(rpc)
      const finish = (error: ServiceError | null, response?: object): void => {
        if (error === null) resolve({ response: response ?? {} })
        else resolve({ error: { code: error.code, status: status[error.code], message: error.details } })
      }
      const { path = rpc, requestSerialize = raw.serialize, responseDeserialize = raw.deserialize } = method ?? {}
      const deadline = Date.now() + 300_000
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), { deadline }, finish)
    }),
    close: () => { client.close() }
  }
}
