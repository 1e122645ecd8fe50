// The last thousand events, as etcd keeps them: a member waits from an index that it was told, and what happened between its two
// requests is told at once.
import type { KeyEvent } from './keys-answer.js'

/** As in etcd's v2 store. */
const kept = 1000

/** `wait=true` of one key, or with `recursive=true` of all below it. */
export interface KeyWatch {
  readonly key: string
  readonly recursive: boolean
}

export class KeyHistory {
  #events: KeyEvent[] = []
  /** What happened before it is not known. */
  #from = 1

  add (event: KeyEvent): void {
    this.#events.push(event)
    // In one piece every now and then: shifting an array of a thousand at each event would move it each time.
    if (this.#events.length < 2 * kept) return
    this.#events = this.#events.slice(kept)
    this.#from = this.#events[0]!.node.modifiedIndex
  }

  /** The first event of it from `index` on; undefined when there is none yet, 'cleared' when it may have been forgotten. */
  since (index: number, watched: KeyWatch): KeyEvent | 'cleared' | undefined {
    if (index < this.#from) return 'cleared'
    return this.#events.find(event => event.node.modifiedIndex >= index && concerns(event, watched))
  }
}

export const concerns = ({ node: { key } }: KeyEvent, watched: KeyWatch): boolean =>
  key === watched.key || (watched.recursive && key.startsWith(`${watched.key}/`))
