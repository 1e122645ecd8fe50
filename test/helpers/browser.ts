// Debian's Chromium by playwright-core, what its pages complain of, and what axe-core finds in them.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import type { NetworkNamespace } from './netns.js'
import { shortFolder } from './short-folder.js'
import { findTool } from './tools.js'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Milliseconds; the library's own thirty seconds are less than a page may take beside other work. */
const patience = 240_000

/** One for each test: while it runs, the test file does not end. `executablePath` may be a script that starts Chromium elsewhere. */
export async function launchBrowser (t: Test, executablePath = findTool('chromium') ?? ''): Promise<Browser> {
  // The library of another day's clock makes it take minutes for a page; times are the server's.
  const { LD_PRELOAD: _, ...env } = process.env
  const browser = await chromium.launch({
    executablePath,
    timeout: patience,
    env: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  })
  t.teardown(() => browser.close())
  return browser
}

/** One inside a namespace. */
export async function launchBrowserIn (t: Test, { name }: NetworkNamespace): Promise<Browser> {
  const script = join(shortFolder(t), 'chromium')
  writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${name} ${findTool('chromium') ?? ''} "$@"\n`, { mode: 0o755 })
  return await launchBrowser(t, script)
}

/** A page and what it complains of: errors, dialogs, and what its policy kept from it. */
export interface Opened { readonly page: Page, readonly complaints: string[] }

/** `prepare` is called before anything is loaded. */
export async function openPage (
  browser: Browser, url: string, options?: BrowserContextOptions, prepare?: (page: Page) => Promise<void>
): Promise<Opened> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', message => { if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text()) })
  page.on('pageerror', error => { complaints.push(String(error)) })
  page.on('dialog', dialog => { complaints.push(`dialog ${dialog.message()}`); void dialog.dismiss() })
  await prepare?.(page)
  await page.goto(url)
  return { page, complaints }
}

/** Keeps what the page looks like in `.cache/pictures/`, for a person to look at. */
export async function keepPicture (page: Page, name: string): Promise<void> {
  await page.screenshot({ path: fileURLToPath(new URL(`../../.cache/pictures/${name}.png`, import.meta.url)), fullPage: true })
}

/** What axe-core has against the page; its context has to be one that passes over the page's policy (`bypassCSP`). */
export async function axeFindings (page: Page): Promise<readonly string[]> {
  await page.addScriptTag({ content: axe })
  return await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: { run: () => Promise<{ violations: Array<{ id: string, nodes: Array<{ html: string }> }> }> } }).axe.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`)
  })
}
