// Answers as Go's net/http writes them.
import { sniffType } from '../go/http/content-type.js'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } as const

/** As http.Error. */
export const errorAnswer = (status: number, text: string): Answer => ({ status, headers: plain, body: Buffer.from(`${text}\n`) })

export const notFound: Answer = errorAnswer(404, '404 page not found')

/** A body whose type is found by its first bytes, as when a Go handler sets none. */
export const sniffed = (body: Buffer): Answer => ({ status: 200, headers: { 'content-type': sniffType(body) }, body })

export const typed = (type: string, body: Buffer): Answer => ({ status: 200, headers: { 'content-type': type }, body })
