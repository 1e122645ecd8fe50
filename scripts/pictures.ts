// The pictures of README, made anew from what they show: `npx tsx scripts/pictures.ts`, as root on Debian. Runs the sandbox with two
// machines, records what it prints, and takes its page when one of them is done: the other is on its way, and a third, which no group
// names, has asked for its script in vain. Both are text: docs/sandbox.svg, docs/page.svg.
import { execFileSync, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { findTool } from '../test/helpers/tools.js'
import { pageSvg, recordingSvg, type Said } from './lib/pictures.js'

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
/** Of README: who comes to a repository waits for its pictures. */
const mostOctets = 300_000
/** The hardware address of a machine that no group names. */
const unnamed = '52:54:00:c0:7e:63'

const browser = await chromium.launch({ executablePath: findTool('chromium') ?? '', args: ['--no-sandbox', '--disable-gpu'] })
const child = spawn(path('scripts/sandbox'), ['--machines', '2', '--hold'], { stdio: ['ignore', 'ignore', 'pipe'] })
const said: Said[] = []
let url = ''
let picture: Promise<string> | undefined
for await (const text of createInterface({ input: child.stderr })) {
  process.stderr.write(`${text}\n`)
  // What is fetched and built before is no part of it.
  if (text === 'building the initramfs') said.length = 0
  if (text.startsWith('held')) break
  // Of the machine that is there for the page alone.
  if (text.includes(unnamed)) continue
  // Nobody wants to see a machine that did not get there.
  if (/FAILED/.test(text)) {
    child.kill('SIGTERM')
    await browser.close()
    throw new Error(`the pictures stay as they are: ${text.trim()}`)
  }
  said.push({ at: performance.now(), text })
  url ||= /^the page: (\S+)/.exec(text)?.[1] ?? ''
  if (text.startsWith('booting ')) picture = take(url)
}
const files = { 'docs/page.svg': await (picture ?? take(url)), 'docs/sandbox.svg': recordingSvg(said) }
child.kill('SIGTERM')
await browser.close()
for (const [name, text] of Object.entries(files)) {
  const octets = Buffer.byteLength(text)
  if (octets > mostOctets) throw new Error(`${name} would have ${octets} octets: ${mostOctets} at most`)
  writeFileSync(path(name), text)
  process.stdout.write(`${name}: ${octets} octets\n`)
}

/** The first page as a browser has it when the first machine came to its end. */
async function take (url: string): Promise<string> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  await page.goto(url)
  await page.locator('#live', { hasText: /^live$/ }).waitFor()
  askInVain()
  await page.locator('#trouble tbody tr').waitFor()
  const [body, height] = await page.evaluate<[string, number]>(`new Promise(resolve => {
  const look = async () => {
    if (document.querySelector('#fine tbody tr') === null) return requestAnimationFrame(look)
    const now = new DOMParser().parseFromString(await (await fetch(location)).text(), 'text/html')
    document.getElementById('again').replaceWith(now.getElementById('again'))
    for (const gone of document.querySelectorAll('script, .skip')) gone.remove()
    resolve([new XMLSerializer().serializeToString(document.body), document.querySelector('main').getBoundingClientRect().bottom])
  }
  look()
})`)
  return pageSvg(body, readFileSync(path('assets/ui/page.css'), 'utf8'), { width: 1280, height: Math.ceil(height) })
}

/** From within the network of the sandbox, which has no way in. */
function askInVain (): void {
  const own = readlinkSync('/proc/self/ns/net')
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  const inside = children.find(pid => readlinkSync(`/proc/${pid}/ns/net`) !== own)
  if (inside === undefined) throw new Error('the sandbox has no network of its own')
  execFileSync('nsenter', [`--net=/proc/${inside}/ns/net`, process.execPath, '-e', `fetch('http://172.30.0.1:8080/ipxe?mac=${unnamed}')`])
}
