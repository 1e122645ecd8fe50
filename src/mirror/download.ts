// One large file onto the disk: streamed into NAME.part, taken up where it was cut (RFC 9110 section 14.2, with If-Range so
// that the parts are of one file), forced to disk, and only then called NAME. NAME.part.json keeps what tells whether the
// publisher's file is still the same.
import { fdatasyncSync, fsyncSync, writeSync } from 'node:fs'
import { type FileHandle, open, rename, rm, stat, writeFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { AppError, errnoOf } from '../base/errors.js'
import { writeError } from '../disk/atomic-file.js'
import { readWhole } from '../disk/whole-file.js'
import { broken, discard, type HttpAnswer, type HttpClient, refused, shown, steady } from './http-client.js'
import { patiently, TransientError } from './patience.js'

export interface DownloadOptions {
  readonly client: HttpClient
  readonly clock: Clock
  /** Milliseconds without a byte. */
  readonly timeout: number
  /** Bytes. */
  readonly maxSize: number
  readonly signal: AbortSignal
  /** Bytes that are there, and those that there will be if that is known. */
  readonly onProgress: (received: number, total: number | undefined) => void
}

interface PartRecord { readonly url: string, readonly validator?: string | undefined, readonly total?: number | undefined }

/** What a try has to get ahead by so that those before it do not count. */
const progressBytes = 2 ** 20
/** What a part that is not the last has to have: each is a request of its own, and a file may have gigabytes. */
const leastPartBytes = 4096

/** Resolves when `path` is whole on disk, with whether it was put together from several tries. AppError says what went wrong. */
export async function download (url: string, path: string, options: DownloadOptions): Promise<{ readonly resumed: boolean }> {
  const part = `${path}.part`
  let resumed = await sizeOf(part) > 0
  let before = 0
  try {
    await patiently(async () => {
      before = await sizeOf(part)
      // Publishers may send less than they were asked for, and be asked for the rest.
      while (!await attempt(url, part, options)) resumed = true
    }, options, async () => {
      resumed = true
      return await sizeOf(part) - before >= progressBytes
    })
  } catch (error) {
    // It is not going to be wanted again.
    if (error instanceof AppError && error.code === 'image_too_large') for (const left of [part, `${part}.json`]) await rm(left, { force: true })
    throw error
  }
  await rename(part, path)
  await rm(`${part}.json`, { force: true })
  return { resumed }
}

/** The same from the start and in one try, with whatever TransientError ends it. */
export async function downloadOnce (url: string, path: string, options: DownloadOptions): Promise<void> {
  const part = `${path}.part`
  for (const left of [part, `${part}.json`]) await rm(left, { force: true })
  if (!await attempt(url, part, options)) throw new TransientError('image_download_failed', `${shown(url)}: only a part of it came`)
  await rename(part, path)
  await rm(`${part}.json`, { force: true })
}

/** As much waits for the disk at most: a lease is not to be written behind a gigabyte that the kernel kept back. */
const syncedBytes = 16 * 2 ** 20

const sizeOf = async (path: string): Promise<number> => await stat(path).then(({ size }) => size, () => 0)

/** Whether the part is whole now; TransientError unless it has come closer to that. */
async function attempt (url: string, part: string, options: DownloadOptions): Promise<boolean> {
  const record = await readRecord(`${part}.json`)
  const here = record?.url === url && record.validator !== undefined ? await sizeOf(part) : 0
  if (here > 0 && here === record?.total) return true
  const answer = await options.client.get(url, here > 0 ? { range: `bytes=${here}-`, 'if-range': record?.validator ?? '' } : {})
  const range = answer.statusCode === 206 ? rangeOf(answer) : undefined
  const from = range === undefined ? 0 : here
  if (answer.statusCode === 206 ? range?.first !== here : answer.statusCode !== 200) {
    // What is here does not fit what is there (416, or another part than was asked for): from the start next time.
    if (here > 0 && [206, 416].includes(answer.statusCode)) await rm(part, { force: true })
    const error = refused(url, answer, options.clock.now())
    throw here > 0 ? new TransientError(error.code, error.message, error instanceof TransientError ? error : {}) : error
  }
  const length = Number(answer.headers['content-length'] ?? NaN)
  const end = Number.isFinite(length) ? from + length : undefined
  const total = range === undefined ? end : range.total ?? record?.total
  const tooLarge = (): AppError => new AppError('image_too_large', `${shown(url)} is larger than ${options.maxSize / 2 ** 20} MiB (images.max_size)`)
  let handle: FileHandle | undefined
  try {
    if (total !== undefined && total > options.maxSize) throw tooLarge()
    if (from === 0) await writeFile(`${part}.json`, JSON.stringify({ url, validator: validatorOf(answer), total } satisfies PartRecord))
    handle = await open(part, from === 0 ? 'w' : 'r+')
    let at = from
    let synced = from
    options.onProgress(at, total)
    for await (const piece of steady(url, answer.body, options)) {
      if (at + piece.length > options.maxSize) throw tooLarge()
      writeWhole(handle.fd, piece, at)
      at += piece.length
      if (at - synced >= syncedBytes) {
        fdatasyncSync(handle.fd)
        synced = at
      }
      options.onProgress(at, total)
    }
    if ((end !== undefined && at !== end) || (at !== total && total !== undefined && at === from)) throw new TransientError('image_download_failed', `${shown(url)}: ended after ${at} of ${total ?? end} bytes`)
    fsyncSync(handle.fd)
    const isWhole = total === undefined || at >= total
    if (!isWhole && at - from < leastPartBytes) throw new TransientError('image_download_failed', `${shown(url)}: it sends ${at - from} bytes where ${total - from} are asked for`)
    return isWhole
  } catch (error) {
    discard(answer)
    // The system's own refusals are the disk's; the network's have names of their own.
    throw /^E(?:NOSPC|DQUOT|IO|ROFS|ACCES|PERM|FBIG|ISDIR)$/.test(errnoOf(error)) ? writeError(part, error) : broken(url, error)
  } finally {
    await handle?.close()
  }
}

/** By this thread, as in openpgp/verify: a busy disk holds up the mirror, and not those who boot. */
function writeWhole (fd: number, piece: Buffer, position: number): void {
  for (let done = 0; done < piece.length;) done += writeSync(fd, piece, done, piece.length - done, position + done)
}

/** RFC 9110 section 14.4: what part of how much; the whole may not be known. */
function rangeOf ({ headers }: HttpAnswer): { readonly first: number, readonly total: number | undefined } | undefined {
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? []
  return first === undefined ? undefined : { first: Number(first), total: total === '*' ? undefined : Number(total) }
}

/** RFC 9110 section 13.1.5: a strong entity tag, or the date. */
function validatorOf ({ headers: { etag, 'last-modified': modified } }: HttpAnswer): string | undefined {
  if (typeof etag === 'string' && etag.startsWith('"')) return etag
  return typeof modified === 'string' ? modified : undefined
}

async function readRecord (path: string): Promise<PartRecord | undefined> {
  try {
    const record = JSON.parse((await readWhole(path, 'credentials')).toString()) as unknown
    return typeof Object(record).url === 'string' ? record as PartRecord : undefined
  } catch {
    return undefined
  }
}
