// The thread from which images leave: a piece to each connection that has room, in turn. It waits for connections, or for a call of
// file-sender.ts, which starts it and wakes it by a descriptor.
import { type BigIntStats, closeSync, fstatSync, readSync, statSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { errnoOf, messageOf } from '../base/errors.js'
import { compareOpened, isElsewhere, isReadOnly, type OpenedFile, unreadable, writtenMeanwhile } from '../disk/file-identity.js'
import { mostWaiting, sendFromFile, sendOctets } from '../net/connection.js'
import { Epoll } from '../net/epoll.js'
import type { SendCall, SendJob, News } from './file-sender.js'

/** Octets for one connection before it is the next one's turn, copied: as many as a processor's own cache still holds when they leave. */
const piece = 512 * 1024
/** And handed over. */
const handedPiece = 4 * piece
/** Of a file that is handed over the last octets are copied: when the last of these are looked at, none of the others waits. */
const copiedAtEnd = mostWaiting() + 2 * piece
/** Milliseconds between two reports of how far each has got, while any is under way. */
const reportEvery = 1000

interface Sending extends SendJob {
  /** As the file was when it was looked at last. */
  identity: OpenedFile
  at: number
  reported: number
  /** Octets that it will have room for, as far as it showed: what is read and not taken is read again. */
  room: number
  /** Up to where its octets are handed over. */
  handedUntil: number
}

const port = parentPort!
const wake = workerData as number
const epoll = new Epoll()
const memory = Buffer.allocUnsafeSlow(piece)
/** By the descriptor of the connection. */
const sendings = new Map<number, Sending>()
let isEnding = false
let reported = performance.now()

const tell = (news: News): void => { port.postMessage(news) }

function end (sending: Sending, problem?: string): void {
  const { id, socket, at, start, length } = sending
  sendings.delete(socket)
  epoll.forget(socket)
  closeSync(socket)
  tell({ type: 'ended', id, sent: { octets: at - start, isWhole: at === start + length, problem } })
}

function take (call: SendCall): void {
  if (call.type === 'end') isEnding = true
  else if (call.type === 'cut') {
    for (const sending of sendings.values()) if (sending.id === call.id) end(sending)
  } else {
    const { type, ...job } = call
    const sending = { ...job, at: job.start, reported: job.start, room: piece, handedUntil: 0 }
    sendings.set(job.socket, sending)
    try {
      if (isReadOnly(fstatSync(job.file))) sending.handedUntil = job.start + job.length - copiedAtEnd
      epoll.watch(job.socket, 'writable')
    } catch (error) {
      end(sending, messageOf(error))
    }
  }
}

function advance (sending: Sending): void {
  try {
    if (sending.at < sending.handedUntil) handOver(sending)
    else copy(sending)
  } catch (error) {
    const errno = errnoOf(error)
    end(sending, errno === '' ? messageOf(error) : unreadable(sending.path, errno))
  }
}

/**
 * By sendfile(2), in half the time. Pages that wait to leave change with their file, so only of one that nobody may write to: who does
 * so nevertheless breaks off what is on its way, when some of the new octets have left, and nobody gets a whole file of both.
 */
function handOver (sending: Sending): void {
  const { socket, file, at, handedUntil } = sending
  if (endedByChange(sending)) return
  const sent = sendFromFile(socket, file, at, Math.min(handedPiece, handedUntil - at))
  // What is wrong, with the connection or the file, is found when it is copied.
  if (sent === undefined) sending.handedUntil = 0
  else sending.at += sent
}

function copy (sending: Sending): void {
  const { socket, file, start, length } = sending
  const count = readSync(file, memory, 0, Math.min(sending.room, start + length - sending.at), sending.at)
  if (endedByChange(sending, count)) return
  const sent = sendOctets(socket, memory.subarray(0, count))
  if (sent === undefined) {
    end(sending)
    return
  }
  sending.at += sent
  sending.room = sent < count ? Math.max(piece / 16, sent) : Math.min(piece, 2 * sending.room)
  if (sending.at === start + length) end(sending)
}

function endedByChange (sending: Sending, count?: number): boolean {
  const now = fstatSync(sending.file, { bigint: true })
  const compared = compareOpened(sending.identity, now)
  const isOther = count === 0 || compared === 'written' || (compared === 'writtenOrMoved' && !isElsewhere(now, lookAt(sending.place)))
  sending.identity = now
  if (isOther) end(sending, writtenMeanwhile(sending.path))
  return isOther
}

/** undefined where nothing is there. */
const lookAt = (place: string | Uint8Array): BigIntStats | undefined =>
  statSync(typeof place === 'string' ? place : Buffer.from(place), { bigint: true, throwIfNoEntry: false })

function report (): void {
  const now = performance.now()
  if (now - reported < reportEvery) return
  reported = now
  const far: Array<readonly [number, number]> = []
  for (const sending of sendings.values()) {
    if (sending.at === sending.reported) continue
    sending.reported = sending.at
    far.push([sending.id, sending.at - sending.start])
  }
  if (far.length > 0) tell({ type: 'progress', far })
}

epoll.watch(wake, 'readable')
while (!isEnding) {
  for (const fd of epoll.wait(reportEvery / 2)) {
    const sending = sendings.get(fd)
    if (sending !== undefined) advance(sending)
    else if (fd === wake) readSync(wake, Buffer.alloc(8))
  }
  for (let call = receiveMessageOnPort(port); call !== undefined; call = receiveMessageOnPort(port)) take(call.message as SendCall)
  report()
}
for (const sending of sendings.values()) end(sending, 'the service ends')
epoll.close()
