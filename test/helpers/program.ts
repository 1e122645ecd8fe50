// The program as a child process, as users start it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { builtProgram, bundledProgram } from './built.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a child is given of the runner's surroundings: where programs are, and the clock, zone and language that the tests run under. */
export function surroundings (): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(?:PATH|HOME|TZ|LANG|LC_\w+|LD_PRELOAD|FAKETIME\w*)$/.test(name)))
}

export interface Ended { readonly status: number | null, readonly signal: string | null, readonly stdout: string, readonly stderr: string }

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** A file for each source, in place of the bundle. */
  readonly unbundled?: boolean
  /** Sockets that it gets as a service manager would hand them down. */
  readonly sockets?: ReadonlyArray<{ readonly fd: number, readonly name: string }>
}

export class Program {
  readonly child: ChildProcess
  readonly #ended: Promise<unknown[]>
  #stdout = ''
  #stderr = ''

  constructor (args: readonly string[], options: ProgramOptions = {}) {
    const { sockets = [], input, env, unbundled = false } = options
    const command = [process.execPath, unbundled ? builtProgram() : bundledProgram(), ...args]
    const handed = sockets.length === 0 ? {} : { LISTEN_FDS: String(sockets.length), LISTEN_FDNAMES: sockets.map(({ name }) => name).join(':') }
    // A shell that becomes the program: only it can know the process id beforehand. Tap's hooks (NODE_OPTIONS) are not for the program.
    this.child = spawn('/bin/sh', ['-c', 'unset NODE_OPTIONS; LISTEN_PID=$$ WATCHDOG_PID=$$ exec "$@"', 'sh', ...command], {
      cwd: root,
      env: { ...surroundings(), ...handed, ...env },
      stdio: ['pipe', 'pipe', 'pipe', ...sockets.map(({ fd }) => fd)]
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => { this.#stdout += text })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.#stderr += text })
    this.child.stdin?.end(input)
    this.#ended = once(this.child, 'close')
  }

  get stdout (): string { return this.#stdout }
  get stderr (): string { return this.#stderr }

  /** Resolves with the first log line of an event, parsed; rejects when the program ends first. */
  async logged (event: string): Promise<Record<string, unknown>> { return (await this.loggedTimes(event, 1))[0]! }

  /** Resolves with all log lines of an event once there are `count`: a line may come after the answer that it is about. */
  async loggedTimes (event: string, count: number): Promise<Array<Record<string, unknown>>> {
    for (;;) {
      // What stands behind the last line break is not whole yet.
      const lines = this.#stdout.split('\n').slice(0, -1).filter(text => text.includes(`"msg":"${event}"`))
      if (lines.length >= count) return lines.map(line => JSON.parse(line) as Record<string, unknown>)
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`ended before ${event}: ${this.#stderr}${this.#stdout}`)
      await Promise.race([once(this.child.stdout!, 'data'), this.#ended])
    }
  }

  async end (signal?: NodeJS.Signals): Promise<Ended> {
    if (signal !== undefined) this.child.kill(signal)
    await this.#ended
    return { status: this.child.exitCode, signal: this.child.signalCode, stdout: this.#stdout, stderr: this.#stderr }
  }
}
