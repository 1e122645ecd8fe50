// Answers of etcd's v2 keys API, as etcd 3.4 with --enable-v2 words them: what members of a new cluster ask the discovery service
// for (etcd's Documentation/dev-internal/discovery_protocol.md and v2/api.md). Keys stand below /_etcd/registry/.

export interface KeyNode {
  readonly key: string
  readonly value?: string
  readonly dir?: true
  readonly nodes?: readonly KeyNode[]
  readonly modifiedIndex: number
  readonly createdIndex: number
}

export type KeyAction = 'get' | 'create' | 'set' | 'update' | 'delete'

/** What became of a key; also what a waiting member is told. */
export interface KeyEvent {
  readonly action: KeyAction
  readonly node: KeyNode
  readonly prevNode?: KeyNode
}

export interface KeyError {
  readonly errorCode: number
  readonly message: string
  readonly cause: string
  readonly index: number
}

export interface KeysAnswer {
  readonly status: number
  /** Of the whole store; a member begins to wait at the one after it. */
  readonly index: number
  readonly body: KeyEvent | KeyError
}

/** etcd's error codes with its messages and the status that they travel by. */
const errors = {
  keyNotFound: { status: 404, errorCode: 100, message: 'Key not found' },
  notFile: { status: 403, errorCode: 102, message: 'Not a file' },
  nodeExists: { status: 412, errorCode: 105, message: 'Key already exists' },
  invalidField: { status: 400, errorCode: 209, message: 'Invalid field' },
  raftInternal: { status: 500, errorCode: 300, message: 'Raft Internal Error' },
  eventIndexCleared: { status: 400, errorCode: 401, message: 'The event in requested index is outdated and cleared' }
} as const

export function keyError (name: keyof typeof errors, cause: string, index: number): KeysAnswer {
  const { status, errorCode, message } = errors[name]
  return { status, index, body: { errorCode, message, cause, index } }
}

export const keyAnswer = (event: KeyEvent, index: number): KeysAnswer =>
  ({ status: event.action === 'create' || (event.action === 'set' && event.prevNode === undefined) ? 201 : 200, index, body: event })

const registry = '/_etcd/registry'
export const tokenKey = (token: string): string => `${registry}/${token}`
export const sizeKey = (token: string): string => `${registry}/${token}/_config/size`
export const memberKey = (token: string, id: string): string => `${registry}/${token}/${id}`
