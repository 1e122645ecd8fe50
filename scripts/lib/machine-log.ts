// What a sandbox machine said on its serial port. Our init writes lines "machine: ..."; the rest is firmware and kernel.
import { existsSync, readFileSync } from 'node:fs'

export interface MachineLog {
  /** The config is applied and the new root is closed. */
  readonly applied: boolean
  /** Why init gave up, if it did. */
  readonly failure: string | undefined
  /** The address the machine got when it ran its own kernel. */
  readonly address: string | undefined
  /** Files in the new root: path -> sha256. */
  readonly files: ReadonlyMap<string, string>
}

// Escape sequences, and what SeaBIOS and iPXE erase and write again (their countdown).
// eslint-disable-next-line no-control-regex
const noise = /\x1b(?:\[[0-9;?]*[A-Za-z]|[a-z])|[^\n]\x08|[\r\x00-\x08\x0b-\x1f]/g

/** All of it, without what moves the cursor. */
export const readSerial = (file: string): string => textOf(file)

const textOf = (file: string): string => existsSync(file) ? readFileSync(file, 'latin1').replace(noise, '') : ''

export function readMachineLog (file: string): MachineLog {
  const said = textOf(file).split('\n').flatMap(line => /\bmachine: (.*)$/.exec(line)?.[1]?.trim() ?? [])
  const after = (word: string): string[] => said.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1))
  return {
    applied: said.includes('applied'),
    failure: said.find(line => line.startsWith('failed: '))?.slice('failed: '.length),
    address: after('address')[0],
    files: new Map(after('file').map(line => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]))
  }
}

/** The last lines, without empty ones. */
export const tailOf = (file: string, lines: number): string[] => textOf(file).split('\n').filter(line => line.trim() !== '').slice(-lines)
