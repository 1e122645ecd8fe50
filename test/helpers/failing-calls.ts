// The built program while the kernel fails it: strace(1) has one of its system calls return an error, each time or now and then, while a
// machine boots and others fetch; then a machine boots that is to come to its end.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeBootFiles } from './boot-site.js'
import { builtProgram } from './built.js'
import { NetworkNamespace, type Running, watch } from './netns.js'
import { findTool } from './tools.js'
import { typescript } from './typescript.js'
import { until } from './until.js'

/** A call as strace names it, behind `@` the file below the site that it is about; the errors that it returns, one after the other. */
export type FailingCall = readonly [call: string, errors: readonly string[]]

/** What Linux may say to the calls of the program that files, sockets and threads are made of. */
export const allCalls: readonly FailingCall[] = [
  ['accept4', ['EMFILE', 'ENFILE', 'ENOBUFS', 'ECONNABORTED', 'EPERM', 'EPROTO']],
  ['recvmsg', ['ENOMEM', 'ENETDOWN']],
  ['recvfrom', ['ENOMEM', 'ECONNREFUSED']],
  ['sendto', ['ENOBUFS', 'EPERM', 'ENETUNREACH', 'EINVAL', 'EAGAIN']],
  ['sendmsg', ['ENOBUFS', 'EPERM', 'EINVAL']],
  ['sendmmsg', ['ENOBUFS', 'EPERM']],
  ['socket', ['EMFILE', 'ENOBUFS', 'EACCES']],
  ['bind', ['EADDRINUSE', 'EADDRNOTAVAIL', 'ENODEV']],
  ['setsockopt', ['ENOMEM', 'ENOPROTOOPT']],
  ['getsockname', ['ENOBUFS']],
  ['getpeername', ['ENOTCONN']],
  ['ioctl', ['ENODEV', 'ENXIO', 'EIO']],
  ['shutdown', ['ENOTCONN']],
  ['writev', ['EPIPE']],
  ['openat', ['EMFILE', 'ENFILE', 'EIO', 'ESTALE', 'ENOMEM', 'EACCES', 'EINTR']],
  ['statx', ['EIO', 'ESTALE', 'EACCES', 'ENOMEM']],
  ['getdents64', ['EIO', 'ESTALE', 'ENOENT']],
  ['pread64', ['EIO', 'ESTALE', 'EINTR']],
  ['readlink', ['EIO']],
  ['write@state/leases.jsonl', ['EIO', 'ENOSPC', 'EDQUOT', 'EFBIG']],
  ['write@state/machines.jsonl', ['EIO', 'ENOSPC']],
  ['read@data/groups/node.json', ['EIO', 'ESTALE']],
  ['inotify_add_watch', ['ENOSPC']]
]

export interface Failed {
  readonly call: string
  readonly error: string
  /** How often the kernel failed it. */
  readonly times: number
  /** Whether the program still ran, and a machine booted afterwards. */
  readonly lives: boolean
  readonly boots: boolean
  /** What it printed that is no line of its log. */
  readonly stray: readonly string[]
}

/** Now and then, so that a boot comes as far as to the next call; or each time. */
const rhythms = ['2+5', '1+1'] as const

const boots = 2000
const macOf = (n: number): string => `52:54:00:00:${[n >> 8, n & 255].map(part => part.toString(16).padStart(2, '0')).join(':')}`

/** Has each error of each call returned in turn, and tells what came of it. */
export async function walkCalls (folder: string, calls: readonly FailingCall[], told: (failed: Failed) => void = () => {}): Promise<readonly Failed[]> {
  const space = new NetworkNamespace()
  try {
    return await new Walk(space, folder).through(calls, told)
  } finally {
    await space.close()
  }
}

class Walk {
  readonly #space: NetworkNamespace
  readonly #folder: string
  readonly #config: string
  readonly #machine: NetworkNamespace
  readonly #others: NetworkNamespace
  #program: Running | undefined
  #booted = 0

