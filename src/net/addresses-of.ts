// The addresses of a host name, for whoever is called by one: a receiver of webhooks, a publisher of images, a member of etcd.
// getaddrinfo(3) takes a thread for as long as a name server is silent, minutes, and can't be ended; Node has two threads for it, so that
// two silent names keep all others from being looked up. So the files are read and the name servers asked here, each name for itself (as
// Go's net package does), and getaddrinfo is asked for what only it knows: names of mdns, sss and the like.
import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Clock, Timer } from '../base/clock.js'
import { errnoOf } from '../base/errors.js'
import { hostsAddresses, nameServices, searched } from './name-files.js'
import { type AddressType, askNameServers, NameError, type Questioned } from './name-servers.js'

export interface NameOptions {
  readonly clock: Clock
  /** Milliseconds for the whole of it. */
  readonly patience?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export type AddressesOf = (name: string, options: NameOptions) => Promise<readonly LookupAddress[]>

const defaultPatience = 10_000

/** Milliseconds that are waited for the addresses of the other family: some resolvers never answer for AAAA. */
const otherFamily = 250

/** IPv4 first. Rejects with a NameError. */
export const addressesOf: AddressesOf = async (host, { clock, patience = defaultPatience, signal }) => {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  const name = host.toLowerCase()
  const ending = new AbortController()
  const end = (): void => { ending.abort() }
  const late = clock.after(patience, end)
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted === true) end()
  try {
    return await withoutThread(name, { clock, patience, signal: ending.signal })
  } finally {
    late.cancel()
    signal?.removeEventListener('abort', end)
    end()
  }
}

async function withoutThread (name: string, questioned: Questioned): Promise<readonly LookupAddress[]> {
  const [hosts, switches, conf] = await Promise.all(['/etc/hosts', '/etc/nsswitch.conf', '/etc/resolv.conf'].map(textOf))
  const plain = name.replace(/\.$/, '')
  const own = hostsAddresses(hosts!, plain)
  if (own.length > 0) return own
  if (/^(?:.*\.)?localhost$/.test(plain)) return [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]
  const others = nameServices(switches!).filter(service => service !== 'files' && service !== 'dns')
  if (others.length > 0 && plain.endsWith('.local')) return await bySystem(plain, questioned)
  try {
    return await byNameServers(plain, searched(conf!, name, hostname()), questioned)
  } catch (error) {
    if (others.length === 0 || errnoOf(error) !== 'ENOTFOUND') throw error
    return await bySystem(plain, questioned)
  }
}

/** A file that is not there says nothing. */
const textOf = async (path: string): Promise<string> => await readFile(path, 'utf8').catch(() => '')

async function byNameServers (name: string, candidates: readonly string[], questioned: Questioned): Promise<readonly LookupAddress[]> {
  let failure = new NameError(name, 'ENOTFOUND', 'ENOTFOUND')
  for (const candidate of candidates) {
    try {
      const found = await bothFamilies(candidate, questioned)
      if (found.length > 0) return found
      failure = new NameError(name, 'ENOTFOUND', 'it has no address')
    } catch (error) {
      if (!(error instanceof NameError)) throw error
      // As the C library does: a server that fails for one name may know the next.
      if (error.code === 'EAI_AGAIN' && !/SERVFAIL$/.test(error.why)) throw new NameError(name, error.code, error.why)
      if (failure.code === 'ENOTFOUND' && failure.why === 'ENOTFOUND') failure = new NameError(name, error.code, error.why)
    }
  }
  throw failure
}

async function bothFamilies (name: string, questioned: Questioned): Promise<readonly LookupAddress[]> {
  const ask = async (type: AddressType): Promise<readonly LookupAddress[]> =>
    (await askNameServers(name, type, questioned)).map(address => ({ address, family: type === 'A' ? 4 : 6 }))
  const asked = [ask('A'), ask('AAAA')] as const
  const all = Promise.allSettled(asked)
  const first = await Promise.any(asked.map(async one => {
    const found = await one
    if (found.length === 0) throw new Error('none')
    return found
  })).catch(() => [])
  if (first.length === 0) {
    const failed = (await all).find(one => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return []
  }
  let late: Timer | undefined
  const settled = await Promise.race([all, new Promise<undefined>(resolve => {
    late = questioned.clock.after(otherFamily, () => { resolve(undefined) })
  })])
  late?.cancel()
  return settled === undefined ? first : settled.flatMap(one => one.status === 'fulfilled' ? one.value : [])
}

/** What the C library finds goes one after the other: its threads are those that files are read with. */
let before: Promise<unknown> = Promise.resolve()

async function bySystem (name: string, { patience, signal }: Questioned): Promise<readonly LookupAddress[]> {
  const asked = before.then(async () => signal.aborted ? [] : await lookup(name, { all: true }))
  before = asked.catch(() => {})
  return await new Promise((resolve, reject) => {
    const giveUp = (): void => { reject(new NameError(name, 'EAI_AGAIN', `no answer within ${patience / 1000} s`)) }
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
    asked.then(resolve, (error: unknown) => {
      const errno = errnoOf(error)
      reject(new NameError(name, errno === 'ENOTFOUND' ? errno : 'EAI_AGAIN', errno))
    })
  })
}
