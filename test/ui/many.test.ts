// The page with more machines than a screen has: what is on it first, how the rest is come by, with and without JavaScript and by keys alone,
// and that it fits the screens that people have.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { firstRows } from '../../src/ui/boots.js'
import { strangerRows } from '../../src/ui/ui-app.js'
import { axeFindings, keepPicture, launchBrowser, type Opened, openPage } from '../helpers/browser.js'
import { writePageConfig } from '../helpers/page-config.js'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'

const macOf = (n: number): string => `52:54:00:00:${[n >> 8, n & 255].map(octet => octet.toString(16).padStart(2, '0')).join(':')}`
const machines = firstRows + 15

interface Site {
  readonly url: string
  readonly boot: (n: number, path: string) => Promise<void>
  readonly open: (path: string, options?: Parameters<typeof openPage>[2], prepare?: Parameters<typeof openPage>[3]) => Promise<Opened>
}

/** So many machines that came to their end, the one with the highest number last; and one that no group names. */
async function site (t: Test): Promise<Site> {
  const folder = shortFolder(t)
  for (const name of ['groups', 'profiles', 'ignition', 'state']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'profiles/node.json'), JSON.stringify({ id: 'node', ignition_id: 'node.ign', boot: { kernel: '/assets/vmlinuz', initrd: [], args: [] } }))
  writeFileSync(join(folder, 'groups/all.json'), JSON.stringify({ id: 'all', profile: 'node', selector: { os: 'installed' } }))
  writeFileSync(join(folder, 'ignition/node.ign'), '{"ignition":{"version":"3.4.0"}}')
  for (let n = 0; n < machines; n++) writeFileSync(join(folder, `groups/node-${n}.json`), JSON.stringify({ id: `node-${n}`, profile: 'node', selector: { mac: macOf(n) } }))
  const long = Date.now() - 3_600_000
  const stages = ['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition'] as const
  const records = Array.from({ length: machines }, (_, n) => ({
    mac: macOf(n),
    firstSeen: long,
    lastSeen: long + 1000 * n,
    stage: 'ignition',
    boots: 1,
    address: `10.0.${n >> 8}.${n & 255}`,
    name: `node-${n}`,
    group: `node-${n}`,
    profile: 'node',
    timeline: stages.map((stage, at) => ({ stage, at: long + 1000 * n - 500 * (stages.length - at) }))
  }))
  writeFileSync(join(folder, 'state/machines.jsonl'), [{ format: 'machine', version: 1 }, ...records].map(line => `${JSON.stringify(line)}\n`).join(''))
  const { config, http, ui } = await writePageConfig(folder, { data: folder, state: join(folder, 'state') })
  const program = new Program(['serve', '--config', config])
  t.teardown(() => program.end('SIGKILL'))
  await program.logged('appliance.ready')
  const boot = async (n: number, path: string): Promise<void> => { await (await fetch(`http://127.0.0.1:${http}/${path}?mac=${macOf(n)}`)).text() }
  await boot(machines, 'ipxe')
  const browser = await launchBrowser(t)
  return { url: `http://127.0.0.1:${ui}`, boot, open: (path, options, prepare) => openPage(browser, `http://127.0.0.1:${ui}${path}`, options, prepare) }
}

const rowsOf = async (page: Page, section: string): Promise<number> => await page.locator(`#${section} tbody tr`).count()
const focused = async (page: Page): Promise<string> => await page.evaluate<string>("document.activeElement.closest('tr')?.querySelector('a').textContent ?? document.activeElement.id")

