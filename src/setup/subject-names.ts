// The names of a server's certificate: what clients may call this machine.

/** Host names and IPv4 addresses as `certs init --san` takes them; what is neither is left out. */
export function subjectNames (candidates: readonly string[]): string {
  const label = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i
  const names = candidates.filter(name => label.test(name)).map(name => (/^[\d.]+$/.test(name) ? 'IP:' : 'DNS:') + name)
  return [...new Set(names)].join(',')
}
