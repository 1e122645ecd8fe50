// What the guard measures: each part's work beside a reference of the same nature, so that the machine, its load and its Node.js cancel
// out. All in one process; what has a socket has it on loopback.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '../../src/base/clock.js'
import { clientInfo } from '../../src/dhcp/client-info.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { decodePacket, encodePacket } from '../../src/dhcp/packet.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import { handleDhcp, type ServerContext } from '../../src/dhcp/server-decision.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { Readers } from '../../src/disk/disk-file.js'
import { buildHttpApp } from '../../src/http/http-server.js'
import { createProvisioner, type Provisioner } from '../../src/matchbox/provisioner.js'
import type { Mac } from '../../src/net/mac.js'
import { kernelUdp } from '../../src/net/udp.js'
import { openFileStore } from '../../src/store/file-store.js'
import { storedFiles } from '../../src/tftp/file-source.js'
import { startTftpServer } from '../../src/tftp/tftp-server.js'
import { ip, mac, request, subnet } from '../../test/helpers/dhcp.js'
import { layOutSite, macOf } from './bench-site.js'
import type { GuardPart, Work } from './guard.js'

export const partNames = ['dhcp', 'ipxe', 'ignition', 'http', 'tftp'] as const
export type PartName = typeof partNames[number]

const groups = 2000
const blocks = 50
const blksize = 1468

export interface GuardParts {
  readonly parts: Readonly<Record<PartName, GuardPart>>
  readonly close: () => Promise<void>
}

type ClosablePart = GuardPart & Pick<GuardParts, 'close'>

export async function openParts (): Promise<GuardParts> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-guard-'))
  const site = layOutSite(folder, { groups })
  const log = pino({ level: 'silent' })
  const store = await openFileStore({ dataPath: site.data, tombstoneMs: 0, clock: systemClock, log, watch: false })
  const provisioner = createProvisioner({ store })
  const http = await openHttp(provisioner)
  const tftp = await openTftp(folder)
  return {
    parts: {
      dhcp: { work: dhcpExchanges(), reference: plain },
      ipxe: { work: renderings(provisioner, 'ipxe'), reference: plain },
      ignition: { work: renderings(provisioner, 'ignition'), reference: plain },
      http,
      tftp
    },
    close: async () => {
      await http.close()
      await tftp.close()
      await store.close()
      rmSync(folder, { recursive: true })
    }
  }
}

/** What all of it is made of: texts, octets, objects, maps. */
const plain: Work = times => {
  const seen = new Map<string, number>()
  for (let n = 0; n < times; n++) {
    const bytes = Buffer.from(JSON.stringify({ mac: macOf(n), name: `node-${n % 100}`, list: [n, n + 1, n + 2] }))
    const { name, list } = JSON.parse(bytes.toString('latin1')) as { readonly name: string, readonly list: readonly number[] }
    seen.set(name, (seen.get(name) ?? 0) + list.length)
  }
}

/** DISCOVER and REQUEST of one machine after the other, from octets to octets. */
function dhcpExchanges (): Work {
  const here = subnet('10.64.0.0/16', '10.64.1.0-10.64.200.250')
  const context: ServerContext & { readonly leases: LeaseTable } = {
    now: 1_800_000_000_000,
    server: ip('10.64.0.1'),
    subnets: [here],
    leases: new LeaseTable(),
    reservations: buildReservations([], [here], ip('10.64.0.1')),
    unknownClients: 'allow',
    boot: { loaders: { bios: 'undionly.kpxe', 'efi-x64': 'snponly.efi' }, scriptUrl: 'http://10.64.0.1:8080/boot.ipxe' }
  }
  const answered = (datagram: Buffer): void => {
    const decoded = decodePacket(datagram)
    const outcome = handleDhcp({ request: decoded, client: clientInfo(decoded), from: ip('0.0.0.0') }, context)
    if (outcome.kind !== 'reply') throw new Error(`no answer: ${outcome.kind}`)
    if (outcome.lease !== undefined) context.leases.set(outcome.lease)
    encodePacket(outcome.reply)
  }
  return times => {
    for (let n = 0; n < times; n++) {
      const client = { mac: mac(macOf(n % 1000)), xid: n }
      answered(encodePacket(request({ dhcpMessageType: 'DISCOVER', clientSystemArchitecture: [0] }, client)))
      const lease = context.leases.ofMac(client.mac)[0]!
      answered(encodePacket(request({ dhcpMessageType: 'REQUEST', requestedIpAddress: lease.ip, serverIdentifier: context.server }, client)))
    }
  }
}

