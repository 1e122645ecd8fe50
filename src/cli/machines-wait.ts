// machines wait: until machines have come to a stage, or the time is over. A restart of the appliance ends no waiting.
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../base/errors.js'
import { visibleText } from '../base/visible-text.js'
import type { MachineShown } from '../control/machine-shown.js'
import { askAny, askJson } from './control-client.js'

/** A machine to wait for: by whichever of its cards it boots, or by what a person calls it. */
export interface Awaited { readonly names: readonly string[], readonly called: string }

export interface WaitOptions {
  readonly socket: string
  readonly stage: string
  /** Epoch milliseconds. */
  readonly until: number
  readonly now: () => number
  /** Told of each machine that has come there. */
  readonly onReached: (called: string) => void
}

/** Those that did not come there, in words: `node-1 (52:54:00:00:00:01): loader, got the loader snponly.efi 3 times`. */
export async function waitForAll (awaited: readonly Awaited[], waiting: WaitOptions): Promise<readonly string[]> {
  const late: string[] = []
  const left = [...awaited]
  await Promise.all(Array.from({ length: Math.min(atOnce, left.length) }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      if (await reaches(next, waiting)) waiting.onReached(next.called)
      else late.push(await standingOf(next, waiting.socket))
    }
  }))
  return late.sort()
}

/** Requests that wait at once; the appliance holds so many more for others. */
const atOnce = 100
/** Seconds that one request waits; a machine of several cards is asked for by each in turn. */
const [longest, turn] = [3600, 2]
const pause = 1000
/** Milliseconds that an answer may take longer than it was to wait. */
const late = 30_000

async function reaches ({ names }: Awaited, { socket, stage, until, now }: WaitOptions): Promise<boolean> {
  const most = names.length > 1 ? turn : longest
  for (;;) {
    for (const name of names) {
      const [asked, seconds] = [now(), Math.max(0, Math.min(most, (until - now()) / 1000))]
      const path = `/v1/machines/${encodeURIComponent(name)}?wait=${encodeURIComponent(stage)}&timeout=${seconds}`
      const { status, body } = await askAny(socket, { method: 'GET', path, patience: seconds * 1000 + late }).catch(unanswered)
      if (status === 200) return true
      if (status === 400) throw new AppError('refused', String(Object(body)['error']))
      if (now() >= until) continue
      // It is ending, has not come back, is asked too much, or knows nobody of that name yet.
      if (status !== 408 || now() - asked < seconds * 1000) await sleep(Math.min(pause, until - now()))
    }
    if (now() >= until) return false
  }
}

const unanswered = (error: unknown): { readonly status: number, readonly body: unknown } => {
  if (error instanceof AppError && error.code === 'socket_failed') return { status: 0, body: undefined }
  throw error
}

async function standingOf ({ names, called }: Awaited, socket: string): Promise<string> {
  const answers = await Promise.all(names.map(async name => await askAny(socket, { method: 'GET', path: `/v1/machines/${encodeURIComponent(name)}` }).catch(unanswered)))
  const seen = answers.filter(({ status }) => status === 200).map(({ body }) => body as MachineShown)[0]
  const why = answers.every(({ status }) => status === 0)
    ? 'the appliance does not answer'
    : seen === undefined ? 'not seen' : [seen.stage ?? 'seen', ...seen.trouble === undefined ? [] : [seen.trouble.reason]].join(', ')
  return visibleText(`${called}: ${why}`)
}

/** Every machine that a group names, and every other one that got a group's profile by its UUID or serial number. */
export async function allMachines (socket: string): Promise<readonly Awaited[]> {
  const named = await askJson(socket, 'GET', '/v1/named') as ReadonlyArray<{ readonly macs: readonly string[], readonly name: string }>
  const seen = await askJson(socket, 'GET', '/v1/machines') as readonly MachineShown[]
  const cards = new Set(named.flatMap(({ macs }) => macs))
  return [
    ...named.map(({ macs, name }) => ({ names: macs, called: `${name} (${macs.join(', ')})` })),
    ...seen.filter(({ mac, known, group }) => known && group !== undefined && !cards.has(mac))
      .map(({ mac, name }) => ({ names: [mac], called: name === undefined ? mac : `${name} (${mac})` }))
  ]
}
