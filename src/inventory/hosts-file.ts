// The file of hosts.d that an import writes: a reservation a line, in the order of the list, with where the list came from.
import { formatIpv4 } from '../net/ipv4.js'
import type { PlannedHost } from './plan.js'

const head = '# Written by core-provisioner hosts import, which replaces this file whole. From: '

/** `sources` are the files that it was made of. Names are quoted: YAML would take some for numbers. */
export const formatHostsFile = (hosts: readonly PlannedHost[], sources: readonly string[]): string => [
  `${head}${sources.map(source => JSON.stringify(source)).join(', ')}`,
  ...hosts.map(({ macs: [mac = ''], ip, name, role }) => `- { ${[
    `mac: "${mac}"`,
    ...ip === undefined ? [] : [`ip: ${formatIpv4(ip)}`],
    ...name === undefined ? [] : [`hostname: ${JSON.stringify(name)}`],
    ...role === undefined ? [] : [`role: ${JSON.stringify(role)}`]
  ].join(', ')} }`),
  ''
].join('\n')

/** The files that such a file was made of; undefined for one that no import wrote, or that was changed since. */
export function sourcesOf (text: string): readonly string[] | undefined {
  const [first = ''] = text.split('\n', 1)
  if (!first.startsWith(head)) return undefined
  try {
    return [...first.slice(head.length).matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([quoted]) => JSON.parse(quoted) as string)
  } catch {
    return undefined
  }
}

/** A file name of letters, digits, dots and hyphens, made of what people call it. */
export const fileNameOf = (text: string): string =>
  text.slice(0, 64).toLowerCase().split(/[^a-z0-9.]+/).map(part => part.replace(/^\.+/, '')).filter(part => part !== '').join('-')