t.test('the first of many; more without JavaScript, at the end of the page, and by keys; any is found', async t => {
  if (!needs(t, 'chromium')) return
  const { boot, open } = await site(t)

  const bare = await open('/ui/', { javaScriptEnabled: false })
  t.same([await rowsOf(bare.page, 'trouble'), await rowsOf(bare.page, 'fine')], [1, firstRows], 'trouble first')
  t.match(await bare.page.locator('#fine .more').textContent(), `the first ${firstRows} of ${machines}`)
  await bare.page.locator('#fine .more a').click()
  t.equal(await rowsOf(bare.page, 'fine'), machines - firstRows)
  t.equal(await bare.page.locator('tbody tr a').last().textContent(), 'node-0')
  t.equal(await bare.page.locator('#trouble, .more').count(), 0)

  const { page, complaints } = await open('/ui/')
  await page.locator('#live', { hasText: /^live$/ }).waitFor()
  t.equal(await rowsOf(page, 'fine'), firstRows)
  // Who comes to the top meanwhile is neither lost nor there twice.
  await boot(3, 'ignition')
  await page.locator('#fine tbody tr:first-child', { hasText: macOf(3) }).waitFor()
  await page.locator('#fine .more').scrollIntoViewIfNeeded()
  await page.locator(`#fine tr[id="m-${macOf(0).replaceAll(':', '-')}"]`).waitFor()
  t.equal(await rowsOf(page, 'fine'), machines)
  t.equal(await page.locator('.more').count(), 0)
  t.equal(await page.evaluate('new Set([...document.querySelectorAll("tbody tr")].map(row => row.id)).size'), machines + 1)

  // By keys alone.
  await page.reload()
  await page.keyboard.press('?')
  t.equal(await page.locator('#keys').textContent(), 'Keys: / searches, j and k go down and up, Enter opens, ? says this')
  await page.keyboard.press('?')
  t.equal(await page.locator('#keys').textContent(), '', 'and takes it back')
  await page.keyboard.press('k')
  t.equal(await focused(page), macOf(machines), 'the first')
  await page.keyboard.press('j')
  t.equal(await focused(page), 'node-3')
  await page.keyboard.press('k')
  t.equal(await focused(page), macOf(machines))
  await page.keyboard.press('k')
  t.equal(await focused(page), macOf(machines), 'there is none above it')
  await page.locator('tbody tr').last().focus()
  await page.keyboard.press('j')
  await page.locator(`tr[id="m-${macOf(0).replaceAll(':', '-')}"]`).waitFor()
  await page.keyboard.press('/')
  t.equal(await focused(page), 'search')
  await page.keyboard.type('?jk/')
  t.equal(await page.locator('#search').inputValue(), '?jk/', 'who types is left alone')
  await page.keyboard.press('Escape')
  t.not(await focused(page), 'search')
  for (const text of ['node-0', macOf(0), '10.0.0.0']) {
    await page.keyboard.press('/')
    await page.locator('#search').fill(text)
    await Promise.all([page.waitForURL(url => url.searchParams.get('q') === text), page.keyboard.press('Enter')])
    t.match(await page.locator('#found').textContent(), '1 machine matches')
    t.equal(await page.locator('#search').inputValue(), text)
  }
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForURL(url => url.pathname === `/ui/machines/${macOf(0)}`)
  t.same(complaints, [])
})

t.test('a search, or a page of one section, keeps its rows, and they stay live', async t => {
  if (!needs(t, 'chromium')) return
  const { boot, open } = await site(t)
  for (const [path, does] of [['/ui/?q=node-7', 'ignition'], ['/ui/?in=fine', 'ipxe']] as const) {
    const { page } = await open(path)
    await page.locator('#live', { hasText: /^live$/ }).waitFor()
    const before = await page.locator('tbody tr').count()
    const row = page.locator(`tr[id="m-${macOf(7).replaceAll(':', '-')}"]`)
    const seen = await row.getAttribute('data-seen')
    await boot(8, does)
    await boot(7, does)
    await page.locator(`tr[id="m-${macOf(7).replaceAll(':', '-')}"]:not([data-seen="${seen}"])`).waitFor()
    t.equal(await page.locator('tbody tr').count(), before, path)
    await page.context().close()
  }
})

