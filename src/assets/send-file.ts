// A file as Go's http.ServeContent sends it: whole, a part, parts, or not at all when the client's copy will do.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../base/errors.js'
import { type OpenFile, readPart } from '../disk/open-file.js'
import { sniffType, sniffedBytes } from '../go/http/content-type.js'
import { type ContentRequest, layOut, needsContent, type ContentPart, planContent } from '../go/http/serve-content.js'
import type { FileSender } from './file-sender.js'
import { Outlet } from './outlet.js'

type Headers = Readonly<Record<string, string>>

/** Who asked for a file, and the way to them. */
export interface Receiver extends ContentRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Sends an answer without anything of the file. */
  send: (answer: { readonly status: number, readonly headers: Headers, readonly body: Buffer }) => void
  /** Sends the head of an answer whose body, of `length` octets, follows through `response`. */
  begin: (status: number, headers: Headers, length: number) => void
  /** Told how many octets of the body have left that were not written to `response`. */
  left: (octets: number) => void
  /** Told of what goes wrong on the way. */
  failed: (problem: string) => void
}

/** What separates the parts of a multipart body. */
export const newBoundary = (): string => randomBytes(30).toString('hex')

/** Resolves when the file has left, or the client is gone. Closes the file. Without a type its first bytes tell it. */
export async function sendFile (file: OpenFile, receiver: Receiver, type: string | undefined, sender?: FileSender): Promise<void> {
  try {
    if (receiver.request.socket.destroyed) return
    const contentType = !needsContent(receiver, file.modified) ? '' : type ?? sniffType(await readPart(file, 0, sniffedBytes))
    const plan = planContent(receiver, { size: file.size, type: contentType, modified: file.modified })
    if (plan.ranges.length === 0) {
      receiver.send({ status: plan.status, headers: plan.headers, body: Buffer.from(plan.text ?? '') })
      return
    }
    const { request, response } = receiver
    const { parts, length, contentType: sentType } = layOut(plan.ranges, file.size, contentType, newBoundary)
    receiver.begin(plan.status, { ...plan.headers, 'content-type': sentType }, length)
    if (length === 0 || request.method === 'HEAD') {
      response.end()
      return
    }
    if (sender !== undefined && await sentAside(parts, file, receiver, sender)) return
    const outlet = new Outlet(response, request.socket)
    try {
      await sendParts(parts, file, outlet)
      await outlet.end()
    } catch (error) {
      receiver.failed(messageOf(error))
      outlet.cut()
    }
  } finally {
    await file.close().catch(() => { /* what was to be sent has been */ })
  }
}

/** Has the sender send it, where it can: behind the head, which has to be with the kernel. */
async function sentAside (parts: readonly ContentPart[], file: OpenFile, receiver: Receiver, sender: FileSender): Promise<boolean> {
  const { request: { socket }, response, left, failed } = receiver
  const [part] = parts
  // Several begin with a line that separates them.
  if (part === undefined || Buffer.isBuffer(part) || part.length < sender.smallest) return false
  if (file.descriptor === undefined) return false
  response.flushHeaders()
  if (socket.writableLength > 0) return false
  const sending = sender.send(socket, { ...part, path: file.path, from: file.descriptor }, octets => {
    left(octets)
    // Node sees nothing of what leaves, and would take the client for one that takes nothing.
    socket.setTimeout(socket.timeout ?? 0)
  })
  if (sending === undefined) return false
  const { octets, isWhole, problem } = await sending
  left(octets)
  if (isWhole) {
    response.end()
  } else {
    if (problem !== undefined) failed(problem)
    socket.destroy()
  }
  return true
}

async function sendParts (parts: readonly ContentPart[], file: OpenFile, outlet: Outlet): Promise<void> {
  for (const part of parts) {
    if (Buffer.isBuffer(part)) {
      if (!await outlet.hasRoom()) return
      outlet.write({ bytes: part, release: () => {} })
      continue
    }
    const end = part.start + part.length
    for (let at = part.start; at < end;) {
      if (!await outlet.hasRoom()) return
      const next = file.piece(at, end - at)
      const piece = next instanceof Promise ? await next : next
      at += piece.bytes.length
      outlet.write(piece)
    }
  }
}
