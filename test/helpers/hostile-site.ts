// A site for strangers to fall upon: a machine with a group and an address of its own, a hundred more with addresses, images, loaders, and every
// listener on; and what is read of the program that serves it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { goodMachine, goodMachines } from './dhcp-hostile.js'
import { makeAuthority, makeCertificate } from './pki.js'

export const victim = '52:54:00:00:00:41'

export function layOutSite (folder: string): void {
  for (const name of ['data/groups', 'data/profiles', 'data/ignition', 'assets', 'state/hosts.d', 'tftp', 'tls']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'assets/image'), Buffer.alloc(3_000_000))
  for (const loader of ['ipxe.efi', 'snponly.efi', 'loader.efi']) writeFileSync(join(folder, 'tftp', loader), Buffer.alloc(200_000, loader))
  writeFileSync(join(folder, 'data/profiles/node.json'), JSON.stringify({ id: 'node', ignition_id: 'node.yaml', boot: { kernel: '/assets/image', initrd: ['/assets/image'], args: ['quiet'] } }))
  writeFileSync(join(folder, 'data/groups/node.json'), JSON.stringify({ id: 'node', profile: 'node', selector: { mac: victim } }))
  writeFileSync(join(folder, 'data/ignition/node.yaml'), 'storage: {files: [{path: /etc/x, filesystem: root, mode: 0644, contents: {inline: "x"}}]}\n')
  const reservation = (mac: string, ip: string): string => `- { mac: "${mac}", ip: ${ip} }\n`
  writeFileSync(join(folder, 'state/hosts.d/good.yaml'), reservation(victim, '172.30.3.41') +
    Array.from({ length: goodMachines }, (_, n) => reservation(goodMachine(n), `172.30.${16 + (n >> 8)}.${n & 255}`)).join(''))
  const authority = makeAuthority('hostile')
  const server = makeCertificate(authority, { cn: 'server', use: 'serverAuth', names: [{ ip: '172.30.0.1' }] })
  for (const [name, text] of [['ca.crt', authority.cert], ['server.crt', server.cert], ['server.key', server.key]] as const) writeFileSync(join(folder, 'tls', name), text)
  writeFileSync(join(folder, 'config.yaml'), `data_path: ${folder}/data
assets_path: ${folder}/assets
state_path: ${folder}/state
control_socket: ${folder}/c
http: { address: "0.0.0.0:8080", https: { address: "0.0.0.0:8443", cert_file: ${folder}/tls/server.crt, key_file: ${folder}/tls/server.key } }
rpc: { address: "0.0.0.0:8081", ca_file: ${folder}/tls/ca.crt, cert_file: ${folder}/tls/server.crt, key_file: ${folder}/tls/server.key }
tftp: { address: "0.0.0.0:69", root: ${folder}/tftp }
dhcp:
  mode: server
  interface: br0
  unknown_clients: allow
  subnets: [{ subnet: 172.30.0.0/16, range: 172.30.128.0-172.30.240.250 }]
`)
}

/** Of /metrics, by name and labels. */
export const numbersIn = (metrics: string): Record<string, number> =>
  Object.fromEntries([...metrics.matchAll(/^(\w+(?:\{.*\})?) ([-+.\deE]+)$/gm)].map(([, name = '', number]) => [name, Number(number)]))

/** MiB. */
export function memoryOf (pid: number, what: 'VmRSS' | 'VmHWM'): number {
  return Math.round(Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
}