const renderings = (provisioner: Provisioner, kind: 'ipxe' | 'ignition'): Work => times => {
  for (let n = 0; n < times; n++) {
    const of = macOf(n % groups) as Mac
    const { body } = provisioner.render(kind, { labels: new Map([['mac', of]]), rawQuery: `mac=${of}`, client: '10.64.0.2' })
    if (body === undefined) throw new Error(`no ${kind}`)
  }
}

/** `/ipxe` of one machine after the other, beside a server of Node's that says as much to whoever asks. */
async function openHttp (provisioner: Provisioner): Promise<ClosablePart> {
  const app = buildHttpApp({ provisioner, log: pino({ level: 'silent' }), assetsPath: '', ready: () => [] })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const said = 'x'.repeat(160)
  const bare = createServer((_, response) => { response.writeHead(200, { 'content-length': said.length }).end(said) }).listen(0, '127.0.0.1')
  await once(bare, 'listening')
  const asking = (port: number): Work => async times => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    for (let n = 0; n < times; n++) {
      socket.write(`GET /ipxe?mac=${macOf(n % groups)} HTTP/1.1\r\nHost: a\r\n\r\n`)
      const [answer] = await once(socket, 'data') as [Buffer]
      if (answer.toString('latin1', 9, 12) !== '200') throw new Error(`/ipxe: ${answer.toString('latin1', 0, 40)}`)
    }
    socket.destroy()
  }
  return {
    work: asking((app.server.address() as AddressInfo).port),
    reference: asking((bare.address() as AddressInfo).port),
    close: async () => {
      bare.close()
      await app.close()
    }
  }
}

/** A loader of 50 blocks in lock step, beside as many datagrams that a bare socket sends back. */
async function openTftp (folder: string): Promise<ClosablePart> {
  const size = (blocks - 1) * blksize + 100
  writeFileSync(join(folder, 'loader'), Buffer.alloc(size, 1))
  const server = await startTftpServer({ address: '127.0.0.1', port: 0, singlePort: false, maxBlockSize: blksize, maxWindowSize: 1 }, {
    network: kernelUdp,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    files: storedFiles({
      roots: [folder],
      cache: new FileCache({ memory: 2 ** 20, largest: 2 ** 20, clock: systemClock }),
      readers: new Readers(),
      clock: systemClock
    })
  })
  const port = server.addresses[0]?.port ?? 0
  const echo = createSocket('udp4')
  const block = Buffer.alloc(blksize + 4)
  echo.on('message', (_, from) => { echo.send(block, from.port, from.address) })
  await bound(echo)
  const rrq = Buffer.from(`\0\x01loader\0octet\0blksize\0${blksize}\0`, 'latin1')
  const read: Work = async times => {
    for (let n = 0; n < times; n++) {
      const socket = await bound(createSocket('udp4'))
      let got = 0
      socket.on('message', (data, from) => {
        if (data[1] === 3) got += data.length - 4
        socket.send(Buffer.from([0, 4, data[1] === 3 ? data[2]! : 0, data[1] === 3 ? data[3]! : 0]), from.port, from.address, () => {
          if (data[1] === 3 && data.length < blksize + 4) socket.close()
        })
      })
      socket.send(rrq, port, '127.0.0.1')
      await once(socket, 'close')
      if (got !== size) throw new Error(`${got} octets of ${size}`)
    }
  }
  const echoed: Work = async times => {
    for (let n = 0; n < times; n++) {
      const socket = await bound(createSocket('udp4'))
      let left = blocks + 1
      socket.on('message', () => {
        if (--left === 0) socket.close()
        else socket.send(rrq, echo.address().port, '127.0.0.1')
      })
      socket.send(rrq, echo.address().port, '127.0.0.1')
      await once(socket, 'close')
    }
  }
  return {
    work: read,
    reference: echoed,
    close: async () => {
      echo.close()
      await server.close()
    }
  }
}

async function bound (socket: Socket): Promise<Socket> {
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}
