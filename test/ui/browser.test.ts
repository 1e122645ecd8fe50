// The page in a real browser, against the program itself, while machines boot.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { axeFindings, launchBrowser, type Opened, openPage } from '../helpers/browser.js'
import { freePort } from '../helpers/free-port.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'

const hostile = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
const mac = (last: number): string => `52:54:00:00:00:${last.toString(16).padStart(2, '0')}`

interface Site {
  readonly url: string
  readonly http: string
  readonly program: Program
  readonly open: (path: string, options?: BrowserContextOptions, prepare?: (page: Page) => Promise<void>) => Promise<Opened>
  /** Closes what was opened: pages that are live cost the others their time. */
  readonly closePages: () => Promise<void>
}

/** Tests of one program and one browser, in their order. */
const together: Array<{ readonly name: string, readonly run: (t: Test, here: Site) => Promise<void> }> = []
const testTogether = (name: string, run: (t: Test, here: Site) => Promise<void>): void => { together.push({ name, run }) }

async function site (t: Test, ui = ''): Promise<Site> {
  const folder = shortFolder(t)
  for (const name of ['groups', 'profiles', 'ignition']) mkdirSync(join(folder, 'data', name), { recursive: true })
  const put = (path: string, value: unknown): void => { writeFileSync(join(folder, 'data', path), JSON.stringify(value)) }
  put('profiles/worker.json', { id: 'worker', ignition_id: 'worker.ign', boot: { kernel: '/assets/vmlinuz', initrd: [], args: ['quiet'] } })
  put('groups/one.json', { id: 'one', profile: 'worker', selector: { mac: mac(1) } })
  put('groups/three.json', { id: 'three', profile: 'worker', selector: { mac: mac(3) } })
  put('groups/odd.json', { id: 'odd', profile: 'worker', selector: { mac: mac(2), serial: hostile } })
  put('ignition/worker.ign', { ignition: { version: '3.4.0' }, passwd: { users: [{ name: 'core', passwordHash: '$6$hash' }] } })
  const [port, httpPort] = [await freePort(), await freePort()]
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${folder}/c
advertise: 127.0.0.1
http: { address: "127.0.0.1:${httpPort}" }
tftp: { address: "" }
rpc: { address: "" }
ui: { address: "127.0.0.1:${port}"${ui} }
`)
  const program = new Program(['serve', '--config', config])
  t.teardown(() => program.end('SIGKILL'))
  await program.logged('appliance.ready')
  const url = `http://127.0.0.1:${port}`
  let browser: Promise<Browser> | undefined
  const contexts: BrowserContext[] = []
  return {
    url,
    http: `http://127.0.0.1:${httpPort}`,
    program,
    open: async (path, options, prepare) => {
      browser ??= launchBrowser(t)
      const opened = await openPage(await browser, `${url}${path}`, options, prepare)
      contexts.push(opened.page.context())
      return opened
    },
    closePages: async () => { await Promise.all(contexts.splice(0).map(context => context.close())) }
  }
}

const script = async (http: string, address: string, more = ''): Promise<void> => { await (await fetch(`${http}/ipxe?mac=${address.replaceAll(':', '-')}${more}`)).text() }

testTogether('live: machines come as they boot, with the reason why they do not get further', async (t, { http, open }) => {
  if (!needs(t, 'chromium')) return
  const { page, complaints } = await open('/ui/')
  t.match(await page.locator('#verdict').textContent(), 'Nothing wrong. No boot has been seen yet')
  await page.locator('#live', { hasText: /^live$/ }).waitFor()
  await script(http, mac(9))
  const row = page.locator(`#trouble tr[id="m-${mac(9).replaceAll(':', '-')}"]`)
  await row.waitFor()
  t.match(await row.locator('.why').textContent(), /^no group matchesLook at: a group whose selector names mac=52:54:00:00:00:09/)
  await page.locator('#verdict', { hasText: '1 machine is in trouble' }).waitFor()
  await script(http, mac(1))
  await page.locator(`#booting tr[id="m-${mac(1).replaceAll(':', '-')}"] .rung.now`).waitFor()
  await (await fetch(`${http}/ignition?mac=${mac(1)}`)).text()
  await page.locator(`#fine tr[id="m-${mac(1).replaceAll(':', '-')}"]`).waitFor()
  t.equal(await page.locator('#booting tbody tr').count(), 0, 'and go from one part to another')

  await page.locator('body').press('?')
  t.match(await page.locator('#keys').textContent(), /j and k/)
  await page.locator('body').press('/')
  t.equal(await page.evaluate('document.activeElement.id'), 'search')
  await page.keyboard.type('00:09')
  await page.keyboard.press('Enter')
  await page.waitForURL(/q=/)
  t.equal(await page.locator('tbody tr').count(), 1)
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForURL(new RegExp(`/ui/machines/${mac(9)}`))
  t.match(await page.locator('h1').textContent(), mac(9))
  t.same(complaints, [])
})