  constructor (space: NetworkNamespace, folder: string) {
    this.#space = space
    this.#folder = folder
    space.bridge('br0', '172.30.0.1/16')
    this.#machine = space.client('br0')
    this.#others = space.client('br0')
    this.#others.ip('address', 'add', '172.30.200.1/16', 'dev', 'eth0')
    this.#config = writeBootFiles(folder, {
      kernel: 'image',
      dhcp: { mode: 'server', interface: 'br0', unknown_clients: 'allow', subnets: [{ subnet: '172.30.0.0/16', range: '172.30.1.1-172.30.99.99' }] }
    })
    writeFileSync(join(folder, 'assets/image'), Buffer.alloc(3_000_000))
  }

  async through (calls: readonly FailingCall[], told: (failed: Failed) => void): Promise<readonly Failed[]> {
    const all: Failed[] = []
    for (const [call, errors] of calls) {
      for (const error of errors) {
        for (const rhythm of rhythms) {
          const failed = await this.#fail(call, error, rhythm)
          told(failed)
          all.push(failed)
        }
      }
    }
    return all
  }

  async #running (): Promise<Running> {
    const known = this.#program
    if (known !== undefined && known.child.exitCode === null && known.child.signalCode === null) return known
    const program = this.#space.spawn(process.execPath, builtProgram(), 'serve', '--config', this.#config)
    await program.line(/"msg":"appliance\.ready"/)
    this.#program = program
    return program
  }

  async #fail (called: string, error: string, rhythm: typeof rhythms[number]): Promise<Failed> {
    const program = await this.#running()
    const before = program.output().length
    const [call = '', path] = called.split('@')
    const record = join(this.#folder, 'calls')
    const only = path === undefined ? [] : ['-P', join(this.#folder, path)]
    const strace = watch(spawn(findTool('strace') ?? 'strace', [
      '-f', '-o', record, '-p', String(program.child.pid), ...only, '-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${rhythm}`
    ]))
    await strace.line(/attached/)
    // An edit is seen, or looked for.
    writeFileSync(join(this.#folder, 'data/groups/one.json'), JSON.stringify({ id: 'one', profile: 'node', selector: { mac: macOf(this.#booted + 10 * boots) } }))
    const booting = this.#boot()
    for (const url of ['/assets/image', '/healthz', '/ipxe?mac=52-54-00-00-00-01']) {
      const fetching = this.#others.spawn('curl', '-s', '-m', '2', '-o', '/dev/null', `http://172.30.0.1:8080${url}`)
      await fetching.ended
    }
    const timesNow = (): number => existsSync(record) ? readFileSync(record, 'utf8').match(/\(INJECTED\)/g)?.length ?? 0 : 0
    // Now and then it comes to its end, whichever that is; where each call fails it may ask for a minute, or not be heard.
    let isOver = false
    void booting.ended.then(() => { isOver = true })
    const isHeard = (): boolean => /"msg":"(?:dhcp|lease)\./.test(program.output().slice(before))
    await until('the machine booted, or met what fails', () => isOver || (rhythm === '1+1' && (timesNow() > 200 || (timesNow() > 0 && isHeard()))))
    strace.child.kill('SIGINT')
    await strace.ended
    booting.child.kill('SIGKILL')
    await booting.ended
    const after = await this.#boot().ended
    const times = timesNow()
    rmSync(record, { force: true })
    const stray = program.output().slice(before).split('\n').filter(line => line !== '' && !line.startsWith('{'))
    return { call: called, error, times, lives: program.child.exitCode === null && program.child.signalCode === null, boots: after === 0, stray }
  }

  /** Each time another machine, on the one interface. */
  #boot (): Running {
    this.#machine.ip('address', 'flush', 'dev', 'eth0')
    const mac = macOf(this.#booted++ % boots)
    return this.#machine.spawn(process.execPath, typescript, fileURLToPath(new URL('boot-machine.ts', import.meta.url)), 'eth0', mac)
  }
}
