// Three etcd and three provisioners on one bridge, each in a network namespace of its own, so that each can be killed, stopped or cut off
// by dropped packets. Addresses: provisioners 10.64.0.2 to .4, etcd 10.64.0.11 to .13, machines 10.64.1.0 and up.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundledProgram } from './built.js'
import { startEtcdIn } from './etcd-network.js'
import { NetworkNamespace, type Running } from './netns.js'

export interface Part {
  readonly name: string
  readonly space: NetworkNamespace
  readonly start: () => Promise<void>
  readonly running: () => Running | undefined
  readonly signal: (name: NodeJS.Signals) => void
  /** Ends it, and waits until it has. */
  readonly kill: () => Promise<void>
  /** Nothing leaves or arrives any more, without a word (nft); or it does again. */
  readonly cut: (isCut: boolean) => void
}

export interface FleetNetworkOptions {
  readonly folder: string
  /** Further configuration of the nth provisioner, counted from 1. */
  readonly config?: (n: number) => Readonly<Record<string, unknown>>
  readonly leaseTime?: string
  /** By how many seconds the provisioners' clocks are off; needs libfaketime where one is. */
  readonly clocks?: readonly number[]
}

/** Where Debian has the library: the dynamic linker knows what `$LIB` is. */
const faketime = '/usr/$LIB/faketime/libfaketimeMT.so.1'

/** The program `faketime` stays in front of what it starts, and signals reach only it. */
const clockOff = (seconds: number): readonly string[] =>
  seconds === 0 ? [] : ['env', `LD_PRELOAD=${faketime}`, `FAKETIME=${seconds > 0 ? '+' : ''}${seconds}`, 'FAKETIME_DONT_FAKE_MONOTONIC=1']

export class FleetNetwork {
  readonly space = new NetworkNamespace()
  readonly machines: NetworkNamespace
  readonly etcd: readonly Part[]
  readonly provisioners: readonly Part[]
  readonly #options: FleetNetworkOptions

  constructor (options: FleetNetworkOptions) {
    this.#options = options
    const { space } = this
    space.bridge('br0', '10.64.0.1/16')
    this.machines = space.client('br0')
    this.machines.ip('address', 'add', '10.64.255.254/16', 'dev', 'eth0')
    const members = Object.fromEntries([1, 2, 3].map(n => [`m${n}`, `10.64.0.1${n}`]))
    this.etcd = Object.entries(members).map(([name, address]) =>
      this.#part(name, address, place => startEtcdIn(place, { name, address, folder: options.folder, members })))
    this.provisioners = [1, 2, 3].map(n => {
      const config = this.configOf(n)
      const [command = '', ...args] = [...clockOff(options.clocks?.[n - 1] ?? 0), process.execPath, bundledProgram(), 'serve', '--config', config]
      return this.#part(`p${n}`, `10.64.0.${n + 1}`, place => place.spawn(command, ...args), /"msg":"appliance\.ready"/)
    })
  }

  /** Writes the nth provisioner's configuration, and gives its path. */
  configOf (n: number): string {
    const { folder, config, leaseTime = '1h' } = this.#options
    const own = join(folder, `p${n}`)
    mkdirSync(own, { recursive: true })
    const path = join(folder, `p${n}.json`)
    writeFileSync(path, JSON.stringify({
      data_path: join(own, 'data'),
      assets_path: '',
      state_path: join(own, 'state'),
      // A socket's path is short.
      control_socket: `/run/${this.space.name}-p${n}`,
      rpc: { address: '' },
      tftp: { address: '' },
      dhcp: { mode: 'server', interface: 'eth0', unknown_clients: 'allow', subnets: [{ subnet: '10.64.0.0/16', range: '10.64.1.1-10.64.3.250', lease_time: leaseTime }] },
      cluster: { name: `p${n}`, etcd: { endpoints: ['http://10.64.0.11:2379', 'http://10.64.0.12:2379', 'http://10.64.0.13:2379'] } },
      ...config?.(n)
    }))
    return path
  }

  /** What the nth provisioner serves at a path; '' when it does not answer. */
  ask (n: number, path: string): string {
    try {
      return this.provisioners[n - 1]!.space.exec('curl', '-s', '-m', '3', `http://127.0.0.1:8080${path}`)
    } catch { return '' }
  }

  async close (): Promise<void> { await this.space.close() }

  #part (name: string, address: string, spawn: (place: NetworkNamespace) => Running, ready?: RegExp): Part {
    const place = this.space.client('br0')
    place.ip('address', 'add', `${address}/16`, 'dev', 'eth0')
    let running: Running | undefined
    return {
      name,
      space: place,
      running: () => running,
      start: async () => {
        running = spawn(place)
        if (ready !== undefined) await running.line(ready)
      },
      signal: signal => { running?.child.kill(signal) },
      kill: async () => {
        running?.child.kill('SIGCONT')
        running?.child.kill('SIGKILL')
        await running?.ended
      },
      cut: isCut => { this.space.cut(place, isCut) }
    }
  }
}
