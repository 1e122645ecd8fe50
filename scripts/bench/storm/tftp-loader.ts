// A loader by TFTP as a ROM reads it: lock step, blocks of 1468 octets (RFC 2348), from the machine's own address.
import { createSocket } from 'node:dgram'

const blksize = 1468
/** Milliseconds until an acknowledgement is repeated, which doubles. */
const patience = 1000
const tries = 6

type Lookup = (name: string, options: unknown, done: (error: Error | null, address: string, family: number) => void) => void
/** Addresses are addresses: Node would ask its resolver for each datagram. */
const lookup: Lookup = (name, _options, done) => { done(null, name, 4) }

export interface Loaded { readonly bytes: number, readonly repeats: number }

interface From { readonly server: string, readonly file: string, readonly address: string, readonly loss?: number, readonly port?: number }

export async function loadByTftp (from: From): Promise<Loaded> {
  const { server, file, address, loss = 0, port = 69 } = from
  const socket = createSocket({ type: 'udp4', lookup })
  return await new Promise<Loaded>((resolve, reject) => {
    let [peer, next, bytes, repeats, silent] = [0, 1, 0, 0, 0]
    let last = Buffer.from(`\0\x01${file}\0octet\0blksize\0${blksize}\0tsize\0` + '0\0', 'latin1')
    let timer: NodeJS.Timeout | undefined
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      socket.close()
      settle()
    }
    const wait = (): void => {
      timer = setTimeout(() => {
        if (++silent >= tries) return end(() => { reject(new Error(`${address}: ${file}: nothing after ${bytes} octets`)) })
        repeats++
        send(last)
        wait()
      }, patience * 2 ** silent)
    }
    const send = (packet: Buffer): void => {
      if (loss === 0 || Math.random() >= loss) socket.send(packet, peer === 0 ? port : peer, server)
    }
    const acknowledge = (block: number): void => {
      last = Buffer.from([0, 4, block >>> 8, block & 255])
      send(last)
      clearTimeout(timer)
      silent = 0
      wait()
    }
    socket.on('error', error => { end(() => { reject(error) }) })
    socket.on('message', (data, { port: from }) => {
      if (loss > 0 && Math.random() < loss) return
      const opcode = data[1]
      if (opcode === 5) {
        const said = data.toString('latin1', 4).split('\0', 1)[0]!
        return end(() => { reject(new Error(`${address}: ${file}: ${said}`)) })
      }
      if (peer === 0 && opcode === 6) {
        peer = from
        return acknowledge(0)
      }
      if (from !== peer) return
      // What comes once more is acknowledged once more: the ACK was lost.
      if (opcode === 6 ? next === 1 : opcode === 3 && data.readUInt16BE(2) === (next - 1 & 0xffff)) return send(last)
      if (opcode !== 3 || data.readUInt16BE(2) !== (next & 0xffff)) return
      next++
      bytes += data.length - 4
      if (data.length - 4 === blksize) return acknowledge(data.readUInt16BE(2))
      socket.send(Buffer.from([0, 4, data[2]!, data[3]!]), peer, server, () => { end(() => { resolve({ bytes, repeats }) }) })
      clearTimeout(timer)
    })
    socket.bind({ address, port: 0, exclusive: true }, () => {
      send(last)
      wait()
    })
  })
}
