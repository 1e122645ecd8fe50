// ISC dhcpd on another machine of a network, with the block that doctor prints as a person pastes it.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundledProgram } from './built.js'
import { namespaceProblem, type NetworkNamespace, type Running } from './netns.js'

/** By its path: an npm package brings a program of that name too. */
const program = '/usr/sbin/dhcpd'

/** Why it can't be run here, undefined when it can. */
export const dhcpdProblem = (): string | undefined =>
  existsSync(program) ? namespaceProblem() : `not installed: ${program} (isc-dhcp-server; scripts/test installs it)`

/** What doctor prints for ISC dhcpd, '' when that is nothing; `output` is all that it prints. */
export async function dhcpdBlock (space: NetworkNamespace, config: string): Promise<{ readonly block: string, readonly output: string }> {
  const doctor = space.spawn(process.execPath, bundledProgram(), 'doctor', '--config', config)
  await doctor.ended
  const output = doctor.output()
  return { block: /^# BEGIN core-provisioner CLUSTER MANAGED BLOCK\n[\s\S]*\n# END core-provisioner CLUSTER MANAGED BLOCK\n/m.exec(output)?.[0] ?? '', output }
}

/**
 * Serves 172.30.0.0/24 from 172.30.0.2 on the bridge; resolves when it does, throws what it says against its configuration. `subnet` is
 * what it says of the subnet beside the range. Its files are in `folder`.
 */
export async function startDhcpd (space: NetworkNamespace, folder: string, block: string, subnet = ''): Promise<Running> {
  const machine = space.client('br0', '52:54:00:00:00:02')
  machine.ip('address', 'add', '172.30.0.2/24', 'dev', 'eth0')
  const config = join(folder, 'dhcpd.conf')
  writeFileSync(config, `authoritative;\nsubnet 172.30.0.0 netmask 255.255.255.0 { range 172.30.0.100 172.30.0.110; ${subnet} }\n${block}`)
  writeFileSync(join(folder, 'dhcpd.leases'), '')
  const files = ['-cf', config, '-lf', join(folder, 'dhcpd.leases'), '-pf', join(folder, 'dhcpd.pid')]
  const tested = machine.spawn(program, '-t', ...files)
  if (await tested.ended !== 0) throw new Error(tested.output())
  const server = machine.spawn(program, '-f', '-d', '-4', '-user', 'root', '-group', 'root', ...files, 'eth0')
  await server.line(/Server starting service/)
  return server
}
