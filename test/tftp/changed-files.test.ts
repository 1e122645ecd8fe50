// Files that are changed while they are sent over TFTP: the client gets all of the file as it was, or an ERROR, and never a last block
// that ends a mix or a part; whoever asks afterwards gets what is there then.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { createLog } from '../../src/base/log.js'
import { Readers } from '../../src/disk/disk-file.js'
import { FileCache } from '../../src/disk/file-cache.js'
import type { Endpoint } from '../../src/net/endpoint.js'
import { kernelUdp } from '../../src/net/udp.js'
import { storedFiles } from '../../src/tftp/file-source.js'
import { toNetascii } from '../../src/tftp/netascii.js'
import { decodePacket, encodePacket, type Packet } from '../../src/tftp/packet.js'
import type { TftpEvent } from '../../src/tftp/tftp-event.js'
import { failReads, fileChanges, openFiles, writeLongAgo } from '../helpers/changed-files.js'
import { serve } from '../helpers/tftp-server.js'
import { until } from '../helpers/until.js'

const MiB = 1024 * 1024
const blksize = 65_000

interface Site {
  readonly folder: string
  readonly events: TftpEvent[]
  /** Reads a file; `meanwhile` is called when its first block has come, and not yet been confirmed. */
  readonly read: (name: string, meanwhile?: () => void, mode?: string) => Promise<Buffer | Extract<Packet, { opcode: 'ERROR' }>>
}

async function site (t: Test): Promise<Site> {
  const folder = t.testdir({})
  // Each request looks at the folders anew, and finds that the files have settled.
  let looks = 0
  const clock = { ...systemClock, now: () => Date.now() + 30_000 + 1000 * looks++ }
  const files = storedFiles({ roots: [folder], cache: new FileCache({ memory: 16 * MiB, largest: 2 * MiB, clock }), readers: new Readers(), clock })
  const { server, events } = await serve(kernelUdp, systemClock, files, { maxBlockSize: blksize }, { log: createLog({ level: 'fatal' as 'error', pretty: false, destination: process.stderr }) })
  t.teardown(() => server.close())
  const at = server.addresses[0]!
  const read: Site['read'] = async (name, meanwhile = () => {}, mode = 'octet') => await new Promise((resolve, reject) => {
    const blocks: Buffer[] = []
    const opened = kernelUdp.bind({ address: '127.0.0.1', port: 0, receiveBuffer: MiB }, (data, from) => { hear(decodePacket(data), from) })
    const send = (packet: Packet, to: Endpoint): void => { opened.then(socket => { socket.send(encodePacket(packet), to) }, reject) }
    const over = (what: Buffer | Extract<Packet, { opcode: 'ERROR' }>): void => {
      opened.then(socket => socket.close(), reject)
      resolve(what)
    }
    const hear = (packet: Packet, from: Endpoint): void => {
      if (packet.opcode === 'ERROR') over(packet)
      else if (packet.opcode === 'OACK') send({ opcode: 'ACK', block: 0 }, from)
      else if (packet.opcode === 'DATA' && packet.block === blocks.length + 1) {
        blocks.push(Buffer.from(packet.payload))
        if (packet.block === 1) meanwhile()
        send({ opcode: 'ACK', block: packet.block }, from)
        if (packet.payload.length < blksize) over(Buffer.concat(blocks))
      }
    }
    send({ opcode: 'RRQ', filename: name, mode, options: [['blksize', String(blksize)]] }, at)
  })
  return { folder, events, read }
}

// Longer than the pieces in which a file is read, and than the files that are kept in memory.
for (const [where, length, isKept, mode] of [['the disk', 5 * MiB, false, 'octet'], ['the disk, as text', 5 * MiB, false, 'netascii'], ['memory', 2 * MiB, true, 'octet']] as const) {
  t.test(`a file that is sent from ${where}`, async t => {
    const { folder, events, read } = await site(t)
    const [before, after] = [randomBytes(length), randomBytes(length)]
    const sent = (bytes: Buffer): Buffer => mode === 'netascii' ? toNetascii(bytes) : bytes
    for (const { what, change, reading, next } of fileChanges) {
      const name = what.replace(/\W/g, '-')
      const path = join(folder, name)
      writeLongAgo(path, before)
      const got = await read(name, () => { change(path, after) }, mode)
      if (isKept || reading === 'whole') t.ok(Buffer.isBuffer(got) && got.equals(sent(before)), `${what}: the reader gets all of it`)
      else t.match(got, { opcode: 'ERROR', message: `${path} was written to while it was sent: put the new file beside it and rename it` }, `${what}: the reader is told`)
      const expected = next(before, after)
      const now = await read(name, undefined, mode)
      if (expected === undefined) t.match(now, { opcode: 'ERROR', code: 1 }, `${what}: who asks then is told`)
      else t.ok(Buffer.isBuffer(now) && now.equals(sent(expected)), `${what}: who asks then gets what is there`)
      await until('both have ended, and closed the file', () => events.length === 2 && openFiles(folder) === 0)
      const [failed] = events.splice(0)
      t.match(failed, isKept || reading === 'whole' ? { type: 'done', path } : { type: 'failed', path, message: /was written to/ }, `${what}: what is logged`)
    }
  })
}

t.test('a file whose disk fails in the middle', async t => {
  const { folder, events, read } = await site(t)
  const image = join(folder, 'image')
  const content = randomBytes(5 * MiB)
  writeLongAgo(image, content)
  const mend = await failReads(t, image, 3 * MiB)
  t.match(await read('image'), { opcode: 'ERROR', message: `${image} cannot be read (EIO)` })
  mend()
  await until('it has closed the file', () => events.length === 1 && openFiles(folder) === 0)
  t.match(events, [{ type: 'failed', path: image, message: `${image} cannot be read (EIO)` }])
  const again = await read('image')
  t.ok(Buffer.isBuffer(again) && again.equals(content), 'a disk that is well again')
})
