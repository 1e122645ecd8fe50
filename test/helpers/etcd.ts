// etcd from Debian, one member or several, on loopback ports and folders of the test's own. A member can be killed, stopped and
// started again where it was.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { EtcdClient, type EtcdClientOptions } from '../../src/etcd/etcd-client.js'
import { freePort } from './free-port.js'
import { surroundings } from './program.js'
import { findTool, runTool } from './tools.js'

export interface EtcdOptions {
  readonly members?: number
  /** Files for `https`; plain without. */
  readonly tls?: { readonly ca: string, readonly cert: string, readonly key: string }
  readonly args?: readonly string[]
}

export interface EtcdMember {
  readonly endpoint: string
  readonly start: () => Promise<void>
  readonly signal: (name: NodeJS.Signals) => void
  /** Ends it, and waits until it has. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>
  /** Ends it and starts it with what `etcdctl snapshot save` wrote: another cluster with the state of then. */
  readonly restore: (snapshot: string) => Promise<void>
}

export interface EtcdCluster {
  readonly members: readonly EtcdMember[]
  readonly endpoints: readonly string[]
  /** A client of the test's own, that waits as long as etcd takes; a killed member is not waited for. */
  readonly client: (options?: Partial<EtcdClientOptions>) => Promise<EtcdClient>
}

/** Milliseconds: a busy machine, whose etcd waits for its disk, is no reason to be away. */
const patience = 60_000

/** Ready to be asked. */
export async function startEtcd (t: Test, { members = 1, tls, args = [] }: EtcdOptions = {}): Promise<EtcdCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-'))
  const scheme = tls === undefined ? 'http' : 'https'
  const places = []
  for (let n = 0; n < members; n++) places.push({ name: `m${n}`, client: await freePort(), peer: await freePort() })
  const initial = places.map(({ name, peer }) => `${name}=http://127.0.0.1:${peer}`).join(',')
  const made = places.map(({ name, client, peer }): EtcdMember & { readonly close: () => Promise<void> } => {
    const endpoint = `${scheme}://127.0.0.1:${client}`
    let child: ChildProcess | undefined
    const start = async (): Promise<void> => {
      await mkdir(join(folder, name), { recursive: true })
      const running = spawn(findTool('etcd') ?? 'etcd', [
        '--name', name, '--data-dir', join(folder, name),
        '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint,
        '--listen-peer-urls', `http://127.0.0.1:${peer}`, '--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`,
        '--initial-cluster', initial, '--initial-cluster-token', folder,
        // A busy machine is no reason to elect a leader.
        '--heartbeat-interval', '200', '--election-timeout', '2000',
        '--logger', 'zap', '--log-level', 'error',
        ...tls === undefined ? [] : ['--cert-file', tls.cert, '--key-file', tls.key, '--trusted-ca-file', tls.ca, '--client-cert-auth'],
        ...args
      ], { stdio: ['ignore', 'ignore', 'pipe'], env: surroundings() })
      child = running
      let said = ''
      running.stderr.on('data', (piece: Buffer) => { said += piece.toString() })
      running.once('exit', code => { if (code !== null && code !== 0) t.comment(`etcd ${name} ended with ${code}: ${said}`) })
    }
    const stop = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
      const running = child
      child = undefined
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
      const ended = once(running, 'exit')
      running.kill('SIGCONT')
      running.kill(signal)
      await ended
    }
    const restore = async (snapshot: string): Promise<void> => {
      await stop()
      await rm(join(folder, name), { recursive: true })
      const { code, stderr } = await runTool('etcdctl', ['snapshot', 'restore', snapshot, '--name', name, '--data-dir', join(folder, name), '--initial-cluster', initial,
        '--initial-cluster-token', `${folder}-restored`, '--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`], { env: { ...process.env, ETCDCTL_API: '3' } })
      if (code !== 0) throw new Error(`etcdctl snapshot restore: ${stderr}`)
      await start()
    }
    return { endpoint, start, stop, restore, signal: name => { child?.kill(name) }, close: () => stop() }
  })
  const clients: EtcdClient[] = []
  t.teardown(async () => {
    for (const client of clients) client.close()
    await Promise.all(made.map(({ close }) => close()))
    await rm(folder, { recursive: true, force: true })
  })
  for (const { start } of made) await start()
  const endpoints = made.map(({ endpoint }) => endpoint)
  const client = async (options: Partial<EtcdClientOptions> = {}): Promise<EtcdClient> => {
    const opened = await EtcdClient.open({ endpoints, tls: undefined, patience, ...options })
    clients.push(opened)
    return opened
  }
  if (tls === undefined) await answers(await client())
  return { members: made, endpoints, client }
}

/** Waits until etcd has a leader and takes calls. */
export async function answers (etcd: EtcdClient): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await etcd.call('Range', { key: Buffer.from('ready') })
      return
    } catch (error) {
      if (tries > 200) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

/**
 * Writes one thing after the other until that fails, as it does once etcd is full. etcd sees that it is when it has written its file, each tenth
 * of a second: a quick disk takes more than a hundred writes before.
 */
export async function fill (write: (n: number) => Promise<unknown>): Promise<never> {
  for (let n = 0; n < 20_000; n++) await write(n)
  throw new Error('20,000 writes were taken')
}
