// A name server for a namespace, UDP and TCP on port 53: name-server.ts ADDRESS. What it does with a name of example.org is what its first
// label says: silentN never answers, lateN after 4 s, failN with SERVFAIL, refuseN with REFUSED, halfN says nothing of AAAA, sixN has no
// IPv4 address, manyN has a hundred addresses (by TCP) of which the tenth is ADDRESS and the others are nobody's, loopN is an alias of itself,
// goodN is ADDRESS. No other name exists. Prints each name that it is asked for.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

export const nameServer = fileURLToPath(import.meta.url)

interface Question { readonly name: string, readonly isIpv4: boolean, readonly end: number }

function questionOf (message: Buffer): Question {
  const labels: string[] = []
  let at = 12
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.subarray(at + 1, at + 1 + length).toString('latin1'))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), isIpv4: message.readUInt16BE(at + 1) === 1, end: at + 5 }
}

const dotted = (address: string): Buffer => Buffer.from(address.split('.').map(Number))
/** A record of the name that was asked for. */
const record = (type: number, data: Buffer): Buffer => Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 5, 0, data.length]), data])

interface Answer { readonly records?: readonly Buffer[], readonly code?: number, readonly isCut?: boolean, readonly late?: boolean }

/** undefined for none. */
function answerTo ({ name, isIpv4 }: Question, overTcp: boolean, address: string): Answer | undefined {
  const own = isIpv4 ? [record(1, dotted(address))] : []
  const many = Array.from({ length: 100 }, (_, n) => record(1, dotted(n === 9 ? address : `172.30.251.${n + 1}`)))
  const kinds: Readonly<Record<string, () => Answer | undefined>> = {
    silent: () => undefined,
    late: () => ({ records: own, late: true }),
    fail: () => ({ code: 2 }),
    refuse: () => ({ code: 5 }),
    half: () => isIpv4 ? { records: own } : undefined,
    six: () => ({ records: isIpv4 ? [] : [record(28, Buffer.from('20010db8000000000000000000000001', 'hex'))] }),
    many: () => !isIpv4 ? {} : overTcp ? { records: many } : { isCut: true },
    loop: () => ({ records: [record(5, Buffer.from([0xc0, 12]))] }),
    good: () => ({ records: own })
  }
  const kind = /^([a-z]+)\d*\.example\.org$/.exec(name)?.[1] ?? ''
  return Object.hasOwn(kinds, kind) ? kinds[kind]!() : { code: 3 }
}

function encoded (message: Buffer, { end }: Question, { records = [], code = 0, isCut = false }: Answer): Buffer {
  const head = Buffer.from(message.subarray(0, end))
  head.writeUInt16BE(0x8180 | (isCut ? 0x200 : 0) | code, 2)
  for (const [at, count] of [[6, records.length], [8, 0], [10, 0]] as const) head.writeUInt16BE(count, at)
  return Buffer.concat([head, ...records])
}

const lateAfter = 4000

if (process.argv[1] === nameServer) {
  const [, , address = ''] = process.argv
  const answer = (message: Buffer, overTcp: boolean, send: (answer: Buffer) => void): void => {
    const question = questionOf(message)
    console.log(`asked for ${question.name}`)
    const said = answerTo(question, overTcp, address)
    if (said !== undefined) setTimeout(() => { send(encoded(message, question, said)) }, said.late === true ? lateAfter : 0)
  }
  const socket = createSocket('udp4', (message, { port, address: from }) => { answer(message, false, said => { socket.send(said, port, from) }) })
  socket.bind(53, () => {
    createServer(connection => {
      connection.on('error', () => {}).on('data', data => {
        answer(data.subarray(2), true, said => {
          const length = Buffer.alloc(2)
          length.writeUInt16BE(said.length)
          connection.write(Buffer.concat([length, said]))
        })
      })
    }).listen(53, () => { console.log('names') })
  })
}
