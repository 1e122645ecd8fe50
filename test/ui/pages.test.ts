// The pages as text: what a machine says of itself does nothing in them, and trouble stands first.
import t from 'tap'
import type { MachineShown } from '../../src/control/machine-shown.js'
import { bootsPage, ladderRowHtml } from '../../src/ui/boots-page.js'
import { Fleet } from '../../src/ui/fleet.js'
import { fleetPage } from '../../src/ui/fleet-page.js'
import { escapeHtml, html } from '../../src/ui/html.js'
import { ladderRow, sectionOf } from '../../src/ui/ladder.js'
import { healthPage } from '../../src/ui/health-page.js'
import { imagesPage } from '../../src/ui/images-page.js'
import { storePage } from '../../src/ui/store-page.js'
import { strangersPage } from '../../src/ui/strangers-page.js'
import { networkPage, type NetworkShown } from '../../src/ui/network-page.js'
import { machinePage } from '../../src/ui/machine-page.js'
import { vendorOf, Vendors } from '../../src/ui/vendors.js'
import type { Mac } from '../../src/net/mac.js'

const now = Date.parse('2026-11-28T12:00:00Z')
const iso = (before: number): string => new Date(now - before).toISOString()
const machine = (more: Partial<MachineShown> = {}): MachineShown => ({
  mac: '52:54:00:00:00:01' as Mac,
  known: true,
  state: 'configured',
  firstSeen: iso(100_000),
  lastSeen: iso(5000),
  boots: 1,
  stage: 'loader',
  timeline: [{ stage: 'discover', at: iso(9000), ms: 0 }, { stage: 'ack', at: iso(8000), ms: 1000 }, { stage: 'loader', at: iso(5000), ms: 4000, detail: 'undionly.kpxe' }],
  ...more
})

t.test('rungs', t => {
  const states = (shown: MachineShown): string[] => ladderRow(shown, now).rungs.map(({ state, seconds }) => seconds === undefined ? state : `${state} ${seconds}`)
  t.same(states(machine()), ['done 0', 'none', 'done 1', 'now 3', 'none', 'none', 'none', 'none', 'none'])
  t.same(states(machine({ trouble: { reason: 'x', look: 'y' } }))[3], 'late 3')
  t.same(states(machine({ timeline: [{ stage: 'script', at: iso(0), ms: 0, failed: 'no group matches' }] }))[4], 'failed 0')
  t.same(sectionOf({ stage: 'loader', lastSeen: now - 700_000 }, false, now), 'fine')
  t.same(sectionOf({ stage: 'installed', lastSeen: now }, false, now), 'fine')
  t.end()
})

