// HTTP/1.1 of one machine: a connection from its own address, a request after the other. What is large is counted, not kept.
import { connect, type Socket } from 'node:net'

/** Shared by all connections: what is read is looked at before the next reads. */
const reading = Buffer.allocUnsafe(256 * 1024)
/** A larger body is counted only. */
const kept = 64 * 1024

export interface HttpAnswer { readonly status: number, readonly length: number, readonly text: string }

interface Place { readonly server: string, readonly port: number, readonly address: string }

export class HttpMachine {
  readonly #place: Place
  readonly #host: string
  #socket: Socket | undefined
  #waiting: { readonly target: string, readonly resolve: (answer: HttpAnswer) => void, readonly reject: (error: Error) => void } | undefined
  /** Something was answered on this connection. */
  #isUsed = false
  #head = ''
  #status = 0
  /** Of the body; -1 while the head is read. */
  #length = -1
  #got = 0
  #body: Buffer[] = []

  private constructor (place: Place) {
    this.#place = place
    this.#host = `${place.server}:${place.port}`
  }

  /** Resolves when it is connected. */
  static async open (server: string, port: number, address: string): Promise<HttpMachine> {
    const machine = new HttpMachine({ server, port, address })
    await machine.#connect()
    return machine
  }

  close (): void { this.#socket?.destroy() }

  async get (target: string): Promise<HttpAnswer> {
    this.#head = ''
    this.#length = -1
    this.#got = 0
    this.#body = []
    return await new Promise((resolve, reject) => {
      this.#waiting = { target, resolve, reject }
      this.#ask(target)
    })
  }

  #ask (target: string): void {
    this.#socket?.write(`GET ${target} HTTP/1.1\r\nHost: ${this.#host}\r\nUser-Agent: iPXE/1.21.1\r\nConnection: keep-alive\r\n\r\n`)
  }

  async #connect (): Promise<void> {
    const { server, port, address } = this.#place
    const onread = { buffer: reading, callback: (length: number) => { this.read(reading.subarray(0, length)); return true } }
    const socket = connect({ host: server, port, localAddress: address, onread, noDelay: true })
    await new Promise<void>((resolve, reject) => { socket.once('connect', resolve).once('error', reject) })
    this.#isUsed = false
    this.#socket = socket
    let reason = new Error(`${this.#host} closed the connection`)
    socket.on('error', error => { reason = error })
    socket.on('close', () => { this.#ended(reason) })
  }

  /** As iPXE does: a connection that was used before, and ends before an octet of the answer has come, is opened once more. */
  #ended (reason: Error): void {
    if (this.#waiting === undefined) return
    const { target, reject } = this.#waiting
    if (!this.#isUsed || this.#head !== '' || this.#got > 0) reject(reason)
    else this.#connect().then(() => { this.#ask(target) }, reject)
  }

  read (data: Buffer): void {
    let body = data
    if (this.#length < 0) {
      this.#head += data.toString('latin1')
      const end = this.#head.indexOf('\r\n\r\n')
      if (end < 0) return
      const before = this.#head.length - data.length
      body = data.subarray(end + 4 - before)
      this.#head = this.#head.slice(0, end)
      this.#status = Number(this.#head.slice(9, 12))
      this.#length = Number(/content-length: *(\d+)/i.exec(this.#head)?.[1] ?? 0)
    }
    this.#got += body.length
    // The buffer is read into again.
    if (this.#length <= kept) this.#body.push(Buffer.from(body))
    if (this.#got < this.#length) return
    const { resolve } = this.#waiting ?? {}
    this.#waiting = undefined
    this.#isUsed = true
    resolve?.({ status: this.#status, length: this.#got, text: Buffer.concat(this.#body).toString('latin1') })
  }
}
