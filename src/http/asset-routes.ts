// /assets/: files and folder listings as Go's http.FileServer serves them.
import type { AssetFile, AssetFolder, AssetSource } from '../assets/asset-source.js'
import type { FileSender } from '../assets/file-sender.js'
import { messageOf } from '../base/errors.js'
import { typeByName } from '../go/http/content-type.js'
import { formatHttpDate, parseHttpDate } from '../go/http/date.js'
import { encodePath } from '../go/http/request-target.js'
import { escapeHtml } from '../go/html.js'
import { goBytes, latin1Of } from '../go/string.js'
import { errorAnswer, notFound } from './answer.js'
import { answerFile, fileFailed } from './answer-file.js'
import type { Arrival, Handler } from './arrival.js'
import type { BootingMachines } from './booting-machines.js'

export const assetsPath = '/assets/'

const failures = {
  403: errorAnswer(403, '403 Forbidden'),
  404: notFound,
  500: fileFailed
} as const

const nothing = Buffer.alloc(0)

export const assetRoutes = (source: AssetSource, booting: BootingMachines, sender?: FileSender): Handler => async arrival => {
  const { client, path, notes } = arrival
  const machine = booting.lookUp(client, path)
  Object.assign(notes, { kind: 'asset', name: 'asset', ...machine === undefined ? {} : { ...machine, name: machine.kind } })
  await answerAsset(source, path.slice(assetsPath.length - 1), arrival, sender)
}

async function answerAsset (source: AssetSource, path: string, arrival: Arrival, sender: FileSender | undefined): Promise<void> {
  const { rawQuery } = arrival
  const redirect = (to: string): void => {
    arrival.send({ status: 301, headers: { location: latin1Of(rawQuery === '' ? to : `${to}?${rawQuery}`) }, body: nothing })
  }
  if (path.endsWith('/index.html')) {
    redirect('./')
    return
  }
  const asFolder = path.endsWith('/')
  const name = asFolder && path !== '/' ? path.slice(0, -1) : path
  const base = name.slice(name.lastIndexOf('/') + 1)
  const sendAs = ({ file }: AssetFile, as: string): Promise<void> => answerFile(file, arrival, typeByName(as), sender)
  const isWanted = (): boolean => !arrival.isGone
  const found = await source.open(name, isWanted)
  if (found.kind === 'failure') {
    if (found.problem !== undefined) arrival.failed(found.problem)
    arrival.send(failures[found.status])
  } else if (found.kind === 'file') {
    if (!asFolder) {
      await sendAs(found, base)
      return
    }
    await found.file.close()
    redirect(`../${base}`)
  } else if (!asFolder) {
    redirect(`${base}/`)
  } else {
    const index = await source.open(`${path}index.html`, isWanted)
    if (index.kind === 'file') await sendAs(index, 'index.html')
    else await sendListing(index.kind === 'folder' ? index : found, arrival)
  }
}

async function sendListing (folder: AssetFolder, arrival: Arrival): Promise<void> {
  const { method, headers } = arrival
  const dated: Record<string, string> = folder.modified === undefined ? {} : { 'last-modified': formatHttpDate(folder.modified) }
  const since = parseHttpDate(headers['if-modified-since'] ?? '')
  if ((method === 'GET' || method === 'HEAD') && folder.modified !== undefined && since !== undefined && folder.modified <= since) {
    arrival.send({ status: 304, headers: dated, body: nothing })
    return
  }
  let names: readonly string[]
  try {
    names = await folder.list()
  } catch (error) {
    if (!arrival.isGone) arrival.failed(messageOf(error))
    arrival.send(errorAnswer(500, 'Error reading directory'))
    return
  }
  const lines = names.map(name => {
    // A colon in the first part of a relative URL would make a scheme of what is before it.
    const url = `${name.includes(':') ? './' : ''}${encodePath(name)}`
    return `<a href="${url}">${escapeHtml(name)}</a>\n`
  })
  const body = goBytes(`<pre>\n${lines.join('')}</pre>\n`)
  arrival.send({ status: 200, headers: { ...dated, 'content-type': 'text/html; charset=utf-8' }, body })
}
