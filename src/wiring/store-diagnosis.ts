// What check says of the store, the mirror and receivers of webhooks, told by the service itself, in its log and in /readyz: asked in a
// process of its own, so that no machine waits for it, after the start, when the store has changed, and now and then.
import { type Timer } from '../base/clock.js'
import { unwaited } from '../base/errors.js'
import { counted } from '../base/units.js'
import { type Finding, findingText } from '../doctor/finding.js'
import type { RunningParts } from './running-parts.js'

/** Milliseconds until what has changed is looked at, with what changes meanwhile; after a start machines that wait for it come first. */
const settling = 60_000
/** Milliseconds from the end of a look to the next one. */
const restFor = 60_000
const lookEvery = 600_000
/** Findings that are told one by one, and asked for: among them are some of other things. */
const mostTold = 30
const mostAsked = '100'
/** Beyond these it takes more memory than a service may have: some 20 KB each. */
const mostGroups = 20_000

type Parts = Pick<RunningParts, 'check' | 'loaded' | 'env' | 'clock' | 'log' | 'store' | 'amiss' | 'onClose'>

export function watchStoreFindings (parts: Parts): void {
  const { check, loaded, clock, store, onClose } = parts
  // A configuration that came through a pipe is gone.
  if (check.length === 0 || loaded.sources.some(source => /^\/(?:dev|proc)\//.test(source))) return
  const look = new StoreLook(parts)
  const regular = clock.every(lookEvery, () => { look.begin() })
  const forget = store.onChange(() => { look.changed() })
  look.changed()
  onClose(async () => {
    regular.cancel()
    forget()
    await look.close()
  })
}

class StoreLook {
  readonly #parts: Parts
  readonly #ending = new AbortController()
  #soon: Timer | undefined
  #rest: Timer | undefined
  #asking: Promise<void> | undefined
  #isDue = false
  #told = new Set<string>()

  constructor (parts: Parts) { this.#parts = parts }

  changed (): void {
    this.#soon ??= this.#parts.clock.after(settling, () => {
      this.#soon = undefined
      this.begin()
    })
  }

  begin (): void {
    if (this.#ending.signal.aborted) return
    this.#isDue = this.#asking !== undefined || this.#rest !== undefined
    if (this.#isDue) return
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined
      if (this.#ending.signal.aborted) return
      this.#rest = this.#parts.clock.after(restFor, () => {
        this.#rest = undefined
        if (this.#isDue) this.begin()
      })
    })
    unwaited(this.#asking)
  }

  async close (): Promise<void> {
    this.#ending.abort()
    this.#soon?.cancel()
    this.#rest?.cancel()
    await this.#asking
  }

  async #ask (): Promise<void> {
    const { check, env, amiss, log, store } = this.#parts
    if (store.snapshot.forMachines.groups.size > mostGroups) {
      amiss.delete('store')
      return
    }
    const { checkApart } = await import('../doctor/apart.js')
    const found = await checkApart([...check, '--most', mostAsked], { env, signal: this.#ending.signal })
    if (found === undefined) return
    const { told, more } = shortened(found.findings.filter(isOurs), found.more)
    const texts = told.map(findingText)
    for (const [n, { about, rule }] of told.entries()) {
      const problem = texts[n]!
      if (!this.#told.has(problem)) log.warn({ about, rule, problem }, 'store.amiss')
    }
    const rest = more === 0 ? [] : [`${counted(more, 'more finding')} of the store: core-provisioner check tells all`]
    for (const text of rest) if (!this.#told.has(text)) log.warn({ problem: text }, 'store.amiss')
    amiss.set('store', [...texts, ...rest])
    this.#told = new Set([...texts, ...rest])
  }
}

/** What the service does not look at itself: a name that is not answered would take one of its threads. */
const asked: ReadonlySet<string> = new Set(['store', 'images', 'labels', 'webhooks', 'updates'])

/** The others the service has found itself; a file that can't be read it knows since it was looked at. */
const isOurs = ({ about, level, rule }: Finding): boolean =>
  asked.has(about) && (level === 'problem' || level === 'warning') && rule !== 'unreadable'

function shortened (findings: readonly Finding[], untold: number): { readonly told: readonly Finding[], readonly more: number } {
  const worst = [...findings].sort((a, b) => Number(b.level === 'problem') - Number(a.level === 'problem'))
  return { told: worst.slice(0, mostTold), more: untold + Math.max(0, worst.length - mostTold) }
}
