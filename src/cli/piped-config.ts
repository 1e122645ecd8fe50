// A configuration through a pipe, as people try one: check --config <(...), or /dev/stdin. It comes once, so it is for commands that read
// it once; the service reads again, and takes a file.
import { constants, createReadStream, openSync, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { AppError, messageOf } from '../base/errors.js'
import { wholeFileLimits } from '../disk/whole-file.js'

const standardInput: readonly string[] = ['/dev/stdin', '/dev/fd/0', '/proc/self/fd/0']

/** What comes until the end of input; undefined where `path` is a file, a folder or nothing. AppError config_invalid. */
export async function pipedConfig (path: string, stdin: Readable): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined || stats.isFile() || stats.isDirectory()) return undefined
  try {
    return await textOf(standardInput.includes(path) ? stdin : opened(path, stats))
  } catch (error) {
    throw new AppError('config_invalid', `cannot read the configuration file ${path}: ${messageOf(error)}`, { cause: error })
  }
}

/** A pipe is read as events come: a read that waits for a writer could not be interrupted. */
function opened (path: string, stats: Stats): Readable {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return stats.isFIFO() ? new Socket({ fd, readable: true, writable: false }) : createReadStream('', { fd })
}

async function textOf (input: Readable): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of input as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > wholeFileLimits.lists) throw new Error(`it is larger than ${wholeFileLimits.lists / 2 ** 20} MiB`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}
