// What the provisioners of a fleet give to machines for good (`advertise`), looked at as a machine does: whether the name resolves, whether
// each of its addresses answers, and which provisioner does there. An address that is one provisioner's own dies with it.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import { type Config, isClustered } from '../config/load.js'
import { addressesOf, type AddressesOf } from '../net/addresses-of.js'
import { parseIpv4 } from '../net/ipv4.js'
import { NameError } from '../net/name-servers.js'
import type { Ground } from '../wiring/ground.js'
import { fine, type Finding, note, warning } from './finding.js'

const about = 'advertise'

/** Milliseconds for a resolver, and for an address to answer. */
const patience = 2000
const mostAddresses = 16

export interface AdvertisedOptions {
  readonly config: Pick<Config, 'advertise' | 'http' | 'cluster'>
  /** Who is there, with the addresses that are theirs alone. */
  readonly present: ReadonlyArray<{ readonly name: string, readonly address: string, readonly addresses: readonly string[] }>
  readonly clock: Clock
  readonly resolve?: AddressesOf
  /** The name of the provisioner that answers at an origin; rejects when none does. */
  readonly ask?: (origin: string) => Promise<string>
}

/** Nothing where a provisioner is alone, or tells machines its own address. */
export async function diagnoseAdvertised ({ config, clock, cluster }: Pick<Ground, 'config' | 'clock' | 'cluster'>): Promise<readonly Finding[]> {
  if (!isClustered(config) || config.advertise === '' || cluster === undefined) return []
  return await judgeAdvertised({ config, clock, present: cluster.present() })
}

export async function judgeAdvertised (options: AdvertisedOptions): Promise<readonly Finding[]> {
  const { config, present, clock, resolve = addressesOf, ask = askWho } = options
  const { advertise: name, http: { address: { port } } } = config
  const isAddress = parseIpv4(name) !== undefined
  const resolved = isAddress ? [name] : await ipv4Of(name, { clock, resolve })
  if (typeof resolved === 'string') return [warning(about, `${name} does not resolve here (${resolved}), and machines are given it`)]
  const addresses = [...new Set(resolved)].slice(0, mostAddresses)
  const found = await Promise.all(addresses.map(async address => {
    const origin = `http://${address}:${port}`
    const owner = present.find(({ addresses }) => addresses.includes(origin))?.name
    const who = await inTime(clock, ask(origin)).catch((error: unknown) => ({ failure: messageOf(error) }))
    return { origin, address, owner, who }
  }))
  const answering = found.flatMap(({ who }) => typeof who === 'string' ? [who] : [])
  const floating = found.filter(({ owner }) => owner === undefined)
  const missing = present.filter(one => !found.some(({ owner }) => owner === one.name))
  const others = present.filter(({ name, address }) => name !== config.cluster.name && address !== `http://${config.advertise}:${port}`)
  return [
    ...found.map(({ origin, owner, who }) => {
      if (typeof who !== 'string') return warning(about, `${origin}: no provisioner answers (${who.failure}), and machines are given it${owner === undefined ? '' : `; it is ${owner}'s`}`)
      // While etcd is away it is not known who is there.
      if (present.length === 0) return fine(about, `${origin}: ${who} answers`)
      const isKnown = present.some(({ name }) => name === who)
      if (!isKnown) return warning(about, `${origin}: ${who} answers, which is not of this fleet`)
      return fine(about, owner === undefined ? `${origin}: a floating address, ${who} has it now` : `${origin}: ${who} answers`)
    }),
    ...floating.length === 0 && new Set(answering).size < 2 && present.length > 1
      ? [warning(about, `${name} leads to ${addresses.join(', ')} alone, which is gone when ${found[0]?.owner ?? 'that machine'} is: give the name an address of each provisioner, or let an address float between them`)]
      : [],
    ...floating.length > 0 || answering.length < 2 ? [] : missing.map(one => note(about, `${name} has no address of ${one.name}`)),
    ...others.map(one => note(about, `${one.name} gives machines ${one.address}: let all have the same advertise`))
  ]
}

async function inTime<T> (clock: Clock, asked: Promise<T>): Promise<T> {
  return await new Promise((resolve, reject) => {
    const late = clock.after(patience, () => { reject(new Error(`no answer within ${patience / 1000} s`)) })
    asked.then(resolve, reject).finally(() => { late.cancel() })
  })
}

/** Why it has none, as text. */
const ipv4Of = async (
  name: string, { clock, resolve }: { readonly clock: Clock, readonly resolve: AddressesOf }
): Promise<readonly string[] | string> =>
  await resolve(name, { clock, patience }).then(
    found => {
      const addresses = found.filter(({ family }) => family === 4).map(({ address }) => address)
      return addresses.length > 0 ? addresses : 'it has no IPv4 address'
    },
    (error: unknown) => error instanceof NameError ? error.why : messageOf(error))

async function askWho (origin: string): Promise<string> {
  const answer = await fetch(`${origin}/v1/provisioner`, { signal: AbortSignal.timeout(patience), redirect: 'error', headers: { connection: 'close' } })
  const text = await answer.text()
  const { name } = Object(answer.status === 200 && text.length < 1000 ? JSON.parse(text) : {}) as { readonly name?: unknown }
  if (typeof name !== 'string') throw new Error(`${answer.status}, and not who it is`)
  return name
}
