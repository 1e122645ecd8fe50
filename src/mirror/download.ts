// One large file onto the disk: streamed into NAME.part, taken up where it was cut (RFC 9110 section 14.2, with If-Range so
// that the parts are of one file), forced to disk, and only then called NAME. NAME.part.json keeps what tells whether the
// publisher's file is still the same.
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { AppError, errnoOf } from '../base/errors.js'
import { writeError } from '../disk/atomic-file.js'
import { broken, discard, type HttpAnswer, type HttpClient, refused, steady, TransientError } from './http-client.js'

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

/** Tries without any progress, and the milliseconds before each further one. */
const pauses = [500, 2000, 5000] as const
const progressBytes = 2 ** 20

/** Resolves when `path` is whole on disk, with whether it was put together from several tries. AppError says what went wrong. */
export async function download (url: string, path: string, options: DownloadOptions): Promise<{ readonly resumed: boolean }> {
  const part = `${path}.part`
  const resumed = await sizeOf(part) > 0
  for (let tries = 0; ; tries++) {
    const before = await sizeOf(part)
    try {
      await attempt(url, part, options)
      await rename(part, path)
      await rm(`${part}.json`, { force: true })
      return { resumed: resumed || tries > 0 }
    } catch (error) {
      if (!(error instanceof TransientError) || options.signal.aborted) throw error
      if (await sizeOf(part) - before >= progressBytes) tries = 0
      const pause = pauses[tries]
      if (pause === undefined) throw error
      await waited(pause, options)
    }
  }
}

const sizeOf = async (path: string): Promise<number> => await stat(path).then(({ size }) => size, () => 0)

/** A pause that ends at once when the download is given up. */
const waited = async (milliseconds: number, { clock, signal }: DownloadOptions): Promise<void> => await new Promise(resolve => {
  const done = (): void => {
    timer.cancel()
    signal.removeEventListener('abort', done)
    resolve()
  }
  const timer = clock.after(milliseconds, done)
  signal.addEventListener('abort', done, { once: true })
})

async function attempt (url: string, part: string, options: DownloadOptions): Promise<void> {
  const record = await readRecord(`${part}.json`)
  const here = record?.url === url && record.validator !== undefined ? await sizeOf(part) : 0
  if (here > 0 && here === record?.total) return
  const answer = await options.client.get(url, here > 0 ? { range: `bytes=${here}-`, 'if-range': record?.validator ?? '' } : {})
  const from = answer.statusCode === 206 ? here : 0
  if (answer.statusCode === 206 ? !continues(answer, here) : answer.statusCode !== 200) {
    // What is here does not fit what is there (416, or another part than was asked for): from the start next time.
    if (here > 0 && [206, 416].includes(answer.statusCode)) await rm(part, { force: true })
    const error = refused(url, answer)
    throw here > 0 ? new TransientError(error.code, error.message) : error
  }
  const length = Number(answer.headers['content-length'] ?? NaN)
  const total = Number.isFinite(length) ? from + length : undefined
  const tooLarge = (): AppError => new AppError('image_too_large', `${url} is larger than ${options.maxSize / 2 ** 20} MiB (images.max_size)`)
  let handle: FileHandle | undefined
  try {
    if (total !== undefined && total > options.maxSize) throw tooLarge()
    if (from === 0) await writeFile(`${part}.json`, JSON.stringify({ url, validator: validatorOf(answer), total } satisfies PartRecord))
    handle = await open(part, from === 0 ? 'w' : 'r+')
    let at = from
    options.onProgress(at, total)
    for await (const piece of steady(url, answer.body, options)) {
      if (at + piece.length > options.maxSize) throw tooLarge()
      await writeWhole(handle, piece, at)
      at += piece.length
      options.onProgress(at, total)
    }
    if (total !== undefined && at !== total) throw new TransientError('image_download_failed', `${url}: ended after ${at} of ${total} bytes`)
    await handle.sync()
  } catch (error) {
    discard(answer)
    // The system's own refusals are the disk's; the network's have names of their own.
    throw /^E(?:NOSPC|DQUOT|IO|ROFS|ACCES|PERM|FBIG|ISDIR)$/.test(errnoOf(error)) ? writeError(part, error) : broken(url, error)
  } finally {
    await handle?.close()
  }
}

async function writeWhole (handle: FileHandle, piece: Buffer, position: number): Promise<void> {
  for (let done = 0; done < piece.length;) done += (await handle.write(piece, done, piece.length - done, position + done)).bytesWritten
}

const continues = ({ headers }: HttpAnswer, here: number): boolean => String(headers['content-range'] ?? '').startsWith(`bytes ${here}-`)

/** RFC 9110 section 13.1.5: a strong entity tag, or the date. */
function validatorOf ({ headers: { etag, 'last-modified': modified } }: HttpAnswer): string | undefined {
  if (typeof etag === 'string' && etag.startsWith('"')) return etag
  return typeof modified === 'string' ? modified : undefined
}

async function readRecord (path: string): Promise<PartRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as unknown
    return typeof Object(record).url === 'string' ? record as PartRecord : undefined
  } catch {
    return undefined
  }
}
