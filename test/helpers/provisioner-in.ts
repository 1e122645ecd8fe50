// One of several provisioners over one etcd, on a bridge of a test's network: 172.30.0.2 is called p2, and so on.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { bundledProgram } from './built.js'
import type { NetworkNamespace } from './netns.js'
import { shortFolder } from './short-folder.js'

export interface ProvisionerIn {
  readonly address: string
  readonly url: string
  /** Runs a command with its configuration to the end, and gives what it printed. */
  readonly run: (...args: readonly string[]) => string
  /** Fulfilled when it is ready. */
  readonly start: () => Promise<void>
  /** The line that it printed which matches, when it has come: its log is written beside its answers. */
  readonly line: (pattern: RegExp) => Promise<string>
}

export interface ProvisionerWanted {
  /** What it keeps lies in it. */
  readonly folder: string
  /** The URL of its etcd. */
  readonly etcd: string
  /** Beside HTTP, DHCP's interface and the cluster. */
  readonly config: Readonly<Record<string, unknown>>
  readonly dhcp: Readonly<Record<string, unknown>>
}

export function provisionerIn (t: Test, space: NetworkNamespace, n: number, { folder, etcd, config, dhcp }: ProvisionerWanted): ProvisionerIn {
  const place = space.client('br0')
  place.ip('address', 'add', `172.30.0.${n}/24`, 'dev', 'eth0')
  const file = join(folder, `p${n}.json`)
  let line: ProvisionerIn['line'] = async () => { throw new Error('it was not started') }
  writeFileSync(file, JSON.stringify({
    data_path: join(folder, `p${n}/data`),
    assets_path: '',
    state_path: join(folder, `p${n}/state`),
    control_socket: join(shortFolder(t), 'c'),
    rpc: { address: '' },
    dhcp: { mode: 'server', interface: 'eth0', subnets: [{ subnet: '172.30.0.0/24', range: '172.30.0.100-172.30.0.150' }], ...dhcp },
    cluster: { name: `p${n}`, etcd: { endpoints: [etcd] } },
    ...config
  }))
  return {
    address: `172.30.0.${n}`,
    url: `http://172.30.0.${n}:8080`,
    run: (...args) => place.exec(process.execPath, bundledProgram(), ...args, '--config', file),
    start: async () => {
      const program = place.spawn(process.execPath, bundledProgram(), 'serve', '--config', file)
      line = program.line
      await program.line(/"msg":"appliance\.ready"/)
    },
    line: async pattern => await line(pattern)
  }
}
