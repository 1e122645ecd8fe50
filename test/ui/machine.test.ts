// A machine that boots twice, through the whole program and seen in a browser: by real DHCP clients in a namespace. The second boot stops
// where the first went on.
import t from 'tap'
import { axeFindings, keepPicture, launchBrowserIn, openPage } from '../helpers/browser.js'
import { namespaceProblem } from '../helpers/netns.js'
import { networkSite } from '../helpers/network-site.js'
import { able, needs } from '../helpers/tools.js'

const card = '52:54:00:00:03:01'

t.test('a boot beside the one before: both as bars, as a table, and in words what differs', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'chromium', 'udhcpc', 'curl')) return
  const { space, start } = networkSite(t, {
    data: {
      groups: { 'node.json': JSON.stringify({ id: 'node', profile: 'node', selector: { mac: card } }) },
      profiles: { 'node.json': JSON.stringify({ id: 'node', ignition_id: 'node.ign', boot: { kernel: '/assets/vmlinuz', initrd: [], args: [] } }) },
      ignition: { 'node.ign': '{"ignition":{"version":"3.4.0"}}' }
    },
    tftp: {}
  }, folder => `tftp: { root: ${folder}/tftp }
ui: { address: "127.0.0.1:8082" }
dhcp: { mode: server, interface: br0, subnets: [{ subnet: 172.30.0.0/24 }], reservations: [{ mac: "${card}", ip: 172.30.0.21 }] }`)
  await start()
  const machine = space.client('br0', card)
  const boot = async (...paths: readonly string[]): Promise<void> => {
    const rom = ['-V', 'PXEClient:Arch:00000:UNDI:002001', '-x', '0x5d:0000']
    const asking = machine.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', ...rom, '-s', '/bin/true', '-t', '10', '-T', '1')
    t.equal(await asking.ended, 0, asking.output())
    machine.ip('address', 'replace', '172.30.0.21/24', 'dev', 'eth0')
    for (const path of paths) machine.exec('curl', '-s', '-f', '-o', '/dev/null', `http://172.30.0.1:8080${path}?mac=${card}`)
    machine.ip('address', 'flush', 'dev', 'eth0')
  }
  const url = `http://127.0.0.1:8082/ui/machines/${card}`
  const browser = await launchBrowserIn(t, space)

  await boot('/ipxe', '/ignition')
  const first = await openPage(browser, url)
  t.equal(await first.page.locator('svg.waterfall .before').count(), 0)
  t.equal(await first.page.locator('#differs').count(), 0, 'there is none before it')

  await boot('/ipxe')
  const listed = (): { trouble?: object, history: Array<{ stages?: object }> } =>
    JSON.parse(space.exec('curl', '-s', `http://127.0.0.1:8080/v1/machines/${card}`)) as ReturnType<typeof listed>
  const look = async () => {
    const before = listed().trouble !== undefined
    const opened = await openPage(browser, url)
    const row = opened.page.locator('tr', { has: opened.page.locator('th', { hasText: /^ignition$/ }) })
    const texts = [await opened.page.locator('#differs').textContent(), await row.textContent()]
    return { ...opened, texts, isStopped: before, isSure: before === (listed().trouble !== undefined) }
  }
  // On a busy machine the boot may be taken for one that stands still: at any moment, and from then on.
  const seen = await look()
  const { page, complaints, texts, isStopped } = seen.isSure ? seen : await look()
  const stages = await page.locator('svg.waterfall g > text:first-of-type').allTextContents()
  t.same(stages, ['discover', 'offer', 'ack', 'script', 'ignition'])
  t.equal(await page.locator('svg.waterfall .before').count(), 5)
  t.equal(await page.locator('svg.waterfall .good').count(), 4)
  const told = `${isStopped ? 'not reached' : 'not reached yet'}; the boot before was here after`
  t.match(texts[0], new RegExp(`^Unlike the boot before: .*ignition: ${told} \\d+\\.\\d s\\.$`))
  t.match(texts[1], new RegExp(`^ignition--\\d+\\.\\d s-${told} \\d+\\.\\d s`))
  t.equal(await page.locator('section', { has: page.locator('#title-before') }).locator('tbody tr').count(), 1)
  t.match(await page.locator('main').textContent(), /node chosen/)
  t.same([...first.complaints, ...complaints], [])
  for (const colorScheme of ['light', 'dark'] as const) {
    const again = await openPage(browser, url, { bypassCSP: true, colorScheme })
    t.same(await axeFindings(again.page), [])
    await keepPicture(again.page, `machine-${colorScheme}`)
  }

  t.same(Object.keys(listed().history[0]?.stages ?? {}), ['discover', 'offer', 'ack', 'script', 'ignition'])
})
