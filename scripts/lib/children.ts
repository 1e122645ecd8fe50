// The processes that a script starts: each is known by its pid, ends with the script however the script ends, and is not
// hit by the Ctrl-C that the script itself answers.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

export class Children {
  readonly #running = new Set<ChildProcess>()

  /**
   * `setpriv --pdeathsig` has the kernel end the child if this process is killed outright; a session of its own keeps the
   * terminal's signals from it.
   */
  start (command: string, words: readonly string[], stdio: StdioOptions): ChildProcess {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...words], { stdio, detached: true })
    this.#running.add(child)
    child.once('exit', () => { this.#running.delete(child) })
    child.once('error', () => { this.#running.delete(child) })
    return child
  }

  /** Asks a child to end, and ends it after `patience` milliseconds. */
  async stop (child: ChildProcess, patience = 6000): Promise<void> {
    if (!this.#running.has(child)) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => { child.kill('SIGKILL') }, patience)
    await gone
    clearTimeout(timer)
  }

  /** Stops what was started last first. */
  async stopAll (): Promise<void> {
    for (const child of [...this.#running].reverse()) await this.stop(child)
  }
}
