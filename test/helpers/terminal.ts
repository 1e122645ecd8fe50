// A program on a pseudo-terminal, which can be had to stand still as by Ctrl-S: script(1), of Debian's bsdutils.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import type { Test } from 'tap'
import { errnoOf } from '../../src/base/errors.js'
import { type Running, watch } from './netns.js'
import { surroundings } from './program.js'
import { until } from './until.js'

const [stop, start] = ['\x13', '\x11']

export interface OnTerminal extends Running {
  /** script(1): what is written to it is typed. */
  readonly child: ChildProcess
  readonly type: (text: string) => void
  /** Resolves when nothing more is taken from the program. */
  readonly standStill: () => Promise<void>
  readonly goOn: () => void
}

/** Starts what the shell makes of `command`. */
export function onTerminal (t: Test, command: string): OnTerminal {
  const child = spawn('script', ['-qfec', `unset NODE_OPTIONS; ${command}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...surroundings(), TERM: 'dumb', SHELL: '/bin/sh' } })
  t.teardown(() => { child.kill('SIGKILL') })
  const type = (text: string): void => { child.stdin.write(text) }
  const standStill = async (): Promise<void> => {
    const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').split(' ')
    type(stop)
    await until('the terminal stands still', () => takesNothing(`/proc/${pid}/fd/1`))
  }
  return { ...watch(child), child, type, standStill, goOn: () => { type(start) } }
}

/** `device` may be a link to it, as /proc has them: its own name is that outside of a chroot. What a terminal takes is shown. */
function takesNothing (device: string): boolean {
  const fd = openSync(device, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    writeSync(fd, ' ')
    return false
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return true
    throw error
  } finally {
    closeSync(fd)
  }
}
