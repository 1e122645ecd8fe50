// Programs of the system that are asked what they know. None of them is needed: where one is missing, nothing is said of what it would
// have told.
import { execFile } from 'node:child_process'

/** Milliseconds. */
const patience = 10_000

export interface CommandResult {
  /** Its exit status; undefined when it is not there or took too long. */
  readonly code: number | undefined
  readonly stdout: string
}

export type Ask = (command: string, args: readonly string[]) => Promise<CommandResult>

/** Runs it to its end, for ten seconds at most. Never rejects. */
export const ask: Ask = async (command, args) => await new Promise(resolve => {
  execFile(command, [...args], { timeout: patience, env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' } }, (error, stdout) => {
    resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : undefined, stdout })
  })
})

export type RunCommand = (command: string, args: readonly string[]) => Promise<string>

/** What it prints, '' when it is not there, fails or takes long. */
export const printed: RunCommand = async (command, args) => {
  const { code, stdout } = await ask(command, args)
  return code === 0 ? stdout : ''
}
