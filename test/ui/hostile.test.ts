// Everything that a machine says of itself, through the sockets that machines have, on every page in a browser: it is text. Nothing is made
// of it, the pages' policy has nothing to refuse, and what the pages give to copy is what it was.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import t from 'tap'
import { launchBrowserIn, openPage } from '../helpers/browser.js'
import { namespaceProblem } from '../helpers/netns.js'
import { networkSite } from '../helpers/network-site.js'
import { able, needs } from '../helpers/tools.js'
import { omahaRequest } from '../helpers/update-nodes.js'

const card = '52:54:00:00:05:01'
const known = '52:54:00:00:05:02'
/** Ends a tag, an attribute, a line of a shell, a string of JSON and of HCL; and is told from what other fields say. */
const hostile = (field: string): string => `${field}"'><img src=x onerror=alert(1)><script>alert(2)</script>\`id\`$(id)\${id}%{x}&lt;`
const octets = (text: string): Buffer => Buffer.from(text)

const option = (code: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([code, value.length]), value])

/** A DISCOVER (1) or REQUEST (3) as it is on the wire, through a relay agent where `giaddr` is one. */
function dhcp (type: 1 | 3, xid: number, options: readonly Buffer[], giaddr = [0, 0, 0, 0]): Buffer {
  const head = Buffer.alloc(236)
  head.set([1, 1, 6, giaddr.some(Boolean) ? 1 : 0, 0x5a, 3, 1, xid])
  head.writeUInt16BE(0x8000, 10)
  head.set(giaddr, 24)
  head.set(Buffer.from(card.replaceAll(':', ''), 'hex'), 28)
  return Buffer.concat([head, Buffer.from([99, 130, 83, 99, 53, 1, type]), ...options, Buffer.from([255])])
}

const bootOptions = [option(60, octets('PXEClient:Arch:00007:UNDI:003016')), option(93, Buffer.from([0, 7])), option(94, Buffer.from([1, 3, 16])), option(55, Buffer.from([1, 3, 66, 67]))]

/** By DHCP: what stands in one field, and where of the machine's page it is to be read. */
const dhcpFields: ReadonlyArray<readonly [field: string, options: readonly Buffer[], isShown: boolean]> = [
  ['hostname', [option(12, octets(hostile('hostname').slice(0, 200)))], true],
  ['vendor', [option(60, octets(`PXEClient:Arch:00007:UNDI:003016:${hostile('vendor')}`))], true],
  ['user-class', [option(77, octets(hostile('user-class')))], true],
  ['client-id', [option(61, Buffer.concat([Buffer.from([0]), octets(hostile('client-id'))]))], true],
  ['option-43', [option(43, octets(hostile('option-43')))], false],
  ['option-97', [option(97, octets(`\u0000${hostile('uuid').slice(4, 20)}`))], false],
  ['bootfile', [option(67, octets(hostile('bootfile')))], true],
  ['tftp-server', [option(66, octets(hostile('tftp-server')))], true],
  ['message', [option(56, octets(hostile('message')))], false],
  ['domain', [option(15, octets(hostile('domain')))], false],
  ['circuit', [option(82, Buffer.concat([option(1, octets(hostile('circuit').slice(0, 110))), option(2, octets(hostile('remote').slice(0, 110)))]))], false]
]

const labels = ['uuid', 'serial', 'hostname', 'asset', 'manufacturer', 'product', 'platform', 'buildarch', 'domain', 'os', 'net0/mac', 'x"><img src=y>'] as const

/** Sends one datagram from inside a namespace. */
const say = `const [data, port, to, from] = process.argv.slice(1)
const socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true })
socket.bind(Number(from), () => { socket.setBroadcast(true); socket.send(Buffer.from(data, 'base64'), Number(port), to, () => { socket.close() }) })`

/** Runs in each page before anything else: what its policy refuses. */
const listener = "globalThis.refused = []; document.addEventListener('securitypolicyviolation', event => { refused.push(event.violatedDirective + ' ' + event.blockedURI) })"
const refused = async (page: Page): Promise<readonly string[]> => await page.evaluate<string[]>('refused')

