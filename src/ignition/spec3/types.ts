// Decoded Ignition 3 sections as TypeScript sees them: every field that any spec has, so what a spec lacks is just undefined.
// schema.ts fills them; the one cast from its values to these types is `view`.
import type { Values } from './schema.js'

export interface Resource {
  readonly compression?: string
  readonly httpHeaders?: readonly HttpHeader[]
  readonly source?: string
  readonly inline?: string
  readonly local?: string
  readonly verification: Verification
}
export interface Verification { readonly hash?: string }
export interface HttpHeader { readonly name: string, readonly value?: string }
export interface Proxy { readonly httpProxy?: string, readonly httpsProxy?: string }
export interface IgnitionConfig { readonly merge?: readonly Resource[], readonly replace: Resource }
export interface Tls { readonly certificateAuthorities?: readonly Resource[] }

export interface Owner { readonly id?: bigint, readonly name?: string }
export interface Node { readonly group: Owner, readonly overwrite?: boolean, readonly path: string, readonly user: Owner }
export interface Directory extends Node { readonly mode?: bigint }
export interface File extends Node { readonly append?: readonly Resource[], readonly contents: Resource, readonly mode?: bigint }
export interface Link extends Node { readonly hard?: boolean, readonly target?: string }

export interface Partition {
  readonly guid?: string
  readonly label?: string
  readonly number: bigint
  readonly shouldExist?: boolean
  readonly sizeMiB?: bigint
  readonly startMiB?: bigint
  readonly typeGuid?: string
}
export interface Disk { readonly device: string, readonly partitions?: readonly Partition[], readonly wipeTable?: boolean }
export interface Filesystem {
  readonly device: string
  readonly format?: string
  readonly label?: string
  readonly mountOptions?: readonly string[]
  readonly options?: readonly string[]
  readonly path?: string
  readonly uuid?: string
  readonly wipeFilesystem?: boolean
  readonly withMountUnit?: boolean
}
export interface Raid { readonly devices?: readonly string[], readonly level?: string, readonly spares?: bigint }
export interface Tang { readonly thumbprint?: string, readonly url: string, readonly advertisement?: string }
export interface Custom { readonly config?: string, readonly needsNetwork?: boolean, readonly pin?: string }
export interface Clevis { readonly custom?: Custom, readonly tang?: readonly Tang[], readonly threshold?: bigint, readonly tpm2?: boolean }
export interface Luks {
  readonly clevis?: Clevis
  readonly device?: string
  readonly keyFile: Resource
  readonly label?: string
  readonly name: string
}
export interface Tree { readonly local: string }
export interface Storage {
  readonly directories?: readonly Directory[]
  readonly disks?: readonly Disk[]
  readonly files?: readonly File[]
  readonly filesystems?: readonly Filesystem[]
  readonly links?: readonly Link[]
  readonly luks?: readonly Luks[]
  readonly trees?: readonly Tree[]
}

export interface Dropin { readonly contents?: string, readonly contentsLocal?: string, readonly name: string }
export interface Unit extends Dropin { readonly dropins?: readonly Dropin[], readonly enabled?: boolean }
export interface Systemd { readonly units?: readonly Unit[] }
export interface PasswdUser { readonly sshAuthorizedKeysLocal?: readonly string[] }
export interface Config { readonly storage: Storage, readonly systemd: Systemd }

/** The caller says what section the values are: decoding and merging have kept them to its schema. */
export const view = <T>(values: Values): T => values as unknown as T
