// Guard tokens of provisioners that share an etcd: the secret that they are made with, and how often each was used. A token proves itself,
// so that only one that is good is ever written down; of two provisioners that are shown it at once one counts first. While etcd is
// away each counts by itself what may be used several times, and takes nothing that may be used once.
import { randomBytes } from 'node:crypto'
import { type Clock, clockSkew } from '../base/clock.js'
import { AppError, unwaited } from '../base/errors.js'
import { takesNothing } from '../etcd/failure.js'
import { formatKey, parseKey } from '../etcd/keys.js'
import type { GuardLimits } from '../matchbox/guard.js'
import { GuardTokens, nameOfToken, type TokenRefusal, usedUp } from '../machines/guard-tokens.js'
import type { Mac } from '../net/mac.js'
import type { SharedState } from './shared-state.js'

export interface GuardUsesOptions {
  readonly state: Pick<SharedState, 'get' | 'under' | 'onStanding' | 'standing' | 'transact' | 'etcdKey' | 'applied' | 'settle'>
  readonly clock: Clock
}

/** Milliseconds that the clocks of the one that made a token and the one that takes it may be off from each other. */
const slack = 2 * clockSkew
const secretOctets = 32
const mostTries = 20
/** Tokens that are over which one use takes away. */
const sweptAtOnce = 20
const secretKey = formatKey({ kind: 'shared', name: 'guard' })

export class GuardUses {
  readonly #options: GuardUsesOptions
  /** As long as there is none in etcd. */
  readonly #own = randomBytes(secretOctets)
  #tokens: { readonly secret: Buffer, readonly by: GuardTokens } | undefined
  readonly #stop: () => void

  constructor (options: GuardUsesOptions) {
    this.#options = options
    this.#stop = options.state.onStanding(({ inStep }) => { if (inStep) unwaited(this.open()) })
  }

  /** Makes the secret where there is none yet. Never rejects: without etcd it is made later. */
  async open (): Promise<void> {
    const { state } = this.#options
    if (state.get(secretKey)?.value.length === secretOctets) return
    const key = state.etcdKey(secretKey)
    try {
      await state.transact({
        compare: [{ key, target: 'CREATE', result: 'EQUAL', create_revision: 0 }],
        success: [{ request_put: { key, value: randomBytes(secretOctets) } }]
      })
      await state.settle(secretKey)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
    }
  }

  mint (mac: Mac): string { return this.#by().mint(mac, this.#options.clock.now()) }

  /** Counts a use over all and gives undefined, or says why the token is not taken. AppError etcd_away: it has to be asked for again. */
  async take (mac: Mac, token: string | undefined, limits: GuardLimits): Promise<TokenRefusal | undefined> {
    const { state, clock } = this.#options
    const allowed = { ...limits, window: limits.window + slack }
    const checked = this.#by().check(mac, token, clock.now(), limits.window, slack)
    if (typeof checked === 'string') return checked
    const name = nameOfToken(token ?? '')
    const at = formatKey({ kind: 'guard', name })
    for (let tries = 0; tries < mostTries; tries++) {
      try {
        await state.settle(at)
        const before = state.get(at)
        const count = countIn(before?.value)
        if (count >= limits.count) return usedUp(limits.count)
        const key = state.etcdKey(at)
        const value = Buffer.from(JSON.stringify({ count: count + 1, until: checked.made + allowed.window }))
        const { succeeded, header } = await state.transact({
          compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: before?.revision ?? 0 }],
          success: [
            { request_put: { key, value } },
            ...this.#over(at).map(gone => ({ request_delete_range: { key: state.etcdKey(gone) } }))
          ]
        })
        if (!succeeded) continue
        await state.applied(Number(header.revision))
        return undefined
      } catch (error) {
        if (!takesNothing(error)) throw error
        const left = limits.count - countIn(state.get(at)?.value)
        if (left <= 0) return usedUp(limits.count)
        if (limits.count > 1) return this.#by().take(mac, token, clock.now(), { ...allowed, count: left })
        throw new AppError('etcd_away', `a guard token that is good once can't be taken while etcd is away: ${error.message}`)
      }
    }
    throw new AppError('etcd_away', 'the uses of a guard token are counted by others again and again')
  }

  close (): void { this.#stop() }

  #by (): GuardTokens {
    const shared = this.#options.state.get(secretKey)?.value
    const secret = shared?.length === secretOctets ? shared : this.#own
    if (this.#tokens?.secret.equals(secret) !== true) this.#tokens = { secret, by: new GuardTokens(secret) }
    return this.#tokens.by
  }

  /** Keys of tokens that nobody can use any more, some of the oldest. */
  #over (own: string): readonly string[] {
    const over: string[] = []
    let looked = 0
    for (const [key, { value }] of this.#options.state.under('guard')) {
      if (looked++ >= sweptAtOnce) break
      if (key !== own && parseKey(key)?.kind === 'guard' && untilIn(value) + slack < this.#options.clock.now()) over.push(key)
    }
    return over
  }
}

const fieldIn = (value: Buffer | undefined, field: 'count' | 'until', without: number): number => {
  try {
    if (value === undefined) return without
    const found = (Object(JSON.parse(value.toString())) as Readonly<Record<string, unknown>>)[field]
    return typeof found === 'number' ? found : without
  } catch {
    return without
  }
}

/** What can't be read was used up. */
const countIn = (value: Buffer | undefined): number => fieldIn(value, 'count', value === undefined ? 0 : Infinity)
const untilIn = (value: Buffer): number => fieldIn(value, 'until', 0)
