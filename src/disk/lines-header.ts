// The first line of a file that grows a line at a time (json-lines): which kind of lines follow, and of which version.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { AppError } from '../base/errors.js'
import { refuseNewer } from './state-formats.js'

/**
 * Throws what load would throw of who wrote the file, and touches nothing: AppError state_newer, read_failed for lines of another
 * kind. Nothing for a file that is not there; one that cannot be read is told of elsewhere.
 */
export async function checkHeader (path: string, known: LinesHeader): Promise<void> {
  const header = await headerOf(path).catch(() => undefined)
  if (header !== undefined) refuseOthers(path, header, known)
}

const longestHeader = 1024

async function headerOf (path: string): Promise<LinesHeader | undefined> {
  // Somebody's pipe of that name is not waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(longestHeader), 0, longestHeader, 0)
    return parseHeader(buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0] ?? '')
  } finally {
    await file.close()
  }
}

export interface LinesHeader { readonly format: string, readonly version: number }

export function parseHeader (line: string): LinesHeader | undefined {
  try {
    const { format, version } = Object(JSON.parse(line)) as Partial<LinesHeader>
    return typeof format === 'string' && typeof version === 'number' ? { format, version } : undefined
  } catch {
    return undefined
  }
}

export function refuseOthers (path: string, found: LinesHeader, known: LinesHeader): void {
  if (found.format !== known.format) throw new AppError('read_failed', `${path} is a file of ${found.format} lines, not of ${known.format} lines: move it away`)
  refuseNewer(path, found.version, known.version, 'and lose what it holds')
}
