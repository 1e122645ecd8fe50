// The names of members, as gRPC's resolver of its own scheme: gRPC's other one takes one of the two threads of getaddrinfo(3) for a member
// whose name server is silent, so that two such members keep it from the third.
import { experimental, Metadata, status } from '@grpc/grpc-js'
import { type Clock, systemClock, type Timer } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import { addressesOf, type AddressesOf } from '../net/addresses-of.js'

const scheme = 'member'

/** What gRPC is given to connect to `host`, `etcd1.example.org:2379`. */
export const memberTarget = (host: string): string => `${scheme}:${host}`

/** Milliseconds from one answer to the next question. */
const askedAgainAfter = 1000

interface Names { readonly clock: Clock, readonly ask: AddressesOf }

export class MemberNames implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener
  readonly #names: Names
  readonly #host: string
  readonly #port: number
  #asking: AbortController | undefined
  #pause: Timer | undefined
  #isWanted = false

  /** The third is gRPC's options of the channel. */
  constructor (
    target: experimental.GrpcUri, listener: experimental.ResolverListener, _options: unknown = {},
    names: Names = { clock: systemClock, ask: addressesOf }
  ) {
    const { host, port = 443 } = experimental.splitHostPort(target.path) ?? { host: target.path }
    this.#listener = listener
    this.#names = names
    this.#host = host
    this.#port = port
  }

  static getDefaultAuthority ({ path }: experimental.GrpcUri): string { return path }

  updateResolution (): void {
    this.#isWanted = true
    if (this.#asking === undefined && this.#pause === undefined) this.#ask()
  }

  destroy (): void {
    this.#isWanted = false
    this.#asking?.abort()
    this.#asking = undefined
    this.#pause?.cancel()
    this.#pause = undefined
  }

  #ask (): void {
    const { clock, ask } = this.#names
    const asking = this.#asking = new AbortController()
    this.#isWanted = false
    const answered = (result: Parameters<experimental.ResolverListener>[0]): void => {
      if (this.#asking !== asking) return
      this.#asking = undefined
      this.#pause = clock.after(askedAgainAfter, () => {
        this.#pause = undefined
        if (this.#isWanted) this.#ask()
      })
      this.#listener(result, {}, null, '')
    }
    ask(this.#host, { clock, signal: asking.signal }).then(
      found => { answered({ ok: true, value: found.map(({ address: host }) => ({ addresses: [{ host, port: this.#port }] })) }) },
      (error: unknown) => {
        answered({ ok: false, error: { code: status.UNAVAILABLE, details: messageOf(error), metadata: new Metadata() } })
      }
    )
  }
}

/** gRPC knows resolvers by their scheme, once for all. */
export const registerMemberNames = (): void => { experimental.registerResolver(scheme, MemberNames) }
