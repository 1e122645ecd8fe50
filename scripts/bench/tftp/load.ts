// Clients that read one file again and again, in a process of their own:
// `load.ts ADDRESS PORT OWN FILE SIZE CLIENTS WINDOW SECONDS PID`. Prints one line of JSON; OWN is the clients' address, PID the server,
// whose CPU time it reads.
// Each client checks the order of its blocks and the size of its file, and sends its last packet again after a silence.
import { createSocket, type Socket } from 'node:dgram'
import { readFileSync } from 'node:fs'

const [address = '', portText, own = '', file = '', sizeText, clientsText, windowText, secondsText, pid = ''] = process.argv.slice(2)
const port = Number(portText)
const size = Number(sizeText)
const window = Number(windowText)
const blksize = 1468
const options = ['blksize', String(blksize), ...window > 1 ? ['windowsize', String(window)] : []]
const request = Buffer.from(['\0\x01' + file, 'octet', ...options, ''].join('\0'), 'latin1')
const silence = 1000

let counting = false
let bytes = 0
let reads = 0
let repeats = 0
const errors = new Map<string, number>()

/** Milliseconds of CPU a process has used, user and system: fields 14 and 15 of proc(5) stat, in the usual 100 ticks a second. */
function cpuOf (process: string): number {
  const fields = readFileSync(`/proc/${process}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

type Lookup = (name: string, options: unknown, done: (error: Error | null, address: string, family: number) => void) => void
const lookup: Lookup = (name, _options, done) => { done(null, name, 4) }

class Client {
  readonly #socket: Socket
  #peer = 0
  #next = 1
  #got = 0
  #inWindow = 0
  #window = 1
  #last: Buffer = request
  #lastPort = port
  #heard = Date.now()

  constructor () {
    this.#socket = createSocket({ type: 'udp4', lookup })
    this.#socket.on('message', (data, from) => { this.#receive(data, from.port) })
    this.#socket.bind({ port: 0, address: own, exclusive: true })
  }

  begin (): void {
    this.#peer = 0
    this.#next = 1
    this.#got = 0
    this.#inWindow = 0
    this.#window = 1
    this.#heard = Date.now()
    this.#send(request, port)
  }

  check (now: number): void {
    if (now - this.#heard < silence) return
    this.#heard = now
    repeats++
    this.#send(this.#last, this.#lastPort)
  }

  /** Tells the server, so that no transfer of this run lasts into the next; one that is not answered yet lasts. */
  async close (): Promise<void> {
    await new Promise<void>(resolve => { this.#socket.send(Buffer.from('\0\x05\0\0stop\0', 'latin1'), this.#lastPort, address, () => { resolve() }) })
    this.#socket.close()
  }

  #receive (data: Buffer, from: number): void {
    const opcode = data[1]
    if (opcode === 5) {
      const message = data.toString('latin1', 4)
      errors.set(message, (errors.get(message) ?? 0) + 1)
      return
    }
    if (this.#peer === 0) {
      // A straggler of the read before is not the answer to this request.
      if (opcode !== 6) return
      this.#peer = from
    } else if (from !== this.#peer) return
    this.#heard = Date.now()
    if (opcode === 6) {
      this.#window = data.includes('windowsize') ? window : 1
      this.#acknowledge(0)
      return
    }
    const block = (data[2]! << 8) + data[3]!
    if (block !== (this.#next & 0xffff)) return
    const length = data.length - 4
    this.#got += length
    if (counting) bytes += length
    this.#next++
    if (length < blksize) {
      this.#acknowledge(block)
      if (this.#got !== size) throw new Error(`${file} of ${address}: ${this.#got} bytes instead of ${size}`)
      if (counting) reads++
      this.begin()
    } else if (++this.#inWindow >= this.#window) this.#acknowledge(block)
  }

  #acknowledge (block: number): void {
    this.#inWindow = 0
    const packet = Buffer.allocUnsafe(4)
    packet[0] = 0
    packet[1] = 4
    packet[2] = block >>> 8
    packet[3] = block & 0xff
    this.#send(packet, this.#peer)
  }

  #send (packet: Buffer, to: number): void {
    this.#last = packet
    this.#lastPort = to
    this.#socket.send(packet, to, address)
  }
}

const clients = Array.from({ length: Number(clientsText) }, () => new Client())
for (const client of clients) client.begin()
const checking = setInterval(() => {
  const now = Date.now()
  for (const client of clients) client.check(now)
}, 200)

// The first second warms up both sides.
setTimeout(() => {
  counting = true
  const started = process.hrtime.bigint()
  const before = [cpuOf(pid), cpuOf('self')] as const
  setTimeout(() => {
    const seconds = Number(process.hrtime.bigint() - started) / 1e9
    clearInterval(checking)
    for (const client of clients) void client.close()
    const [serverMs, clientMs] = [cpuOf(pid) - before[0], cpuOf('self') - before[1]]
    process.stdout.write(JSON.stringify({
      mibPerSecond: bytes / 2 ** 20 / seconds,
      reads,
      repeats,
      errors: Object.fromEntries(errors),
      serverCpu: serverMs / 10 / seconds,
      clientCpu: clientMs / 10 / seconds,
      serverMicrosPerMib: serverMs * 1000 / (bytes / 2 ** 20)
    }) + '\n')
  }, Number(secondsText) * 1000)
}, 1000)
