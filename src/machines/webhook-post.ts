// One webhook request: HTTP or HTTPS, no redirects, a short answer that nobody reads, and an end.
import { request } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.js'
import { errnoOf } from '../base/errors.js'
import type { StepOptions } from '../net/connect-host.js'
import { basicAuthorization, connectTo } from '../net/connect-url.js'
import type { Post } from './webhooks.js'

/** A receiver that says nothing for so many milliseconds counts as none; half of them are for its name, and half for a connection. */
export const postWithin = (patience: number, clock: Clock): Post => async (url, headers, body) => {
  const target = new URL(url)
  const ending = new AbortController()
  const late = clock.after(patience, () => { ending.abort(new Error(`no answer within ${patience / 1000} s`)) })
  try {
    const socket = await connected(target, { clock, timeout: patience / 2, signal: ending.signal })
    const all = { ...headers, 'content-length': String(Buffer.byteLength(body)), 'user-agent': 'core-provisioner' }
    return await answered(target, socket, ending.signal, all, body)
  } finally {
    late.cancel()
  }
}

export const post = (clock: Clock): Post => postWithin(10_000, clock)

async function connected (url: URL, options: StepOptions): Promise<Socket> {
  try {
    return await connectTo(url, options)
  } catch (error) {
    if (errnoOf(error) === 'ETIMEDOUT') throw new Error(`no connection to ${url.host} within ${options.timeout / 1000} s`, { cause: error })
    throw error
  }
}

type Headers = Readonly<Record<string, string>>

const answered = async (
  target: URL, socket: Socket, signal: AbortSignal, headers: Headers, body: string
): Promise<number> => await new Promise((resolve, reject) => {
  const authorization = basicAuthorization(target)
  const path = `${target.pathname}${target.search}`
  const asked = request({
    createConnection: () => socket,
    method: 'POST',
    path,
    headers: { host: target.host, ...authorization !== undefined && { authorization }, ...headers },
    setHost: false,
    signal
  })
  asked.once('response', response => {
    resolve(response.statusCode ?? 0)
    response.on('error', () => {})
    response.destroy()
  })
  asked.on('error', error => { reject(signal.aborted ? signal.reason : error) })
  // An answer that leads to another protocol (101) is closed by Node without an error.
  asked.once('close', () => {
    socket.destroy()
    reject(new Error('closed without an answer'))
  })
  asked.end(body)
})
