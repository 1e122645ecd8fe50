// Requests that get no document: refused with what was wrong with them, or redirected.
import { encodePath, escapeNonAscii } from '../go/http/request-target.js'
import { escapeHtml } from '../go/html.js'
import { goBytes } from '../go/string.js'
import type { Answer } from './answer.js'
import { type Arrival, type Flaw, type Handler, hostProblemOf } from './arrival.js'

const closing = (status: number, text: string): Answer => ({
  status,
  headers: { connection: 'close', ...text === '' ? {} : { 'content-type': 'text/plain; charset=utf-8' } },
  body: Buffer.from(text)
})

const flaws: Readonly<Record<Flaw, (arrival: Arrival) => Answer>> = {
  host: ({ request }) => closing(400, `400 Bad Request: ${hostProblemOf(request) ?? ''}`),
  asterisk: ({ method }) => closing(method === 'OPTIONS' ? 200 : 400, ''),
  body: () => closing(501, 'Unsupported transfer encoding'),
  target: () => closing(400, '400 Bad Request')
}

/** Answers a request with a flaw. */
export const refuse = (arrival: Arrival): void => { arrival.send(flaws[arrival.flaw ?? 'target'](arrival)) }

/** As http.Redirect, with the query that came. */
export const redirectTo = (path: string): Handler => arrival => {
  const { method, rawQuery } = arrival
  const to = `${encodePath(path)}${rawQuery === '' ? '' : `?${rawQuery}`}`
  const readable = method === 'GET' || method === 'HEAD'
  arrival.send({
    status: 301,
    headers: { location: escapeNonAscii(to), ...readable ? { 'content-type': 'text/html; charset=utf-8' } : {} },
    body: readable ? goBytes(`<a href="${escapeHtml(to)}">Moved Permanently</a>.\n\n`) : Buffer.alloc(0)
  })
}
