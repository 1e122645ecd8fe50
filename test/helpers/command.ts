// A command of the program in the test's own process, by the function that main.ts calls: for tables of calls, where the start of a Node.js
// for each would be most of the work. That a process does the same, each command's test sees at least once by helpers/program.
import { Readable, Writable } from 'node:stream'
import { run } from '../../src/cli/run.js'
import { type Ended, type ProgramOptions, surroundings } from './program.js'

/** Octets that standard input gives at a time. */
const piece = 3

/** Runs it to its end. What nobody caught rejects, where the process would have ended with a stack. */
export async function runCommand (args: readonly string[], { env, input }: Pick<ProgramOptions, 'env' | 'input'> = {}): Promise<Ended> {
  const [stdout, stderr] = [new Collected(), new Collected()]
  const never = (): never => { throw new Error('a test runs as it is') }
  const status = await run(args, {
    stdin: Readable.from(pieces(input ?? '')),
    stdout,
    stderr,
    terminal: false,
    journal: false,
    env: { ...surroundings(), ...env },
    pid: process.pid,
    uid: process.geteuid?.() ?? -1,
    parent: () => process.ppid,
    actAs: never,
    become: never,
    stop: new Promise(() => {}),
    onHangup: () => {},
    onStuck: () => {},
    onUncaught: () => {}
  })
  return { status, signal: null, stdout: stdout.text, stderr: stderr.text }
}

/** As a pipe may hand it on: a letter of two octets in two pieces. */
function * pieces (input: string): Iterable<Buffer> {
  const octets = Buffer.from(input)
  for (let at = 0; at < octets.length; at += piece) yield octets.subarray(at, at + piece)
}

class Collected extends Writable {
  readonly #pieces: Buffer[] = []

  get text (): string { return Buffer.concat(this.#pieces).toString() }

  override _write (piece: Buffer, _encoding: string, done: () => void): void {
    this.#pieces.push(piece)
    done()
  }
}
