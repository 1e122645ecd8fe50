// One model of the lists of machines that other programs keep, whatever their format: each fact with the place where it was
// written. Readers make it of text, writers text of it; `join` makes one list of several, `plan` says what it would change.
import type { TextPosition } from '../base/positions.js'
import type { Ipv4, Subnet } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'

/** Where something was written. */
export interface Place extends TextPosition { readonly file: string }

export interface Fact<T> { readonly value: T, readonly at: Place }

/** What a list says of a machine's cloud-config. */
export interface CloudFacts {
  /** The file of its template. */
  readonly template: Fact<string>
  /** By names without their $. */
  readonly variables: ReadonlyMap<string, string>
}

export interface ListedHost {
  /** Where it is listed. */
  readonly at: Place
  /** As it was written: in short, or with its domain. */
  readonly name: Fact<string> | undefined
  /** One for each network card, the first first; none where the list does not know. */
  readonly macs: ReadonlyArray<Fact<Mac>>
  readonly ip: Fact<Ipv4> | undefined
  /** What it is for: `controllers`, `workers`, or whatever group its list put it in. */
  readonly role: Fact<string> | undefined
  /** How its cloud-config is made, where its list says so. */
  readonly cloud?: CloudFacts
}

/** Something that a person should know and that keeps nothing from being taken in: what was mended, what was left out. */
export interface ListRemark { readonly at: Place, readonly text: string }

/** Another file that a list tells to read in its place. */
export interface Include { readonly at: Place, readonly path: string, readonly format?: 'hosts' | 'ethers' }

export interface HostList {
  readonly hosts: readonly ListedHost[]
  readonly remarks: readonly ListRemark[]
  /** The networks that the list speaks of: an address outside of all of them is a mistake. */
  readonly networks: ReadonlyArray<Fact<Subnet>>
  /** The domain that short names stand in. */
  readonly domain: Fact<string> | undefined
  /** What the list calls the whole. */
  readonly cluster: Fact<string> | undefined
  readonly includes: readonly Include[]
  /** Whether it says what was seen, not what is wanted: its addresses give way to those of any other list. */
  readonly observed?: boolean
}

export const emptyList: HostList = { hosts: [], remarks: [], networks: [], domain: undefined, cluster: undefined, includes: [] }

export const placeText = ({ file, line, column }: Place): string => `${file}:${line}:${column}`
