// What is kept of a machine: what it is, how far its boot has come, and how its last boots went.
import type { Mac } from '../net/mac.js'

/** The stages of a boot in their order. */
export const stages = ['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition', 'installed', 'running'] as const
export type Stage = typeof stages[number]

export const isStage = (text: string): text is Stage => (stages as readonly string[]).includes(text)
export const rankOf = (stage: Stage): number => stages.indexOf(stage)

/** What is known of a machine beside its boot; the latest that was seen counts. */
export interface MachineFacts {
  readonly address?: string
  /** The host name that it has from its reservation, or else gives itself. */
  readonly name?: string
  readonly architecture?: string
  readonly firmware?: string
  /** Option 60, as it came. */
  readonly vendorClass?: string
  readonly uuid?: string
  readonly serial?: string
  readonly group?: string
  readonly profile?: string
  /** The first loader for its firmware led it nowhere: it is given the other one. */
  readonly otherLoader?: boolean
  /** Stands for what its last script booted, where its group installs once (matchbox/boot-decision). */
  readonly bootedAs?: string
  /** Of several provisioners the one that saw it last. */
  readonly seenBy?: string
}

/** One thing that a server saw a machine do. */
export interface Observation extends MachineFacts {
  readonly mac: Mac
  readonly stage: Stage
  /** Epoch milliseconds. */
  readonly at: number
  /** Of a DISCOVER or its offer, the xid: several provisioners hear the same one. */
  readonly exchange?: number
  /** For DHCP stages: what asked. A system's own client is `other`. */
  readonly program?: 'pxe' | 'http' | 'ipxe' | 'raspberry-pi' | 'other'
  /** The file that was loaded, or what else is worth a line. */
  readonly detail?: string
  /** Why the stage did not succeed. */
  readonly failed?: string
  /** The word by which the program knows that: DHCP's reason, or the code of an error. */
  readonly code?: string
  /** What of it will hardly do what was meant. */
  readonly warning?: string
}

export interface TimelineEntry {
  readonly stage: Stage
  /** Epoch milliseconds, of the first of several that are alike. */
  readonly at: number
  readonly detail?: string
  readonly failed?: string
  /** As in an observation; absent where an older version wrote it down. */
  readonly code?: string
  readonly warning?: string
  /** How many came one after another, if more than one. */
  readonly times?: number
}

/** A boot that is over. */
export interface BootSummary {
  /** Epoch milliseconds when it began. */
  readonly at: number
  /** Milliseconds from its first sign to its last. */
  readonly ms: number
  /** How far it came. */
  readonly stage: Stage | undefined
  readonly profile?: string
  /** Why it stopped there; absent for one that went well. */
  readonly reason?: string
  /**
   * Milliseconds from its first sign to each stage that it came to: of the latest of the boots before alone, to stand beside the
   * present one. Absent where an older version wrote it down.
   */
  readonly stages?: Readonly<Partial<Record<Stage, number>>>
}

export interface Machine extends MachineFacts {
  readonly mac: Mac
  /** Epoch milliseconds. */
  readonly firstSeen: number
  readonly lastSeen: number
  /** The furthest stage of the present boot; undefined for one that has only been seen with an address of its own. */
  readonly stage?: Stage
  /** When it last reported that it is installed, epoch milliseconds; undefined again once it boots a kernel from the network anew. */
  readonly installedAt?: number
  /** What it was installed with, where its group installs once: it starts from its disk for as long as it would boot the same. */
  readonly installedAs?: string
  /** How many boots have been seen. */
  readonly boots: number
  /** The xid of the DISCOVER that was heard last, where several provisioners may hear it. */
  readonly exchange?: number
  /** The present boot, oldest first. */
  readonly timeline: readonly TimelineEntry[]
  /** The last boots before it, the latest first. */
  readonly history?: readonly BootSummary[]
}