t.test('text of machines is text', t => {
  const hostile = '"><script>alert(1)</script><img src=x onerror=\'alert(2)\'>&\u001b[2J\u202e'
  const said = machine({
    name: hostile,
    address: hostile,
    group: hostile,
    profile: hostile,
    vendorClass: hostile,
    architecture: hostile,
    firmware: hostile,
    uuid: hostile,
    serial: hostile,
    trouble: { reason: hostile, look: hostile },
    history: [{ at: iso(0), ms: 1, stage: 'ack', reason: hostile }],
    timeline: [{ stage: 'discover', at: iso(0), ms: 0, detail: hostile, failed: hostile, warning: hostile }]
  })
  const details = {
    machine: said,
    now,
    lease: { address: hostile, until: hostile, state: hostile },
    candidates: [{ group: hostile, profile: hostile, isChosen: true, wants: [{ key: hostile, value: hostile, said: hostile, fits: false }] }],
    documents: [{ name: hostile, text: hostile, note: hostile }],
    packets: [{ at: now, from: hostile, to: hostile, words: hostile, details: hostile }],
    pcap: hostile
  }
  const pages = [
    bootsPage({ parts: [{ section: 'trouble', rows: [ladderRow(said, now)], before: 0, next: { lastSeen: 1, mac: hostile } }], counts: { trouble: 1, booting: 0, fine: 0 }, now, lastBoot: undefined, hours: [], query: hostile, wall: false, problems: [hostile] }),
    machinePage(details), machinePage({ ...details, style: '' }), strangersPage({ strangers: [said], vendors: new Map([[said.mac, hostile]]), now, count: 1, before: 0, more: hostile }),
    networkPage({
      mode: hostile,
      interfaces: [hostile],
      origin: hostile,
      subnets: [{ subnet: hostile, range: hostile, used: 1, size: 2, reservations: 1 }],
      relays: [{ address: hostile, subnet: hostile, times: 1, firstSeen: now, lastSeen: now }, { address: hostile, subnet: undefined, times: 1, firstSeen: now, lastSeen: now }],
      servers: [{ address: hostile, subnet: undefined, times: 1, firstSeen: now, lastSeen: now }],
      passedOver: 1,
      now
    }),
    imagesPage({
      sources: [{ source: hostile, version: hostile, error: { text: hostile } }],
      underWay: [{ source: hostile, version: hostile, file: hostile, received: 1, total: undefined }],
      releases: [{ path: hostile, os: hostile, version: hostile, aliases: [hostile], bytes: 1, ageSeconds: 1, keys: [hostile], problems: { [hostile]: hostile } }],
      count: 2,
      bootedBy: () => [hostile],
      now
    }),
    storePage({
      places: { groups: 0, profiles: 0 },
      groupCount: 2,
      profileCount: 2,
      groups: [{ id: hostile, profile: hostile, selector: hostile, machines: 1 }],
      profiles: [{ id: hostile, kernel: hostile, config: hostile, groups: 1 }],
      problems: [{ where: hostile, message: hostile }]
    }),
    fleetPage({ hours: new Fleet().spans(now, 24, 60), pieces: new Fleet().spans(now, 288, 5), since: undefined }),
    healthPage({ checks: [{ about: hostile, level: 'problem', text: hostile, fix: hostile }], at: now, now, version: hostile }), ladderRowHtml(ladderRow(said, now), now)
  ]
  for (const [at, { text }] of pages.entries()) {
    t.notMatch(text.replaceAll('<script src="/ui/live.js" defer></script>', ''), /<script|<img|onerror='/, `page ${at}`)
    t.notOk(text.includes('\u001b') || text.includes('\u202e'), `page ${at} turns nothing around`)
    t.notMatch(text, / style=| on\w+="/, `page ${at} needs nothing that the policy forbids`)
  }
  t.equal(escapeHtml('<a href=\'x\' title="y">&'), '&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;')
  t.equal(html`${undefined}${false}${0}${[html`<b>`, html`</b>`]}`.text, '0<b></b>')
  t.end()
})

t.test('nothing wrong, and how it is said', t => {
  const page = (trouble: number, lastBoot?: number): string =>
    bootsPage({ parts: [], counts: { trouble, booting: 0, fine: 0 }, now, lastBoot, hours: [], query: '', wall: true, problems: [] }).text
  t.match(page(0), 'Nothing wrong. No boot has been seen yet')
  t.match(page(0, now - 7_300_000), 'Nothing wrong. The last boot ended 2 h ago')
  t.match(page(1), '1 machine is in trouble')
  t.match(page(2), '2 machines are in trouble')
  t.match(page(0), '<html lang="en" class="wall">')
  t.end()
})

t.test('who else speaks DHCP: at its subnet, beside the interface, and no more than there is room for', t => {
  const seen = (address: string, subnet?: string): NetworkShown['relays'][number] => ({ address, subnet, times: 3, firstSeen: now - 60_000, lastSeen: now - 5000 })
  const shown = (more: Partial<NetworkShown>): string => networkPage({
    mode: 'server', interfaces: ['br0'], origin: 'http://172.30.0.1:8080', subnets: [{ subnet: '172.31.0.0/24', range: undefined, used: 0, size: 0, reservations: 0 }], relays: [], servers: [], passedOver: 0, now, ...more
  }).text
  const nobody = shown({})
  t.match(nobody, 'No other DHCP server was seen, and no relay agent, since this service started.')
  t.notMatch(nobody, /<h2>/)
  const some = shown({ relays: [seen('172.31.0.1', '172.31.0.0/24'), seen('10.9.0.1')], servers: [seen('172.30.0.5')], passedOver: 7 })
  const texts = [...some.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)
  t.same(texts, [
    'another DHCP server: 172.30.0.5', '3 messages, the last 5 s ago', 'br0', 'http://172.30.0.1:8080', 'relay agent 172.31.0.1', '3 messages, the last 5 s ago',
    '172.31.0.0/24', 'no range; 0 reservations', 'relay agent 10.9.0.1, in no subnet', '3 messages, the last 5 s ago'
  ])
  t.match(some, '1 other DHCP server was seen, and 2 relay agents, since this service started. 7 messages named further addresses, too many to write down.')
  t.match(some, /<th scope="row">10\.9\.0\.1<\/th><td>none<\/td><td>3<\/td><td>2026-11-28T11:59:00\.000Z<\/td>/)
  t.match(shown({ mode: 'proxy', servers: [seen('172.30.0.5')] }), 'the network&#39;s own DHCP server: 172.30.0.5')
  t.notMatch(shown({ mode: 'proxy', servers: Array.from({ length: 40 }, (_, n) => seen(`10.8.0.${n}`)) }), 'class="odd"', 'beside a proxy none of them is odd, however many')
  const many = shown({ relays: Array.from({ length: 40 }, (_, n) => seen(`10.9.0.${n}`)), servers: Array.from({ length: 40 }, (_, n) => seen(`10.8.0.${n}`)) })
  t.match(many, />34 more relay agents</)
  t.match(many, />34 more DHCP servers</)
  t.equal(many.match(/<tr><th scope="row">10\./g)?.length, 80, 'all of them in the tables')
  t.end()
})

t.test('a light a check, as a word too, with the fix to copy', t => {
  const { text } = healthPage({
    checks: [
      { about: 'ready', level: 'ok', text: 'all is well' }, { about: 'tftp', level: 'ok', text: '69/udp is listened on' },
      { about: 'tftp', level: 'problem', text: '69/udp is shared with atftpd', fix: 'systemctl disable --now atftpd' }, { about: 'images', level: 'note', text: 'never fetched' }
    ],
    at: now - 30_000,
    now,
    version: '1'
  })
  const rows = [...text.matchAll(/<tr><td><span class="light (\w+)"><span class="sign" aria-hidden="true">(.)<\/span> (\w+)<\/span><\/td><th scope="row">(\w+)<\/th>/g)].map(([, ...found]) => found.join(' '))
  t.same(rows, ['problem ✗ problem tftp', 'note i note images', 'ok ✓ good ready'], 'the worst first, and of each check its worst')
  t.match(text, /shared with atftpd<details><summary>the fix<\/summary><pre tabindex="0"><code>systemctl disable --now atftpd<\/code><\/pre><button type="button" class="copy">Copy/)
  t.equal(text.match(/class="copy"/g)?.length, 1, 'nothing to copy where nothing mends it')
  t.match(text, '1 problem, 0 warnings, 1 note, 1 good. doctor looked 30 s ago')
  t.match(healthPage({ checks: [], at: undefined, now, version: '1' }).text, 'doctor has not looked yet')
  t.end()
})

t.test('a sync under way: which file, octets of octets', t => {
  const fetching = (received: number, total: number | undefined): string => imagesPage({
    sources: [{ source: 'flatcar-stable' }, { source: 'other' }],
    releases: [],
    count: 0,
    underWay: [{ source: 'flatcar-stable', version: '4230.2.1', file: 'flatcar_production_pxe.vmlinuz', received, total }],
    bootedBy: () => [],
    now
  }).text
  t.match(fetching(1_500_000, 60_000_000), /<h2>flatcar-stable<\/h2>\n<p>nothing yet<\/p><p class="fetch">fetches 4230.2.1: flatcar_production_pxe.vmlinuz<br>\n<progress aria-label="flatcar_production_pxe.vmlinuz" max="60000000" value="1500000"><\/progress><br>\n1,500,000 of 60,000,000 octets<\/p>/)
  t.equal(fetching(1, 2).match(/class="fetch"/g)?.length, 1, 'at its own source')
  t.match(fetching(7, undefined), /<progress aria-label="[^"]+"><\/progress><br>\n7 of unknown octets<\/p>/)
  t.match(fetching(8, 8), '8 of 8 octets, is verified now')
  t.match(fetching(1, 2), 'data-every="2"')
  t.end()
})

t.test("whose card it is, by this machine's udev", async t => {
  const folder = t.testdir({
    '20-OUI.hwdb': `# comment
OUI:0055DA*
 ID_OUI_FROM_DATABASE=IEEE Registration Authority

OUI:0055DA0*
 ID_OUI_FROM_DATABASE=Shinko Technos co.,ltd.
${'#'.repeat(70_000)}
OUI:001122*
 ID_OUI_FROM_DATABASE=CIMSYS <Inc>
`
  })
  const vendors = new Vendors([`${folder}/none`, `${folder}/20-OUI.hwdb`])
  const [small, large, other, virtual, none] = ['00:55:da:01:02:03', '00:55:da:f1:02:03', '00:11:22:33:44:55', '52:54:00:00:00:01', '00:99:99:99:99:99']
  t.same([...await vendors.namesOf([small, large, other, virtual, none])], [
    [small, 'Shinko Technos co.,ltd.'], [large, 'IEEE Registration Authority'], [other, 'CIMSYS <Inc>'], [virtual, 'QEMU/KVM']
  ])
  t.same([...await new Vendors([`${folder}/none`]).namesOf([other, virtual])], [[virtual, 'QEMU/KVM']])
})

t.test('whose card it is', t => {
  t.same([vendorOf('52:54:00:12:34:56'), vendorOf('88:a2:9e:00:00:01'), vendorOf('02:00:00:00:00:01'), vendorOf('00:11:22:33:44:55')], ['QEMU/KVM', 'Raspberry Pi', 'made up (locally administered)', undefined])
  t.end()
})

t.test('what is wrong a hundred thousand times is told by a light', t => {
  const checks = Array.from({ length: 150_000 }, (_, n) => ({ about: 'store', level: n === 7 ? 'problem' : 'warning', text: 'x' } as const))
  t.match(healthPage({ checks, at: now, now, version: '1' }).text, '<p>1 problem, 0 warnings, 0 notes, 0 good. doctor looked 0 s ago.')
  t.end()
})