t.test('a list in which somebody went on is not made anew, and says so', async t => {
  if (!needs(t, 'chromium')) return
  const { boot, open } = await site(t)
  for (let n = 1; n <= strangerRows; n++) await boot(machines + n, 'ipxe')
  const { page, complaints } = await open('/ui/strangers', {}, async page => { await page.clock.install() })
  await page.clock.fastForward(11_000)
  await page.locator('#live', { hasText: /^live$/ }).waitFor()
  t.equal(await rowsOf(page, 'strangers'), strangerRows)
  await page.locator('.more a').click()
  await page.locator('#live', { hasText: /^not live: more than its first part is here$/ }).waitFor()
  await page.evaluate('document.activeElement.blur()')
  let asked = 0
  page.on('request', () => { asked++ })
  await page.clock.fastForward(61_000)
  t.same([await rowsOf(page, 'strangers'), asked], [strangerRows + 1, 0])
  t.same(complaints, [])
})

t.test('it fits: a small laptop, a phone, a wall, paper', async t => {
  if (!needs(t, 'chromium')) return
  const { open } = await site(t)
  for (const [name, path, width, height] of [['laptop', '/ui/', 1024, 768], ['desk', '/ui/', 1200, 900], ['tablet', '/ui/', 800, 1000], ['phone', '/ui/', 390, 844], ['wall', '/ui/?wall', 1920, 1080]] as const) {
    const { page, complaints } = await open(path, { viewport: { width, height }, bypassCSP: true })
    const wide = await page.evaluate('[document.documentElement, ...document.querySelectorAll(".scroll")].filter(part => part.scrollWidth > part.clientWidth + 1).length')
    t.equal(wide, 0, `${name}: nothing to scroll sideways`)
    t.same(await axeFindings(page), [], name)
    t.same(complaints, [], name)
    await keepPicture(page, `boots-${name}`)
    await page.context().close()
  }
  const { page } = await open('/ui/', { colorScheme: 'dark' })
  await page.emulateMedia({ media: 'print' })
  t.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)')
  t.equal(await page.evaluate("getComputedStyle(document.querySelector('tbody a')).color === 'rgb(121, 184, 255)'"), false, 'dark ink, whatever the screen has')
  for (const gone of ['header', '.more']) t.notOk(await page.locator(gone).first().isVisible(), gone)
  t.ok(await page.locator('#verdict').isVisible())
  t.ok((await page.pdf({ format: 'A4' })).length > 10_000)
  await keepPicture(page, 'boots-paper')
})

t.test('what is copied is what is shown, and safe to paste', async t => {
  if (!needs(t, 'chromium')) return
  const { url, open } = await site(t)
  const { page, complaints } = await open('/ui/strangers')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url })
  const copied: string[] = []
  for (const what of ['Group', 'Terraform', 'Command']) {
    const part = page.locator('details', { has: page.locator('summary', { hasText: new RegExp(`^${what}$`) }) }).first()
    await part.locator('summary').click()
    await part.locator('.copy').click()
    await part.locator('.copy', { hasText: /^Copied$/ }).waitFor()
    const text = await page.evaluate<string>('navigator.clipboard.readText()')
    t.equal(text, await part.locator('code').textContent(), what)
    copied.push(text)
  }
  const mac = macOf(machines)
  t.same(JSON.parse(copied[0]!), { id: mac.replaceAll(':', '-'), profile: 'PROFILE', selector: { mac } })
  t.match(copied[1], new RegExp(`^resource "matchbox_group" "m_[0-9a-f]{12}" \\{\n  name    = "[0-9a-f-]{17}"\n  profile = matchbox_profile\\.PROFILE\\.name\n  selector = \\{\n    mac = "${mac}"\n  \\}\n\\}$`))
  t.match(copied[2], /^core-provisioner machines adopt [0-9a-f:]{17} --name NAME --ip ADDRESS --profile PROFILE$/)
  t.same(complaints, [])
})