testTogether('without JavaScript it is whole', async (t, { http, open }) => {
  if (!needs(t, 'chromium')) return
  await script(http, mac(9))
  const { page } = await open('/ui/', { javaScriptEnabled: false })
  t.match(await page.locator('#trouble tbody').textContent(), 'no group matches')
  t.match(await page.locator('#live').textContent(), 'not live')
  await page.locator('#trouble a').click()
  t.match(await page.locator('main').textContent(), /No group wants a label that this machine has/)
})

testTogether('a machine: why this group, what it would get, and a file for a ticket', async (t, { url, http, open }) => {
  if (!needs(t, 'chromium')) return
  await script(http, mac(1))
  const { page, complaints } = await open(`/ui/machines/${mac(1)}`)
  const text = await page.locator('main').textContent() ?? ''
  t.match(text, `✓ mac=${mac(1)}`)
  t.match(text, 'chosen')
  await page.locator('summary', { hasText: 'ignition' }).click()
  t.match(await page.locator('details[open] code').textContent(), '(masked, 7 octets)')
  t.notMatch(text, '$6$hash')
  t.match(text, 'kernel /assets/vmlinuz')
  t.same(complaints, [])
  const saved = await fetch(`${url}/ui/machines/${mac(1)}?save`)
  const file = await saved.text()
  t.match(saved.headers.get('content-disposition'), 'attachment; filename="52-54-00-00-00-01.html"')
  t.notMatch(file, /<script|<link/)
  t.match(file, '<style>')
})

testTogether('nobody finds fault with it: readers of screens, phones, the dark, and text of machines', async (t, { http, open }) => {
  if (!needs(t, 'chromium')) return
  await script(http, mac(1))
  await script(http, mac(2), `&serial=${encodeURIComponent(hostile)}&hostname=${encodeURIComponent(hostile)}`)
  await script(http, mac(9))
  for (const options of [{}, { colorScheme: 'dark', viewport: { width: 390, height: 800 } }] as const) {
    for (const path of ['/ui/', '/ui/?wall', `/ui/machines/${mac(2)}`, '/ui/strangers', '/ui/fleet', '/ui/network', '/ui/images', '/ui/store', '/ui/health']) {
      const { page, complaints } = await open(path, { ...options, bypassCSP: true })
      t.same(await axeFindings(page), [], `${path} ${JSON.stringify(options)}`)
      t.same(complaints, [], path)
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), `${path} is no wider than the screen`)
      await page.context().close()
    }
  }
  const { page, complaints } = await open(`/ui/machines/${mac(2)}`)
  t.equal(await page.locator('main img, main script').count(), 0)
  t.same(complaints, [], 'under its policy too')
})

testTogether('health: what doctor finds, as a light and a word, with what mends it', async (t, { open }) => {
  if (!needs(t, 'chromium')) return
  const { page, complaints } = await open('/ui/health')
  const light = page.locator('tr', { has: page.locator('th', { hasText: /^your DHCP server$/ }) })
  // The page waits three seconds for doctor; where that takes longer, it says to load it again.
  while (await light.count() === 0) await page.reload()
  t.equal(await light.locator('.light').textContent(), 'i note')
  await light.locator('summary').click()
  t.match(await light.locator('code').textContent(), /filename/)
  await light.locator('.copy').click()
  await light.locator('.copy', { hasText: /^(?:Copied|Selected: copy it)$/ }).waitFor()
  t.equal(await page.locator('tr', { has: page.locator('th', { hasText: /^ready$/ }) }).locator('.light').textContent(), '✓ good')
  t.same(complaints, [])
})

