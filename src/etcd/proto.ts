// etcd's calls and messages, from assets/proto. Revisions are numbers here: etcd counts one up for each change, and 2^53 are never
// reached. Ids of clusters, members and leases use all 64 bits and stay text.
import { load, type MessageTypeDefinition, type MethodDefinition } from '@grpc/proto-loader'
import { bundledPath } from '../base/bundled.js'

export interface ResponseHeader { readonly cluster_id: string, readonly member_id: string, readonly revision: string }

export interface WireKeyValue {
  readonly key: Buffer
  readonly create_revision: string
  readonly mod_revision: string
  readonly value: Buffer
  readonly lease: string
}

export interface RangeRequest {
  readonly key: Buffer
  readonly range_end?: Buffer
  readonly limit?: number
  readonly revision?: number
  readonly keys_only?: boolean
  readonly count_only?: boolean
}

export interface RangeResponse { readonly header: ResponseHeader, readonly kvs: readonly WireKeyValue[], readonly more: boolean }

export interface Compare {
  readonly key: Buffer
  readonly target: 'CREATE' | 'MOD' | 'VALUE'
  readonly result: 'EQUAL' | 'GREATER'
  readonly create_revision?: number
  readonly mod_revision?: number
  /** A key that is not there has none, and equals nothing. */
  readonly value?: Buffer
}

export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: { readonly key: Buffer, readonly value: Buffer, readonly lease?: string } }
  | { readonly request_delete_range: { readonly key: Buffer, readonly range_end?: Buffer } }
  | { readonly request_txn: TxnRequest }

export interface TxnRequest {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure: readonly RequestOp[]
}

export interface ResponseOp {
  readonly response_range?: RangeResponse
  readonly response_txn?: TxnResponse
}

export interface TxnResponse { readonly header: ResponseHeader, readonly succeeded: boolean, readonly responses: readonly ResponseOp[] }

export interface WatchResponse {
  readonly header: ResponseHeader
  readonly created: boolean
  readonly canceled: boolean
  readonly compact_revision: string
  readonly cancel_reason: string
  readonly fragment: boolean
  readonly events: ReadonlyArray<{ readonly type: 'PUT' | 'DELETE', readonly kv: WireKeyValue }>
}

export interface StatusResponse {
  readonly header: ResponseHeader
  readonly version: string
  readonly leader: string
  readonly errors: readonly string[]
}

/** Every call that is made, with what goes and comes. */
export interface EtcdCalls {
  readonly Range: readonly [RangeRequest, RangeResponse]
  readonly Txn: readonly [TxnRequest, TxnResponse]
  readonly Compact: readonly [{ readonly revision: number, readonly physical?: boolean }, { readonly header: ResponseHeader }]
  readonly LeaseGrant: readonly [{ readonly TTL: number }, { readonly header: ResponseHeader, readonly ID: string, readonly TTL: string }]
  readonly LeaseRevoke: readonly [{ readonly ID: string }, { readonly header: ResponseHeader }]
  readonly Status: readonly [object, StatusResponse]
  readonly Authenticate: readonly [Readonly<Record<'name' | 'password', string>>, { readonly header: ResponseHeader, readonly token: string }]
}
export type CallName = keyof EtcdCalls
export type StreamName = 'Watch' | 'LeaseKeepAlive'

export type Methods = Readonly<Record<CallName | StreamName, MethodDefinition<object, object>>>

const services = ['KV', 'Watch', 'Lease', 'Maintenance', 'Auth'] as const

export async function loadMethods (): Promise<Methods> {
  const definition = await load('etcd-rpc.proto', { includeDirs: [bundledPath('proto')], keepCase: true, longs: String, enums: String, defaults: true, oneofs: false })
  const methods = services.flatMap(name => {
    const service = definition[`etcdserverpb.${name}`]
    if (service === undefined || isMessage(service)) throw new Error(`assets/proto defines no service etcdserverpb.${name}`)
    return Object.entries(service)
  })
  return Object.fromEntries(methods) as unknown as Methods
}

const isMessage = (found: object): found is MessageTypeDefinition<object, object> => 'format' in found
