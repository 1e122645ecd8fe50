// The pictures of README, made anew from what they show: `npx tsx scripts/pictures.ts`, as root on Debian. Runs the sandbox with two
// machines, records what it prints, and takes its page in the midst of it. Both are text: docs/sandbox.svg, docs/page.svg.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { findTool } from '../test/helpers/tools.js'
import { pageSvg, recordingSvg, type Said } from './lib/pictures.js'

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
/** Of README: who comes to a repository waits for its pictures. */
const mostOctets = 300_000

const child = spawn(path('scripts/sandbox'), ['--machines', '2', '--hold'], { stdio: ['ignore', 'ignore', 'pipe'] })
const said: Said[] = []
let url = ''
let picture: Promise<string> | undefined
for await (const text of createInterface({ input: child.stderr })) {
  process.stderr.write(`${text}\n`)
  // What is fetched and built before is no part of it.
  if (text === 'building the initramfs') said.length = 0
  if (text.startsWith('held')) break
  // Nobody wants to see a machine that did not get there.
  if (/FAILED/.test(text)) {
    child.kill('SIGTERM')
    throw new Error(`the pictures stay as they are: ${text.trim()}`)
  }
  said.push({ at: performance.now(), text })
  url ||= /^the page: (\S+)/.exec(text)?.[1] ?? ''
  if (/ {2}ignition {2}/.test(text)) picture ??= take(url)
}
const files = { 'docs/page.svg': await (picture ?? take(url)), 'docs/sandbox.svg': recordingSvg(said) }
child.kill('SIGTERM')
for (const [name, text] of Object.entries(files)) {
  const octets = Buffer.byteLength(text)
  if (octets > mostOctets) throw new Error(`${name} would have ${octets} octets: ${mostOctets} at most`)
  writeFileSync(path(name), text)
  process.stdout.write(`${name}: ${octets} octets\n`)
}

/** The first page as a browser has it. */
async function take (url: string): Promise<string> {
  const browser = await chromium.launch({ executablePath: findTool('chromium') ?? '', args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await page.goto(url)
    await page.locator('#live', { hasText: /^live$/ }).waitFor()
    await page.evaluate("for (const gone of document.querySelectorAll('script, .skip')) gone.remove()")
    const body = await page.evaluate<string>('new XMLSerializer().serializeToString(document.body)')
    const { y, height } = await page.locator('main').boundingBox() ?? { y: 0, height: 600 }
    return pageSvg(body, readFileSync(path('assets/ui/page.css'), 'utf8'), { width: 1280, height: Math.ceil(y + height) })
  } finally {
    await browser.close()
  }
}
