// The page with 1,000 and 10,000 machines: `npm run bench -- page [--rounds N] [--machines N,N,...]`. What its first page is in octets,
// as it is and compressed, when its first and last octet come, when a browser paints it first (first-contentful-paint), when it is live,
// what each side holds; and what a search costs. The browser is Debian's Chromium, on the machine that serves.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { writePageConfig } from '../../test/helpers/page-config.js'
import { Program } from '../../test/helpers/program.js'
import { random } from '../../test/helpers/random.js'
import { findTool } from '../../test/helpers/tools.js'
import { layOutSite, linesOf, machineRecord } from '../lib/bench-site.js'
import { cpuOf, median, memoryOf } from '../lib/bench-process.js'
import { numberOf, numbersOf } from '../lib/number-arguments.js'
import { formatTable } from '../lib/table.js'

const stages = ['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition'] as const

/** Nine in ten came to their end, the others are on their way or stopped; each took its own time for each stage. */
export function fleetLines (count: number, now: number): string {
  const next = random(18)
  const records = Array.from({ length: count }, (_, n) => {
    const kind = n % 40 === 0 ? 'stopped' : n % 13 === 0 ? 'booting' : 'fine'
    const reached = kind === 'fine' ? stages.length : 1 + Math.floor(next() * 6)
    let at = now - (kind === 'booting' ? 20_000 : 60_000 + Math.floor(next() * 86_000_000))
    const timeline = stages.slice(0, reached).map(stage => {
      at += Math.floor(next() * 2000)
      return { stage, at, ...stage === 'loader' && { detail: 'ipxe.efi' } }
    })
    return machineRecord(n, timeline)
  })
  return linesOf('machine', records)
}

interface Answer { readonly firstOctet: number, readonly lastOctet: number, readonly octets: number }

/** As a browser asks, without one. Milliseconds from the request. */
const fetchOnce = (url: string, encoding: string): Promise<Answer> => new Promise((resolve, reject) => {
  const began = performance.now()
  let [firstOctet, octets] = [0, 0]
  get(url, { headers: { 'accept-encoding': encoding }, agent: false }, answer => {
    answer.on('data', (data: Buffer) => {
      firstOctet ||= performance.now() - began
      octets += data.length
    }).on('end', () => { resolve({ firstOctet, lastOctet: performance.now() - began, octets }) })
  }).on('error', reject)
})

interface Painted { readonly paint: number, readonly live: number, readonly heap: number, readonly rows: number }

/** Milliseconds since the navigation began, with nothing in the browser's cache. */
async function paintOnce (browser: Browser, url: string): Promise<Painted> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  try {
    const page = await context.newPage()
    // Somebody who comes to the page has a browser that runs: its process for this site is there.
    await page.goto(new URL('icon.svg', url).href)
    await page.addInitScript(`addEventListener('DOMContentLoaded', () => {
  const said = document.getElementById('live')
  new MutationObserver(() => { globalThis.liveAt ??= performance.now() }).observe(said, { childList: true, characterData: true, subtree: true })
})`)
    await page.goto(url)
    await page.evaluate(`new Promise(resolve => {
  const look = () => { if (globalThis.liveAt !== undefined && performance.getEntriesByName('first-contentful-paint').length > 0) resolve(); else setTimeout(look, 10) }
  look()
})`)
    const [paint, live, rows] = await page.evaluate<[number, number, number]>(
      '[performance.getEntriesByName("first-contentful-paint")[0].startTime, liveAt, document.querySelectorAll("tbody tr").length]')
    const devtools = await context.newCDPSession(page)
    await devtools.send('HeapProfiler.collectGarbage')
    const { usedSize } = await devtools.send('Runtime.getHeapUsage')
    return { paint, live, rows, heap: usedSize / 2 ** 20 }
  } finally {
    await context.close()
  }
}

async function measure (browser: Browser, machines: number, rounds: number): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-page-'))
  const site = layOutSite(join(folder, 'site'), { groups: machines })
  writeFileSync(join(site.state, 'machines.jsonl'), fleetLines(machines, Date.now()))
  const { config, ui } = await writePageConfig(folder, site)
  const program = new Program(['serve', '--config', config])
  try {
    await program.logged('appliance.ready')
    const pid = program.child.pid!
    const url = `http://127.0.0.1:${ui}/ui/`
    const cold = await fetchOnce(url, 'gzip, deflate, br')
    const plain = await fetchOnce(url, 'identity')
    const before = cpuOf(pid)
    const warm: Answer[] = []
    for (let round = 0; round < 3 * rounds; round++) warm.push(await fetchOnce(url, 'gzip, deflate, br'))
    const cpu = (cpuOf(pid) - before) / warm.length
    const found: Answer[] = []
    for (let round = 0; round < rounds; round++) found.push(await fetchOnce(`${url}?q=node-${machines - 1 - round}`, 'gzip'))
    const painted: Painted[] = []
    for (let round = 0; round < rounds; round++) painted.push(await paintOnce(browser, url))
    const text = (values: readonly number[]): string => median(values).toFixed(0)
    const paints = painted.map(({ paint }) => paint)
    return [
      String(machines), String(painted[0]!.rows), plain.octets.toLocaleString('en-US'), cold.octets.toLocaleString('en-US'), cold.firstOctet.toFixed(0),
      text(warm.map(({ firstOctet }) => firstOctet)), text(warm.map(({ lastOctet }) => lastOctet)), cpu.toFixed(0),
      text(found.map(({ lastOctet }) => lastOctet)),
      `${text(paints)} (${Math.min(...paints).toFixed(0)} to ${Math.max(...paints).toFixed(0)})`, text(painted.map(({ live }) => live)),
      median(painted.map(({ heap }) => heap)).toFixed(1),
      memoryOf(pid).resident.toFixed(0)
    ]
  } finally {
    await program.end('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
}

export async function run (args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '7' }, machines: { type: 'string', default: '0,1000,10000' } } })
  const rounds = numberOf('--rounds', values.rounds)
  const counts = numbersOf('--machines', values.machines, { least: 0 })
  const browser = await chromium.launch({ executablePath: findTool('chromium') ?? '', args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const rows = [['machines', 'rows', 'octets', 'compressed', 'first octet, first time', 'first octet', 'last octet', 'CPU', 'search', 'first paint', 'live', 'tab MiB', 'program MiB']]
    for (const count of counts) rows.push([...await measure(browser, count, rounds)])
    console.log(formatTable(rows))
  } finally {
    await browser.close()
  }
}
