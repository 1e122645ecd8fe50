// What a read is done with: RFC 2347 (options), 2348 (blksize), 2349 (timeout, tsize) and 7440 (windowsize).
// Only what was asked is answered, in the order and spelling asked; a value that makes no sense is as if not asked.
import type { TftpOption } from './packet.js'

export interface TransferLimits {
  /** Bytes of data in a packet: what the path carries in one piece, 1468 on Ethernet. */
  readonly maxBlockSize: number
  /** Blocks sent before an ACK is awaited. */
  readonly maxWindowSize: number
}

export interface Terms {
  readonly blksize: number
  readonly windowsize: number
  /** Seconds between retransmissions, when the client chose them. */
  readonly timeout: number | undefined
  /** The client wants to know the size, perhaps nothing more. */
  readonly tsizeAsked: boolean
  /** The options of the OACK; without any the first DATA packet is the answer. */
  readonly answer: readonly TftpOption[]
}

interface Subject {
  readonly limits: TransferLimits
  /** Bytes that will be sent; undefined when translation (netascii) makes that unknown. */
  readonly size: number | undefined
}

type Grant = (asked: number, subject: Subject) => number | undefined

const within = (value: number, least: number, most: number): boolean => value >= least && value <= most

/** Each option: what is answered to a number, or undefined to say nothing of it. */
const answers = {
  // Clients ask for up to 65535 although RFC 2348 ends at 65464; a smaller answer is always allowed.
  blksize: (asked, { limits }) => within(asked, 8, 65535) ? Math.min(asked, Math.max(8, limits.maxBlockSize)) : undefined,
  timeout: asked => within(asked, 1, 255) ? asked : undefined,
  tsize: (_asked, { size }) => size,
  windowsize: (asked, { limits }) => within(asked, 1, 65535) ? Math.min(asked, limits.maxWindowSize) : undefined
} as const satisfies Readonly<Record<string, Grant>>

type TftpOptionName = keyof typeof answers

const isKnown = (name: string): name is TftpOptionName => Object.hasOwn(answers, name)

export function negotiate (asked: readonly TftpOption[], subject: Subject): Terms {
  const agreed = new Map<TftpOptionName, number>()
  const answer: TftpOption[] = []
  for (const [spelling, value] of asked) {
    const name = spelling.toLowerCase()
    if (!isKnown(name) || agreed.has(name) || !/^\d{1,15}$/.test(value)) continue
    const granted = answers[name](Number(value), subject)
    if (granted === undefined) continue
    agreed.set(name, granted)
    answer.push([spelling, String(granted)])
  }
  return {
    blksize: agreed.get('blksize') ?? 512,
    windowsize: agreed.get('windowsize') ?? 1,
    timeout: agreed.get('timeout'),
    tsizeAsked: agreed.has('tsize'),
    answer
  }
}
