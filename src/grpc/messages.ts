// The messages of assets/proto as JavaScript values. What comes in lacks the fields that were not on the wire.

export interface NetBootMessage {
  readonly kernel?: string
  readonly initrd?: readonly string[]
  readonly args?: readonly string[]
}

export interface ProfileMessage {
  readonly id?: string
  readonly name?: string
  readonly ignition_id?: string
  readonly cloud_id?: string
  readonly boot?: NetBootMessage
  readonly generic_id?: string
}

/** Fields of a group besides its selector, which is an object where protobuf.js is spoken to and a Map from our decoder. */
export interface GroupFields {
  readonly id?: string
  readonly name?: string
  readonly profile?: string
  /** JSON text. */
  readonly metadata?: Buffer
}
export interface GroupMessage extends GroupFields { readonly selector?: Readonly<Record<string, string>> }
export interface ReceivedGroup extends GroupFields { readonly selector?: ReadonlyMap<string, string> }

export interface ConfigMessage {
  readonly name?: string
  readonly config?: Buffer
}
