// The built program under measurement, and what the kernel tells of a process.
import { readFileSync } from 'node:fs'

/** As the unit starts it, without what this process's own loader needs. */
export const programEnvironment: NodeJS.ProcessEnv = { PATH: process.env['PATH'], MALLOC_ARENA_MAX: '2', NODE_OPTIONS: '--max-semi-space-size=4' }

/** Milliseconds of CPU that a process has used, all its threads; the kernel counts in hundredths of a second. */
export function cpuOf (pid: number | 'self'): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** MiB that it holds now, and held at most. */
export function memoryOf (pid: number): { readonly resident: number, readonly highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const figure = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024
  return { resident: figure('VmRSS'), highest: figure('VmHWM') }
}

/** Of numbers in any order; NaN of none. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)