testTogether('small, closed to others, and read-only', async (t, { url, http }) => {
  const answer = await fetch(`${url}/ui/`)
  t.match(answer.headers.get('content-security-policy'), /^default-src 'self'/)
  const parts = await Promise.all(['/ui/', '/ui/page.css', '/ui/live.js'].map(async path => Buffer.from(await (await fetch(`${url}${path}`)).arrayBuffer())))
  const octets = parts.reduce((sum, part) => sum + gzipSync(part).length, 0)
  t.ok(octets < 60_000, `${octets} octets compressed`)
  t.equal((await fetch(`${url}/ui/`, { method: 'POST' })).status, 404)
  t.equal((await fetch(`${http}/ui/`)).status, 404, 'not where machines ask')
  t.equal((await fetch(`${url}/ui/machines/nonsense`)).status, 404)
  const { request } = await import('node:http')
  const statusWith = async (headers: readonly string[]): Promise<unknown> =>
    await new Promise(resolve => { request(`${url}/ui/`, { headers, setHost: false }, ({ statusCode }) => { resolve(statusCode) }).end() })
  t.equal(await statusWith(['Host', 'rebound.example.org']), 421, 'a name of elsewhere that leads here')
  t.equal(await statusWith(['Host', 'localhost', 'Host', 'rebound.example.org']), 400, 'and not beside another one')
  t.equal(await statusWith([]), 400, 'nor none at all')
})

testTogether('pages that are no list of machines are renewed too, not under the hand of a reader, and say when they are not', async (t, { open, program, http }) => {
  if (!needs(t, 'chromium')) return
  await script(http, mac(3))
  const isBare = 'document.getElementById("again").children.length === 0'
  for (const path of ['/ui/', '/ui/images', '/ui/health', '/ui/fleet', '/ui/network', '/ui/strangers', '/ui/store', `/ui/machines/${mac(3)}`]) {
    const { page, complaints } = await open(path, {}, async page => { await page.clock.install() })
    const again = page.locator('#again')
    const text = async (): Promise<string> => (await again.textContent() ?? '').replace(/\d+ \w+ ago/g, '')
    await again.evaluate(part => { part.replaceChildren() })
    t.ok(await page.evaluate(isBare), path)
    await page.clock.fastForward(61_000)
    await page.locator('#again :is(.scroll, .chart, .none, h1)').first().waitFor({ state: 'attached' })
    t.not(await text(), '', `${path} is there again`)
    t.equal(await page.locator('#live').textContent(), 'live')
    t.same(complaints, [], path)
    await page.context().close()
  }
  const followed = await open(`/ui/machines/${mac(3)}`)
  await (await fetch(`${http}/ignition?mac=${mac(3)}`)).text()
  await followed.page.locator('svg.waterfall text', { hasText: /^ignition$/ }).waitFor()
  t.same(followed.complaints, [], 'a machine is followed as it boots')
  const { page } = await open('/ui/network', {}, async page => { await page.clock.install() })
  await page.locator('#again .scroll').first().focus()
  await page.locator('#again').evaluate(part => { part.prepend('as the reader has it ') })
  let asked = 0
  page.on('request', () => { asked++ })
  await page.clock.fastForward(61_000)
  t.match(await page.locator('#again').textContent(), /^as the reader has it/)
  await page.evaluate('document.activeElement.blur(); getSelection().selectAllChildren(document.querySelector("#again p"))')
  await page.clock.fastForward(61_000)
  t.equal(asked, 0, 'nor while words of it are marked')
  await page.evaluate('getSelection().removeAllRanges()')
  await program.end('SIGKILL')
  await page.evaluate('document.activeElement.blur()')
  await page.clock.fastForward(61_000)
  await page.locator('#live', { hasText: /^not live: the server does not answer/ }).waitFor()
})

t.test('one program, one browser', async t => {
  const here = await site(t)
  for (const { name, run } of together) {
    await t.test(name, async t => {
      await run(t, here)
      await here.closePages()
    })
  }
})

t.test('for whom it is', async t => {
  const { url } = await site(t, ', allow: [10.0.0.0/8]')
  t.equal((await fetch(`${url}/ui/`)).status, 403)
  const folder = t.testdir({ short: '' })
  const line = await new Program(['ui', 'password', 'anna'], { input: 'correct horse\n' }).end()
  t.equal(line.status, 0, line.stderr)
  writeFileSync(join(folder, 'users'), line.stdout)
  const asked = await site(t, `, users_file: ${join(folder, 'users')}`)
  const status = async (authorization?: string): Promise<number> => (await fetch(`${asked.url}/ui/`, { headers: authorization === undefined ? {} : { authorization } })).status
  t.equal(await status(), 401)
  t.equal(await status(`Basic ${Buffer.from('anna:wrong').toString('base64')}`), 401)
  t.equal(await status(`Basic ${Buffer.from('anna:correct horse').toString('base64')}`), 200)
  t.equal((await new Program(['ui', 'password', 'anna'], { input: 'short\n' }).end()).status, 1)
})
