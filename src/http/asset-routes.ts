// /assets/: files and folder listings as Go's http.FileServer serves them.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errorAnswer, notFound, send } from './answer.js'
import { type AssetFile, type AssetFolder, type AssetSource, DiskAssets } from '../assets/asset-source.js'
import { typeByName } from '../go/http/content-type.js'
import type { FileCache } from '../disk/file-cache.js'
import { formatHttpDate, parseHttpDate } from '../go/http/date.js'
import type { Routing } from './routing.js'
import { encodePath, escapeHtml } from '../go/http/request-target.js'
import { goBytes, latin1Of } from '../go/string.js'
import { type SendFileOptions, sendFile } from './send-file.js'

const failures = {
  403: errorAnswer(403, '403 Forbidden'),
  404: notFound,
  500: errorAnswer(500, '500 Internal Server Error')
} as const

const nothing = Buffer.alloc(0)

export function assetRoutes (app: FastifyInstance, routing: Routing, assetsPath: string, cache?: FileCache): void {
  const source: AssetSource = new DiskAssets(assetsPath, cache)
  app.get('/assets/', async (request, reply) => {
    const { path, rawQuery } = routing.target(request)
    const booting = routing.booting.lookUp(routing.ip(request), path)
    Object.assign(routing.seen(request), { kind: 'asset', name: 'asset', ...booting === undefined ? {} : { ...booting, name: booting.kind } })
    const options: SendFileOptions = { method: routing.method(request), seen: routing.seen(request) }
    return answerAsset(source, path.slice('/assets'.length), rawQuery, request, reply, options)
  })
}

async function answerAsset (
  source: AssetSource, path: string, rawQuery: string, request: FastifyRequest, reply: FastifyReply, options: SendFileOptions
): Promise<FastifyReply> {
  const redirect = (to: string): FastifyReply =>
    send(reply, { status: 301, headers: { location: latin1Of(rawQuery === '' ? to : `${to}?${rawQuery}`) }, body: nothing })
  if (path.endsWith('/index.html')) return redirect('./')
  const asFolder = path.endsWith('/')
  const name = asFolder && path !== '/' ? path.slice(0, -1) : path
  const base = name.slice(name.lastIndexOf('/') + 1)
  let found = await source.open(name)
  if (found.kind === 'failure') return send(reply, failures[found.status])
  const sendAs = async ({ file }: AssetFile, as: string): Promise<FastifyReply> =>
    await sendFile(file, request, reply, { ...options, type: typeByName(as) })
  if (found.kind === 'file') {
    if (!asFolder) return sendAs(found, base)
    await found.file.close()
    return redirect(`../${base}`)
  }
  if (!asFolder) return redirect(`${base}/`)
  const index = await source.open(`${path}index.html`)
  if (index.kind === 'file') return sendAs(index, 'index.html')
  if (index.kind === 'folder') found = index
  return sendListing(found, options.method, request, reply)
}

async function sendListing (folder: AssetFolder, method: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const dated: Record<string, string> = folder.modified === undefined ? {} : { 'last-modified': formatHttpDate(folder.modified) }
  const since = parseHttpDate(request.headers['if-modified-since'] ?? '')
  if ((method === 'GET' || method === 'HEAD') && folder.modified !== undefined && since !== undefined && folder.modified <= since) {
    return send(reply, { status: 304, headers: dated, body: nothing })
  }
  let names: readonly string[]
  try {
    names = await folder.list()
  } catch {
    return send(reply, errorAnswer(500, 'Error reading directory'))
  }
  const lines = names.map(name => {
    // A colon in the first part of a relative URL would make a scheme of what is before it.
    const url = `${name.includes(':') ? './' : ''}${encodePath(name)}`
    return `<a href="${url}">${escapeHtml(name)}</a>\n`
  })
  const body = goBytes(`<pre>\n${lines.join('')}</pre>\n`)
  return send(reply, { status: 200, headers: { ...dated, 'content-type': 'text/html; charset=utf-8' }, body })
}
