// npm run soak -- ui [MACHINES] [EVENTS_A_SECOND] [SECONDS]: the page in Chromium while machines boot. No event may be later on it than
// 300 ms, the heaps stay flat, the program's event loop has a p99 under 20 ms. For a machine that does nothing else meanwhile.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { soakPage } from '../../test/helpers/ui-soak.js'
import { assertAtMost, numberOf } from '../lib/number-arguments.js'

/** Rows of a section that a page keeps. */
const mostRows = 1000
const latestAllowed = 300
const loopAllowed = 20
/** MiB that a heap may have more at the end than a third of the way. */
const growthAllowed = 16

export async function run (args: readonly string[]): Promise<void> {
  const machines = numberOf('MACHINES', args[0] ?? '1000')
  const perSecond = numberOf('EVENTS_A_SECOND', args[1] ?? '100')
  const seconds = numberOf('SECONDS', args[2] ?? '60')
  assertAtMost(args, 3)
  const folder = mkdtempSync(join(tmpdir(), 'soak-ui-'))
  try {
    const { rows, right, updates, median, p99, latest, pageHeap, programHeap, loopP99, programCpu, pageCpu, browserCpu, complaints } =
      await soakPage({ folder, machines, events: perSecond * seconds, perSecond })
    const heap = ([third, end]: readonly [number, number]): string => `${third.toFixed(1)} to ${end.toFixed(1)} MiB`
    process.stdout.write(`${machines} machines, ${perSecond} events a second for ${seconds} s: ${rows} rows, ${right} of them right, ${updates} updates
on the page after ${median} ms (median), ${p99} ms (p99), ${latest} ms (latest)
heap of the page ${heap(pageHeap)}, of the program ${heap(programHeap)}; its event loop p99 ${loopP99.toFixed(1)} ms
processor time an event: the program ${programCpu.toFixed(2)} ms, the page's process ${pageCpu.toFixed(2)} ms, the whole browser ${browserCpu.toFixed(2)} ms
`)
    const grown = [pageHeap, programHeap].some(([third, end]) => end - third > growthAllowed)
    const wrong = [
      ...rows >= Math.min(machines + 1, mostRows) ? [] : [`${rows} rows are too few`],
      ...right === rows ? [] : [`${rows - right} rows are not right`],
      ...latest <= latestAllowed ? [] : [`an event was ${latest} ms late`],
      ...loopP99 < loopAllowed ? [] : ['the event loop was held'],
      ...grown ? ['a heap grew'] : [],
      ...complaints
    ]
    if (wrong.length === 0) return
    process.stderr.write(`${wrong.join('; ')}\n`)
    process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true })
  }
}
