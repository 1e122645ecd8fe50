// Real etcd members that find each other by a discovery URL, on ports of loopback.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { findTool } from './tools.js'

export interface MemberOptions {
  readonly name: string
  readonly folder: string
  readonly discovery: string
  readonly clientPort: number
  readonly peerPort: number
}

export class EtcdMember {
  readonly child: ChildProcess
  readonly clientUrl: string
  #said = ''
  readonly #ended: Promise<unknown>

  constructor ({ name, folder, discovery, clientPort, peerPort }: MemberOptions) {
    const data = join(folder, name)
    mkdirSync(data, { mode: 0o700 })
    this.clientUrl = `http://127.0.0.1:${clientPort}`
    const peer = `http://127.0.0.1:${peerPort}`
    this.child = spawn(findTool('etcd') ?? 'etcd', [
      '--name', name, '--data-dir', data, '--discovery', discovery, '--listen-client-urls', this.clientUrl, '--advertise-client-urls', this.clientUrl,
      '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--log-outputs', 'stderr', '--enable-v2'
    ], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] } })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => { this.#said += text })
    this.#ended = once(this.child, 'close')
  }

  get said (): string { return this.#said }

  /** Resolves when it has said so; rejects when it ends first. */
  async says (words: RegExp): Promise<void> {
    while (!words.test(this.#said)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`etcd ended: ${this.#said.slice(-2000)}`)
      await Promise.race([once(this.child.stderr!, 'data'), this.#ended])
    }
  }

  async ended (): Promise<number | null> {
    await this.#ended
    return this.child.exitCode
  }

  async kill (): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL')
    await this.#ended
  }
}
