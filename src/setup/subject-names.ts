// The names of a server's certificate: what clients may call this machine.
import { hostNamePattern } from '../net/host-name.js'

/** Host names and IPv4 addresses as `certs init --san` takes them; what is neither is left out. */
export function subjectNames (candidates: readonly string[]): string {
  const names = candidates.filter(name => hostNamePattern.test(name)).map(name => (/^[\d.]+$/.test(name) ? 'IP:' : 'DNS:') + name)
  return [...new Set(names)].join(',')
}
