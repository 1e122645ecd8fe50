// The page in a browser while many machines boot: how late each event is on it, and what that costs the program and the browser.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium } from 'playwright-core'
import { writePageConfig } from './page-config.js'
import { Program } from './program.js'
import { random } from './random.js'
import { findTool } from './tools.js'

export interface PageSoak {
  /** A folder of its own. */
  readonly folder: string
  readonly machines: number
  readonly events: number
  /** Infinity: one after the other, as fast as they are answered. */
  readonly perSecond: number
}

export interface PageFigures {
  /** Rows on the page, and rows of them that say what the program does. */
  readonly rows: number
  readonly right: number
  /** Rows that came while events went on. */
  readonly updates: number
  /** Milliseconds from what a machine did to its row on the page. */
  readonly median: number
  readonly p99: number
  readonly latest: number
  /** MiB in use: of the page, of the program, a third of the way and at the end. */
  readonly pageHeap: readonly [number, number]
  readonly programHeap: readonly [number, number]
  /** Milliseconds that what arrived waited for the program's event loop. */
  readonly loopP99: number
  /** Milliseconds of processor time an event: of the program, of the page's process, of the whole browser. */
  readonly programCpu: number
  readonly pageCpu: number
  readonly browserCpu: number
  readonly complaints: readonly string[]
}

const macOf = (n: number): string => `52:54:00:00:${[n >> 8, n & 255].map(octet => octet.toString(16).padStart(2, '0')).join(':')}`

/** The `id` of a machine's row. */
const rowOf = (mac: string): string => `m-${mac.replaceAll(':', '-')}`

/**
 * Runs in the page: notes of each thing that a machine did how old it is when the frame that first shows it is done. A row that comes again
 * for a machine that did nothing since (it was silent for too long) tells of nothing new, however old that is.
 */
const observer = `globalThis.ages = []
const newest = new Map(shownBefore)
let coming = []
const { port1, port2 } = new MessageChannel()
port1.onmessage = () => {
  for (const at of coming) ages.push(Date.now() - at)
  coming = []
}
const note = ({ id, dataset: { seen } }) => {
  if (seen === undefined || seen === newest.get(id)) return
  newest.set(id, seen)
  coming.push(Date.parse(seen))
}
new MutationObserver(records => {
  for (const { target, addedNodes } of records) for (const node of [target, ...addedNodes]) if (node.dataset !== undefined) note(node)
  requestAnimationFrame(() => port2.postMessage(0))
}).observe(document.querySelector('main'), { childList: true, subtree: true, attributes: true, attributeFilter: ['data-seen'] })`

