// The network page in a browser, in the namespace where the program runs: a relay agent and another DHCP server come, are seen by what
// real machines send, and stand in the picture and the tables without the page being loaded again.
import t, { type Test } from 'tap'
import { axeFindings, keepPicture, launchBrowserIn, type Opened, openPage } from '../helpers/browser.js'
import { dnsmasq } from '../helpers/dnsmasq.js'
import { namespaceProblem, type NetworkNamespace } from '../helpers/netns.js'
import { askForAddress, networkSite } from '../helpers/network-site.js'
import { relayAgent } from '../helpers/relay-agent.js'
import { able, needs } from '../helpers/tools.js'

const url = 'http://127.0.0.1:8082/ui/network'
/** Milliseconds: a page renews itself every ten seconds. */
const patience = { timeout: 240_000 }

async function browserIn (t: Test, space: NetworkNamespace): Promise<(bypassCSP?: boolean) => Promise<Opened>> {
  const browser = await launchBrowserIn(t, space)
  return (bypassCSP = false) => openPage(browser, url, { bypassCSP })
}

t.test('a relay agent and another DHCP server', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'chromium', 'dhcrelay', 'dnsmasq', 'udhcpc')) return
  const { space, start } = networkSite(t, { data: { groups: {}, profiles: {} }, tftp: {} }, folder => `tftp: { root: ${folder}/tftp }
ui: { address: "127.0.0.1:8082" }
dhcp:
  mode: server
  interface: br0
  allow_other_servers: true
  subnets: [{ subnet: 172.30.0.0/24 }, { subnet: 172.31.0.0/24 }]
  reservations: [{ mac: "52:54:00:00:02:01", ip: 172.31.0.21 }]`)
  await start()
  const open = await browserIn(t, space)
  const { page, complaints } = await open()
  t.match(await page.locator('#again > p').textContent(), 'No other DHCP server was seen, and no relay agent, since this service started.')

  const { relay } = await relayAgent(space)
  t.match(await askForAddress(relay.client('down0', '52:54:00:00:02:01')), /lease of 172\.31\.0\.21 obtained/)
  await page.locator('svg text', { hasText: /^relay agent 172\.31\.0\.1$/ }).waitFor(patience)
  const row = page.locator('tr', { has: page.locator('th', { hasText: /^172\.31\.0\.1$/ }) })
  t.match(await row.textContent(), /172\.31\.0\.0\/24\d+\d{4}-\d\d-\d\dT/)

  // Whom nobody named is answered by that server alone, and takes its offer.
  await dnsmasq(space)
  t.match(await askForAddress(space.client('br0', '52:54:00:00:02:02')), /lease of 172\.30\.0\.2\d\d obtained from 172\.30\.0\.5/)
  await page.locator('svg text', { hasText: /^another DHCP server: 172\.30\.0\.5$/ }).waitFor(patience)
  t.match(await page.locator('#again > p').textContent(), '1 other DHCP server was seen, and 1 relay agent')
  t.match(await page.locator('tr', { has: page.locator('th', { hasText: /^172\.30\.0\.5$/ }) }).textContent(), /172\.30\.0\.0\/241\d{4}-/)
  t.same(complaints, [])
  const again = await open(true)
  t.same(await axeFindings(again.page), [])
  await keepPicture(page, 'network')
})

t.test("beside the network's own DHCP server (mode proxy) it is no trouble, and seen all the same", async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'chromium', 'dnsmasq', 'udhcpc')) return
  const { space, start } = networkSite(t, { data: { groups: {}, profiles: {} }, tftp: {} }, folder => `tftp: { root: ${folder}/tftp }
ui: { address: "127.0.0.1:8082" }
dhcp: { mode: proxy, interface: br0 }`)
  await dnsmasq(space)
  const program = await start()
  t.match(await askForAddress(space.client('br0', '52:54:00:00:02:02')), /obtained from 172\.30\.0\.5/)
  const { page, complaints } = await (await browserIn(t, space))()
  await page.locator('svg text', { hasText: /^the network's own DHCP server: 172\.30\.0\.5$/ }).waitFor(patience)
  t.equal(await page.locator('svg .odd').count(), 0)
  t.match(await page.locator('main').textContent(), 'That the network has one is as it should be.')
  t.same(complaints, [])
  t.notMatch(program.output(), /dhcp\.other_server/)
})
