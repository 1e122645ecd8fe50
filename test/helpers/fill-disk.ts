// Run by a test in a folder on a tiny file system: replaces a file by one that does not fit, and prints what came of it.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/disk/atomic-file.js'

const folder = process.argv[2]!
const path = join(folder, 'file')
writeFileSync(path, 'old')
try {
  await writeFileAtomic(path, Buffer.alloc(100_000))
} catch (error) {
  if (!(error instanceof AppError)) throw error
  console.log(JSON.stringify({ code: error.code, kind: error.kind, old: readFileSync(path, 'utf8'), files: readdirSync(folder) }))
}