export async function soakPage ({ folder, machines, events, perSecond }: PageSoak): Promise<PageFigures> {
  writeStore(folder)
  const { config, http, ui } = await writePageConfig(folder, { data: join(folder, 'data'), state: join(folder, 'state') })
  const program = new Program(['serve', '--config', config])
  const executablePath = findTool('chromium') ?? ''
  const { LD_PRELOAD: _, ...env } = process.env
  const browser = await chromium.launch({ executablePath, env: env as Record<string, string>, args: ['--no-sandbox', '--disable-gpu', '--enable-precise-memory-info'] })
  try {
    await program.logged('appliance.ready')
    const boot = async (n: number, path: string): Promise<void> => { await (await fetch(`http://127.0.0.1:${http}/${path}?mac=${macOf(n)}`)).arrayBuffer() }
    for (let n = 0; n < machines; n++) await boot(n, 'ipxe')
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('pageerror', error => { complaints.push(String(error)) })
    page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()) })
    await page.goto(`http://127.0.0.1:${ui}/ui/`)
    await page.locator('#live', { hasText: /^live$/ }).waitFor()
    // All of them on one page, or as many as it keeps, as somebody has it who went to its end.
    for (let at: string | null; (at = await page.evaluate<string | null>("document.querySelectorAll('tbody tr').length < 1000 ? document.querySelector('.more a')?.getAttribute('href') ?? null : null")) !== null;) {
      await page.locator(`.more a[href="${at}"]`).click()
      await page.locator(`.more a[href="${at}"]`).waitFor({ state: 'detached' })
    }
    const shownBefore = [...await machinesSeen(http)].map(([mac, seen]) => [rowOf(mac), seen])
    await page.evaluate(`{ const shownBefore = ${JSON.stringify(shownBefore)}; ${observer} }`)
    const devtools = await page.context().newCDPSession(page)
    const heapOfPage = async (): Promise<number> => {
      await devtools.send('HeapProfiler.collectGarbage')
      return (await devtools.send('Runtime.getHeapUsage')).usedSize / 2 ** 20
    }
    const heapOfProgram = async (): Promise<number> => valueOf(await metrics(http), 'nodejs_heap_size_used_bytes') / 2 ** 20
    const loopBefore = delaysOf(await metrics(http))
    const ofBrowser = await browser.newBrowserCDPSession()
    const cpuOfBrowser = async (type?: string): Promise<number> => {
      const { processInfo } = await ofBrowser.send('SystemInfo.getProcessInfo')
      return processInfo.filter(one => type === undefined || one.type === type).reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0)
    }
    const cpu = async (): Promise<readonly [number, number, number]> =>
      [valueOf(await metrics(http), 'process_cpu_seconds_total') * 1000, await cpuOfBrowser('renderer'), await cpuOfBrowser()]
    const cpuBefore = await cpu()
    const next = random(1)
    // What a machine does again is no news: each does by turns.
    const turns = new Map<number, number>()
    const heaps: Array<readonly [number, number]> = []
    let began = performance.now()
    const asked: Array<Promise<void>> = []
    /** One more machine does something, after which every row is there that was to come. */
    const settled = async (path: string, section: string): Promise<void> => {
      await Promise.all(asked)
      await boot(machines, path)
      await page.locator(`#${section} tr[id="${rowOf(macOf(machines))}"]`).waitFor()
    }
    for (let n = 0; n < events; n++) {
      const machine = Math.floor(next() * machines)
      const turn = (turns.get(machine) ?? 0) + 1
      turns.set(machine, turn)
      const asking = boot(machine, turn % 2 === 1 ? 'ignition' : 'ipxe')
      if (perSecond === Infinity) await asking
      else {
        asked.push(asking)
        await pause(Math.max(0, began + (n + 1) * 1000 / perSecond - performance.now()))
      }
      if (n !== Math.floor(events / 3)) continue
      // A collection that is asked for holds up the page: nothing is to be late for it.
      await settled('ipxe', 'booting')
      const before = performance.now()
      heaps.push([await heapOfPage(), await heapOfProgram()])
      began += performance.now() - before
    }
    await settled('ignition', 'fine')
    heaps.push([await heapOfPage(), await heapOfProgram()])
    const loopP99 = p99Of(delaysOf(await metrics(http)), loopBefore)
    const spent = (await cpu()).map((now, at) => (now - cpuBefore[at]!) / events)
    const shown = await page.evaluate<Record<string, string>>('Object.fromEntries([...document.querySelectorAll("tbody tr[id]")].map(row => [row.id, row.dataset.seen]))')
    const ages = (await page.evaluate<number[]>('ages')).sort((a, b) => a - b)
    const now = await machinesSeen(http)
    const at = (share: number): number => ages[Math.min(ages.length - 1, Math.floor(ages.length * share))] ?? NaN
    const [first, last] = [heaps[0]!, heaps[1]!]
    return {
      rows: Object.keys(shown).length,
      right: [...now].filter(([mac, seen]) => shown[rowOf(mac)] === seen).length,
      updates: ages.length,
      median: at(0.5),
      p99: at(0.99),
      latest: at(1),
      pageHeap: [first[0], last[0]],
      programHeap: [first[1], last[1]],
      loopP99,
      programCpu: spent[0]!,
      pageCpu: spent[1]!,
      browserCpu: spent[2]!,
      complaints
    }
  } finally {
    await browser.close()
    await program.end('SIGTERM')
  }
}

function writeStore (folder: string): void {
  for (const name of ['groups', 'profiles', 'ignition']) mkdirSync(join(folder, 'data', name), { recursive: true })
  const put = (path: string, value: unknown): void => { writeFileSync(join(folder, 'data', path), JSON.stringify(value)) }
  put('profiles/node.json', { id: 'node', ignition_id: 'node.ign', boot: { kernel: '/assets/vmlinuz', initrd: [], args: [] } })
  put('groups/all.json', { id: 'all', profile: 'node' })
  put('ignition/node.ign', { ignition: { version: '3.4.0' } })
}

const metrics = async (port: number): Promise<string> => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
const valueOf = (text: string, name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])

/** Looks at the event loop by the bucket that they came into, in seconds, each with all below it. */
const delaysOf = (text: string): ReadonlyArray<readonly [number, number]> =>
  [...text.matchAll(/^event_loop_delay_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm)].map(([, le, count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)])

/** In milliseconds, between the bounds of its bucket by the share of it. */
function p99Of (after: ReturnType<typeof delaysOf>, before: ReturnType<typeof delaysOf>): number {
  const counts = after.map(([le, count], at) => [le, count - (before[at]?.[1] ?? 0)] as const)
  const wanted = (counts.at(-1)?.[1] ?? 0) * 0.99
  let [low, below] = [0, 0]
  for (const [le, count] of counts) {
    if (count >= wanted) return 1000 * (low + (le - low) * (count === below ? 1 : (wanted - below) / (count - below)))
    low = le
    below = count
  }
  return Infinity
}

/** When each machine was last seen, as the program has it. */
async function machinesSeen (port: number): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>()
  for (let path: string | undefined = '/v1/machines?limit=500'; path !== undefined;) {
    const answer: Response = await fetch(`http://127.0.0.1:${port}${path}`)
    const list = await answer.json() as ReadonlyArray<{ readonly mac: string, readonly lastSeen: string }>
    for (const { mac, lastSeen } of list) seen.set(mac, lastSeen)
    path = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
  }
  return seen
}
