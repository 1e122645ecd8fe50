// A question to the name servers of resolv.conf(5), in UDP and without a thread: the next server is asked beside one that has not
// answered, and an answer counts however late it comes. c-ares by itself takes none of a server that it has asked again.
import { Resolver } from 'node:dns/promises'
import type { Clock } from '../base/clock.js'
import { errnoOf } from '../base/errors.js'

export interface Questioned {
  readonly clock: Clock
  /** Milliseconds after which `signal` is aborted, and no answer is waited for. */
  readonly patience: number
  readonly signal: AbortSignal
}

export type AddressType = 'A' | 'AAAA'

/** Why there is no answer: `code` is ENOTFOUND where the servers say so, EAI_AGAIN where another time may be better. */
export class NameError extends Error {
  readonly code: 'ENOTFOUND' | 'EAI_AGAIN'
  /** In words that go behind "does not resolve". */
  readonly why: string

  constructor (name: string, code: NameError['code'], why: string) {
    super(`${name} does not resolve (${why})`)
    this.code = code
    this.why = why
  }
}

/** Milliseconds after which the next server, or the same again, is asked beside those that have not answered. */
const askedAgainAfter = 2000
/** Questions for one name and type: a datagram may be lost. */
const mostQuestions = 5

const refusals: Readonly<Record<string, (server: string) => string>> = {
  ESERVFAIL: server => `the name server ${server} answers SERVFAIL`,
  EREFUSED: server => `the name server ${server} answers REFUSED`,
  ENOTIMP: server => `the name server ${server} answers NOTIMP`,
  EFORMERR: server => `the name server ${server} answers FORMERR`,
  ECONNREFUSED: server => `no name server listens at ${server}`,
  ENETUNREACH: server => `there is no way to the name server ${server}`,
  EHOSTUNREACH: server => `there is no way to the name server ${server}`
}

/** The addresses of one type, of which there may be none. Rejects with a NameError. */
export async function askNameServers (
  name: string, type: AddressType, { clock, patience, signal }: Questioned
): Promise<readonly string[]> {
  const servers = new Resolver().getServers()
  const asked = new Set<Resolver>()
  let again: ReturnType<Clock['after']> | undefined
  let giveUp = (): void => {}
  try {
    return await new Promise<readonly string[]>((resolve, reject) => {
      const refused = new Map<string, string>()
      let count = 0
      const silent = (): NameError => new NameError(name, 'EAI_AGAIN', refused.values().next().value ??
        `no answer within ${patience / 1000} s from ${servers.join(', ')}`)
      giveUp = () => { reject(silent()) }
      signal.addEventListener('abort', giveUp, { once: true })
      const next = (): void => {
        again?.cancel()
        const left = servers.filter(server => !refused.has(server))
        const server = left[count % left.length]
        if (server === undefined) {
          reject(silent())
          return
        }
        if (count++ >= mostQuestions) return
        const resolver = new Resolver({ timeout: patience, tries: 1 })
        resolver.setServers([server])
        asked.add(resolver)
        const answer = type === 'A' ? resolver.resolve4(name) : resolver.resolve6(name)
        answer.then(resolve, (error: unknown) => {
          const code = errnoOf(error)
          if (code === 'ENODATA') resolve([])
          else if (['ENOTFOUND', 'EBADNAME', 'ENONAME'].includes(code)) reject(new NameError(name, 'ENOTFOUND', 'ENOTFOUND'))
          else if (code !== 'ECANCELLED' && code !== 'ETIMEOUT') {
            refused.set(server, refusals[code]?.(server) ?? `the name server ${server}: ${code}`)
            next()
          }
        })
        again = clock.after(askedAgainAfter, next)
      }
      if (signal.aborted) giveUp()
      else next()
    })
  } finally {
    again?.cancel()
    signal.removeEventListener('abort', giveUp)
    for (const resolver of asked) resolver.cancel()
  }
}
