// What a machine's own files say of names: hosts(5), resolv.conf(5) and the hosts line of nsswitch.conf(5).
import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'

const wordsOf = (line: string): string[] => line.replace(/#.*/, '').split(/\s+/).filter(word => word !== '')

/** The addresses that hosts(5) gives a name, in its order. `name` is in lower case. */
export function hostsAddresses (text: string, name: string): readonly LookupAddress[] {
  const found: LookupAddress[] = []
  // A list of names that are to lead nowhere has a hundred thousand lines: only those are looked at that hold the name.
  const low = text.toLowerCase()
  for (let at = low.indexOf(name); at >= 0; at = low.indexOf(name, at)) {
    const begin = low.lastIndexOf('\n', at) + 1
    const end = low.indexOf('\n', at)
    const [address = '', ...names] = wordsOf(low.slice(begin, end < 0 ? undefined : end))
    const family = isIP(address)
    if (family !== 0 && names.includes(name) && !found.some(({ address: other }) => other === address)) found.push({ address, family })
    if (end < 0) break
    at = end
  }
  return found
}

/**
 * The names that are asked for, one after the other: with as many dots as `ndots` the name itself comes first. Where no domain is to be
 * searched it is this machine's own.
 */
export function searched (text: string, name: string, hostName: string): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  let search: readonly string[] = [hostName.split('.').slice(1).join('.')]
  let ndots = 1
  for (const line of text.split('\n')) {
    const [key, ...words] = wordsOf(line)
    if (key === 'search' || key === 'domain') search = words
    if (key === 'options') ndots = Number(words.findLast(word => /^ndots:\d{1,2}$/.test(word))?.slice(6) ?? ndots)
  }
  const longer = search.map(domain => domain.split('.').filter(label => label !== '').join('.')).filter(domain => domain !== '').map(domain => `${name}.${domain}`)
  return name.split('.').length - 1 >= ndots ? [name, ...longer] : [...longer, name]
}

/** Who is asked for hosts: `files`, `dns`, and others in which no program but the C library looks (mdns4_minimal, resolve, sss). */
export function nameServices (text: string): readonly string[] {
  const line = text.split('\n').map(wordsOf).findLast(([key]) => key === 'hosts:')
  // Between them stands what is done with an answer: [NOTFOUND=return], or in several words.
  return line === undefined ? ['files', 'dns'] : line.slice(1).filter(word => /^\w+$/.test(word))
}
