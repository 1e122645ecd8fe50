// Other people's TFTP clients with every option they have, run as a person would run them: Debian's tftp-hpa and atftp,
// curl, and the npm package tftp.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { runTool } from './tools.js'

const host = '127.0.0.1'

/** Reads one file from a port of 127.0.0.1 into a file of its own, and returns its bytes. */
export type Get = (port: number, file: string, into: string) => Promise<Buffer>

async function tool (name: string, args: readonly string[], got: string): Promise<Buffer> {
  const { code, stderr, stdout } = await runTool(name, args, { timeout: 600_000 })
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}${stdout.toString()}`)
  return readFileSync(got)
}

export const curl = (...options: string[]): Get => async (port, file, got) => {
  return await tool('curl', ['--silent', '--show-error', '--fail', ...options, '--output', got, `tftp://${host}:${port}/${file}`], got)
}

export const tftpHpa = (...options: string[]): Get => async (port, file, got) => {
  return await tool('tftp', ['-4', ...options, host, String(port), '-c', 'get', file, got], got)
}

export const atftp = (...options: string[]): Get => async (port, file, got) => {
  const chosen = options.flatMap(option => ['--option', option])
  return await tool('atftp', [...chosen, '--get', '--remote-file', file, '--local-file', got, host, String(port)], got)
}

interface NpmClient { get: (remote: string, local: string, done: (error?: Error | null) => void) => void }
interface NpmTftp { createClient: (options: Readonly<Record<string, unknown>>) => NpmClient }
const npmTftp = createRequire(import.meta.url)('tftp') as NpmTftp

export const npmClient = (options: Readonly<Record<string, unknown>> = {}): Get => async (port, file, got) => {
  await new Promise<void>((resolve, reject) => {
    npmTftp.createClient({ host, port, retries: 10, timeout: 1500, ...options }).get(file, got, error => {
      if (error === undefined || error === null) resolve()
      else reject(error)
    })
  })
  return readFileSync(got)
}

export const clients: ReadonlyArray<{ readonly tools: readonly string[], readonly name: string, readonly get: Get }> = [
  { tools: ['curl'], name: 'curl', get: curl() },
  { tools: ['curl'], name: 'curl, least blksize', get: curl('--tftp-blksize', '8') },
  { tools: ['curl'], name: 'curl, blksize 1468', get: curl('--tftp-blksize', '1468') },
  { tools: ['curl'], name: 'curl, largest blksize', get: curl('--tftp-blksize', '65464') },
  { tools: ['curl'], name: 'curl, no options', get: curl('--tftp-no-options') },
  { tools: ['tftp'], name: 'tftp-hpa', get: tftpHpa('-m', 'octet') },
  { tools: ['tftp'], name: 'tftp-hpa, literal names', get: tftpHpa('-l', '-m', 'octet') },
  { tools: ['atftp'], name: 'atftp', get: atftp() },
  { tools: ['atftp'], name: 'atftp, blksize', get: atftp('blksize 1428') },
  { tools: ['atftp'], name: 'atftp, tsize', get: atftp('tsize') },
  { tools: ['atftp'], name: 'atftp, timeout', get: atftp('timeout 2') },
  { tools: ['atftp'], name: 'atftp, windowsize', get: atftp('windowsize 8') },
  { tools: ['atftp'], name: 'atftp, all of them', get: atftp('tsize', 'blksize 1468', 'timeout 1', 'windowsize 16') },
  { tools: [], name: 'npm tftp', get: npmClient() },
  { tools: [], name: 'npm tftp, no window', get: npmClient({ windowSize: 1, blockSize: 512 }) },
  { tools: [], name: 'npm tftp, large window and blocks', get: npmClient({ windowSize: 64, blockSize: 65464 }) }
]

/** A second OACK, which the network may make of one, ends a read of atftp and of the npm package: they say so, and read again. */
export const again = (get: Get): Get => async (port, file, into) => {
  for (let tries = 0; ; tries++) {
    try {
      return await get(port, file, into)
    } catch (error) {
      if (tries === 10 || !(error instanceof Error && /Illegal TFTP operation|unexpected OACK/.test(error.message))) throw error
    }
  }
}
