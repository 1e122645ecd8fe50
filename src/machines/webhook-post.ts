// One webhook request: HTTP or HTTPS, no redirects, a short answer that nobody reads, and an end.
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Post } from './webhooks.js'

/** A receiver that says nothing for so many milliseconds, its name's resolver included, counts as none. */
export const postWithin = (patience: number): Post => async (url, headers, body) => await new Promise((resolve, reject) => {
  const target = new URL(url)
  const late = AbortSignal.timeout(patience)
  const request = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
    method: 'POST',
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)), 'user-agent': 'core-provisioner' },
    agent: false,
    signal: late
  })
  request.once('response', response => {
    resolve(response.statusCode ?? 0)
    response.on('error', () => {})
    response.destroy()
  })
  request.on('error', error => { reject(late.aborted ? new Error(`no answer within ${patience / 1000} s`) : error) })
  // An answer that leads to another protocol (101) is closed by Node without an error.
  request.once('close', () => { reject(new Error('closed without an answer')) })
  request.end(body)
})

export const post = postWithin(10_000)
