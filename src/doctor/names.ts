// Whether DNS says of reserved machines what DHCP says: the name leads to the address, the address back to the name. Asked of the servers
// that the machines are given, for a bounded time: a doctor does not wait for the dead.
import { Resolver } from 'node:dns/promises'
import { counted } from '../base/units.js'
import type { Clock } from '../base/clock.js'
import { errnoOf } from '../base/errors.js'
import type { Reservation } from '../dhcp/reservations.js'
import type { DhcpSubnet } from '../dhcp/subnet.js'
import { contains, formatIpv4 } from '../net/ipv4.js'
import { fine, type Finding, note, warning } from './finding.js'

export interface NameQuestions {
  readonly resolve4: (name: string) => Promise<readonly string[]>
  readonly reverse: (address: string) => Promise<readonly string[]>
}

export interface NamesOptions {
  readonly entries: readonly Reservation[]
  readonly subnets: readonly DhcpSubnet[]
  readonly clock: Clock
  /** Asks these servers, or those of this machine where there are none. */
  readonly ask?: (servers: readonly string[]) => NameQuestions
}

/** Milliseconds for one question, and for all of them. */
const questionPatience = 1000
const patience = 4000
const questionsAtOnce = 16
const mostNames = 1000
/** More of one kind are told by their number. */
const mostTold = 10

interface NamedServer { readonly name: string, readonly address: string, readonly servers: readonly string[] }

export async function diagnoseNames ({ entries, subnets, clock, ask = askServers }: NamesOptions): Promise<readonly Finding[]> {
  const wanted = entries.flatMap(entry => namedOf(entry, subnets)).slice(0, mostNames)
  const [found, silent]: [Finding[], Set<string>] = [[], new Set()]
  const questions = new Map<string, NameQuestions>()
  let [next, agreed] = [0, 0]
  const ending = new AbortController()
  const { signal } = ending
  const timer = clock.after(patience, () => { ending.abort() })
  const gaveUp = new Promise<void>(resolve => { signal.addEventListener('abort', () => { resolve() }) })
  const worker = async (): Promise<void> => {
    for (let named = wanted[next++]; named !== undefined && !signal.aborted; named = wanted[next++]) {
      const who = named.servers.join(', ')
      if (silent.has(who)) continue
      const asked = questions.get(who) ?? ask(named.servers)
      questions.set(who, asked)
      const said = await compared(named, asked)
      if (signal.aborted) return
      if (said === 'silent') silent.add(who)
      else if (said.length === 0) agreed++
      else found.push(...said)
    }
  }
  await Promise.race([Promise.all(Array.from({ length: questionsAtOnce }, worker)), gaveUp])
  timer.cancel()
  return [
    ...agreed > 0 ? [fine('names', `DNS agrees on ${counted(agreed, 'reserved machine')}`)] : [],
    ...shortened(found),
    ...[...silent].map(who => note('names', `${who === '' ? 'the DNS server of this machine' : `the DNS server ${who}`} does not answer: names of reservations were not compared with it`)),
    ...signal.aborted ? [note('names', `DNS took longer than ${patience / 1000} s: not all names of reservations were compared`)] : []
  ]
}

/** A name that says nothing of its domain is nobody's to look up. */
function namedOf ({ hostName, ip }: Reservation, subnets: readonly DhcpSubnet[]): readonly NamedServer[] {
  const subnet = subnets.find(({ subnet }) => contains(subnet, ip))
  const name = hostName === undefined || hostName.includes('.') || subnet === undefined || subnet.domainName === '' ? hostName : `${hostName}.${subnet.domainName}`
  if (!name?.includes('.')) return []
  return [{ name, address: formatIpv4(ip), servers: subnet?.dnsServers.map(formatIpv4) ?? [] }]
}

async function compared ({ name, address }: NamedServer, { resolve4, reverse }: NameQuestions): Promise<readonly Finding[] | 'silent'> {
  const [there, back] = await Promise.all([answerOf(resolve4(name)), answerOf(reverse(address))])
  if (there === 'silent' || back === 'silent') return 'silent'
  const isName = (other: string): boolean => other.toLowerCase().replace(/\.$/, '') === name.toLowerCase()
  return [
    ...there.includes(address) ? [] : [warning('names', there.length === 0 ? `${name} is not in DNS; its reservation says ${address}` : `${name} is ${there.join(', ')} in DNS; its reservation says ${address}`)],
    ...back.some(isName) ? [] : [warning('names', back.length === 0 ? `${address} has no name in DNS; its reservation says ${name}` : `${address} is ${back.join(', ')} in DNS; its reservation says ${name}`)]
  ]
}

/** Nothing found is an answer; no answer, or a refusal to give one, is none. */
async function answerOf (asked: Promise<readonly string[]>): Promise<readonly string[] | 'silent'> {
  try {
    return await asked
  } catch (error) {
    return ['ENOTFOUND', 'ENODATA'].includes(errnoOf(error)) ? [] : 'silent'
  }
}

function shortened (found: readonly Finding[]): readonly Finding[] {
  const more = found.length - mostTold
  return more <= 0 ? found : [...found.slice(0, mostTold), warning('names', `and ${counted(more, 'more difference')} between reservations and DNS`)]
}

function askServers (servers: readonly string[]): NameQuestions {
  const resolver = new Resolver({ timeout: questionPatience, tries: 1 })
  if (servers.length > 0) resolver.setServers(servers)
  return { resolve4: name => resolver.resolve4(name), reverse: address => resolver.reverse(address) }
}
