// One webhook request: HTTP or HTTPS, no redirects, a short answer that nobody reads, and an end.
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Post } from './webhooks.js'

/** Milliseconds until a receiver that says nothing counts as none. */
const patience = 10_000

export const post: Post = async (url, headers, body) => await new Promise((resolve, reject) => {
  const target = new URL(url)
  const request = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
    method: 'POST',
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)), 'user-agent': 'core-provisioner' },
    agent: false,
    signal: AbortSignal.timeout(patience)
  })
  request.once('response', response => {
    resolve(response.statusCode ?? 0)
    response.on('error', () => {})
    response.destroy()
  })
  request.on('error', reject)
  // An answer that leads to another protocol (101) is closed by Node without an error.
  request.once('close', () => { reject(new Error('closed without an answer')) })
  request.end(body)
})