t.test('names, labels, options, files and agents that would be something else are text on every page', async t => {
  if (!able(t, namespaceProblem()) || !needs(t, 'chromium', 'curl')) return
  const { space, start, folder } = networkSite(t, {
    data: {
      groups: { 'node.json': JSON.stringify({ id: 'node', profile: 'node', selector: { mac: known } }) },
      profiles: { 'node.json': JSON.stringify({ id: 'node', ignition_id: 'node.ign', boot: { kernel: '/assets/vmlinuz', initrd: [], args: [] } }) },
      ignition: { 'node.ign': '{"ignition":{"version":"3.4.0"}}' }
    },
    assets: {},
    tftp: {}
  }, folder => `tftp: { root: ${folder}/tftp }
ui: { address: "127.0.0.1:8082" }
updates: { groups: [{ name: workers, os: flatcar, channel: stable }] }
dhcp: { mode: server, interface: br0, allow_other_servers: true, subnets: [{ subnet: 172.30.0.0/24 }], reservations: [{ mac: "${card}", ip: 172.30.0.21 }, { mac: "${known}", ip: 172.30.0.22 }] }`)
  const program = await start()
  const machine = space.client('br0', card)
  machine.ip('address', 'add', '172.30.0.21/24', 'dev', 'eth0')
  machine.ip('route', 'add', '255.255.255.255', 'dev', 'eth0')
  const tell = (data: Buffer, port: number, to: string, from: number): void => { machine.exec(process.execPath, '-e', say, data.toString('base64'), String(port), to, String(from)) }
  const curl = (address: string, ...more: readonly string[]): string => machine.exec('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', ...more, address)
  const query = new URLSearchParams(labels.map((name): [string, string] => [name, hostile(name)])).toString()
  const server = 'http://172.30.0.1:8080'

  for (const [xid, [, options]] of dhcpFields.entries()) {
    const codes = new Set(options.map(one => one[0]))
    tell(dhcp(1, xid, [...bootOptions.filter(one => !codes.has(one[0])), ...options], codes.has(82) ? [172, 30, 0, 21] : undefined), 67, '255.255.255.255', codes.has(82) ? 67 : 68)
  }
  // What comes by TFTP is a machine's whose lease the address is.
  tell(dhcp(3, dhcpFields.length, [...bootOptions, option(50, Buffer.from([172, 30, 0, 21])), option(54, Buffer.from([172, 30, 0, 1]))]), 67, '255.255.255.255', 68)
  await program.line(/"msg":"dhcp\.ack"/)
  tell(Buffer.concat([Buffer.from([0, 1]), octets(hostile('tftp-file')), Buffer.from([0]), octets('octet'), Buffer.from([0])]), 69, '172.30.0.1', 2069)
  tell(Buffer.concat([Buffer.from([0, 5, 0, 0]), octets(hostile('tftp-error')), Buffer.from([0])]), 69, '172.30.0.1', 2069)
  for (const mac of [card, known]) {
    for (const path of ['ipxe', 'ignition', 'metadata', 'grub', 'cloud', 'generic']) curl(`${server}/${path}?mac=${mac}&${query}`, '-A', hostile('agent'), '-H', `Referer: ${hostile('referer')}`)
    curl(`${server}/assets/${encodeURIComponent(hostile('asset-file'))}`)
  }
  const xml = (text: string): string => text.replace(/[&<>"']/g, letter => `&#${letter.charCodeAt(0)};`)
  const node = omahaRequest({ version: '4230.2.1', track: 'workers', machineId: xml(hostile('machine-id')), alias: xml(hostile('alias')), board: xml(hostile('board')), check: true, event: { type: 3, result: 0, errorCode: 9, previous: xml(hostile('previous')) } })
  t.equal(curl(`${server}/v1/update/`, '-H', 'content-type: text/xml', '-d', node), '200')
  t.notMatch(program.output(), /"level":(?:50|60)/, 'nothing of it is an error of the program')

  const browser = await launchBrowserIn(t, space)
  const base = 'http://127.0.0.1:8082'
  const prepare = async (page: Page): Promise<void> => { await page.addInitScript(listener) }
  const paths = ['/ui/', '/ui/?wall', `/ui/?q=${encodeURIComponent(hostile('hostname'))}`, `/ui/?q=x&in=${encodeURIComponent(hostile('in'))}&after=${encodeURIComponent(hostile('after'))}`,
    `/ui/machines/${card}`, `/ui/machines/${known}`, '/ui/strangers', '/ui/fleet', '/ui/network', '/ui/images', '/ui/store', '/ui/health']
  const texts = new Map<string, string>()
  for (const path of paths) {
    const { page, complaints } = await openPage(browser, `${base}${path}`, undefined, prepare)
    t.equal(await page.locator('main img, main script, main iframe, main [onerror], main [style]').count(), 0, path)
    t.same(await refused(page), [], path)
    t.same(complaints, [], path)
    texts.set(path, await page.locator('main').textContent() ?? '')
    await page.context().close()
  }
  const shown = texts.get(`/ui/machines/${card}`) ?? ''
  for (const [field, , isShown] of dhcpFields) {
    const said = `${field}"'><img src=x`
    const forms = [said, JSON.stringify(said).slice(1, -1), octets(said).toString('hex')]
    if (isShown) t.ok(forms.some(form => shown.includes(form)), `${field} is shown as it was said, quoted, or as octets`)
  }
  t.ok(shown.includes('serial"\'><img'), 'a label of a query')
  t.match(shown, /tftp-file\\?"'><img/, 'the name of a file')
  t.ok((texts.get('/ui/') ?? '').includes('hostname"\'><img'), 'and on the ladder')

  // The listener hears what it is there for.
  const { page } = await openPage(browser, `${base}/ui/`, undefined, prepare)
  await page.evaluate(`new Promise(resolve => {
  document.addEventListener('securitypolicyviolation', resolve, { once: true })
  document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=http://192.0.2.1/x onerror=alert(1)>')
})`)
  t.not((await refused(page)).length, 0)

  // Saved for a ticket, it is opened from a disk, where no server's policy is.
  for (const mac of [card, known]) {
    const saved = space.exec('curl', '-s', `${base}/ui/machines/${mac}?save`)
    const file = join(folder, `${mac.replaceAll(':', '-')}.html`)
    writeFileSync(file, saved)
    const { page, complaints } = await openPage(browser, pathToFileURL(file).href, undefined, prepare)
    t.equal(await page.locator('img, script, iframe, link, [onerror]').count(), 0, 'saved')
    t.same([...complaints, ...await refused(page)], [], 'saved')
    t.ok((await page.locator('main').textContent() ?? '').includes('serial"\'><img'))
  }
})
