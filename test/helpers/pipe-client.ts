// A DHCP client inside a namespace that sends whatever message a test makes and hands back the answer to it.
import { fileURLToPath } from 'node:url'
import { decodePacket, type DhcpPacket, encodePacket } from '../../src/dhcp/packet.js'
import type { NetworkNamespace, Running } from './netns.js'
import { typescript } from './typescript.js'

const program = fileURLToPath(new URL('./datagram-pipe.ts', import.meta.url))

export class PipeClient {
  readonly #pipe: Running
  #xid = 0x10000000

  private constructor (pipe: Running) { this.#pipe = pipe }

  /** From port 68 as a client, or from 67 as a relay agent. */
  static async start (space: NetworkNamespace, interfaceName = 'eth0', from = 68): Promise<PipeClient> {
    const pipe = space.spawn(process.execPath, typescript, program, interfaceName, String(from))
    await pipe.line(/^ready$/)
    return new PipeClient(pipe)
  }

  /** Broadcasts a message with a transaction of its own and gives the answer; rejects when none comes within ten seconds. */
  async ask (message: DhcpPacket, port = 67): Promise<DhcpPacket> {
    const xid = this.send(message, port)
    const answer = await this.#pipe.line(new RegExp(`^02.{6}${xid.toString(16)}`), 300_000)
    return decodePacket(Buffer.from(answer, 'hex'))
  }

  /** The answer to a message that was sent, if it has come. */
  answer (xid: number): DhcpPacket | undefined {
    const line = this.#pipe.output().split('\n').find(text => text.startsWith('02') && text.slice(8, 16) === xid.toString(16))
    return line === undefined ? undefined : decodePacket(Buffer.from(line, 'hex'))
  }

  /** Broadcasts a message and gives its transaction. */
  send (message: DhcpPacket, port = 67): number {
    const xid = this.#xid++
    this.#pipe.child.stdin?.write(`${port} ${encodePacket({ ...message, xid }).toString('hex')}\n`)
    return xid
  }
}
