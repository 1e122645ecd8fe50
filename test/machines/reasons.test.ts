import t from 'tap'
import type { Machine, Stage, TimelineEntry } from '../../src/machines/machine.js'
import { addressRefusals, reasonTable, troubleOf } from '../../src/machines/reasons.js'
import { parseMac, type Mac } from '../../src/net/mac.js'

const mac = parseMac('52:54:00:00:00:01') as Mac
type Line = readonly [stage: Stage, more?: Omit<TimelineEntry, 'stage' | 'at'>]

const machine = (lines: readonly Line[], more: Partial<Machine> = {}): Machine =>
  ({ mac, firstSeen: 0, lastSeen: 0, boots: 1, profile: 'core', timeline: lines.map(([stage, rest = {}], at) => ({ stage, at, ...rest })), ...more })

/** A row of the table, what was seen, and the words for it. */
const cases: ReadonlyArray<readonly [id: string, lines: readonly Line[], reason: RegExp, look: RegExp]> = [
  ['unknown_client', [['discover', { code: 'unknown_client', failed: 'unknown_client' }]], /has no reservation/, /mac=52:54:00:00:00:01/],
  ['pool_exhausted', [['discover', { code: 'pool_exhausted', failed: 'pool_exhausted' }]], /has none left/, /leases list/],
  ['no_range', [['discover', { code: 'no_range', failed: 'no_range' }]], /has no range/, /dhcp\.subnets.*mac=52:54:00:00:00:01/],
  ['unknown_subnet', [['discover', { code: 'unknown_subnet', failed: 'unknown_subnet: giaddr 10.9.0.1' }]], /none of dhcp\.subnets \(giaddr 10\.9\.0\.1\)/, /relay agent/],
  ['reservation_in_use', [['discover', { code: 'reservation_in_use', failed: 'reservation_in_use: 10.0.0.9 is bound by 52:54:00:00:00:02, and it answers there' }]], /uses: 10\.0\.0\.9 is bound/, /leases list/],
  ['unsent', [['discover', { code: 'unsent', failed: 'unsent: send EPERM to 255.255.255.255' }]], /does not send the answer: send EPERM/, /nft list ruleset/],
  ['not_offered', [['discover', { failed: 'no subnet for the relay 10.9.0.1' }]], /is not offered one: no subnet for the relay/, /doctor/],
  ['discover_silent', [['discover']], /was not answered/, /another DHCP server/],
  ['proxy_ignored', [['discover'], ['offer', { code: 'proxy_offer_ignored', failed: 'the offer is ignored: let the network\'s own DHCP server say next-server 10.0.0.1' }]], /^the offer is ignored/, /next-server/],
  ['offer_refused', [['discover'], ['offer', { times: 3 }]], /offered an address 3 times/, /second DHCP server/],
  ['offer_silent', [['discover'], ['offer']], /did not take it/, /second DHCP server/],
  ['loader_missing', [['ack', { failed: 'no snponly.efi is here' }]], /no snponly\.efi/, /boot-files/],
  ['ack_silent', [['discover'], ['offer'], ['ack']], /never asked for its boot loader/, /69\/udp/],
  ['loader_loop', [['ack'], ['loader', { detail: 'snponly.efi', times: 3 }]], /got the loader snponly\.efi 3 times, never asked for the script/, /boot\.overrides/],
  ['loader_failed', [['loader', { failed: 'no such file' }]], /no such file/, /boot-files/],
  ['loader_silent', [['ack'], ['loader', { detail: 'undionly.kpxe' }]], /got the loader undionly\.kpxe, never asked/, /8080\/tcp.*Secure Boot/],
  ['no_group', [['loader'], ['script', { code: 'group_unmatched', failed: 'no group matches the labels' }]], /^no group matches$/, /a group whose selector names mac=52:54:00:00:00:01/],
  ['script_failed', [['script', { failed: 'profile core boots nothing' }]], /boots nothing/, /render ipxe/],
  ['script_loop', [['script', { times: 3 }]], /fetched its script 3 times/, /profile core/],
  ['script_silent', [['script', { detail: '/ipxe', times: 2 }]], /its kernel was not fetched from here/, /profile core/],
  ['kernel_failed', [['kernel', { detail: '/assets/k', failed: 'answered 404' }]], /could not load the kernel \/assets\/k: answered 404/, /images list/],
  ['kernel_silent', [['kernel', { detail: '/assets/k' }]], /nothing after it/, /initrd=/],
  ['initrd_failed', [['initrd', { detail: '/assets/i', failed: 'answered 404' }]], /could not load \/assets\/i/, /images list/],
  ['initrd_silent', [['kernel'], ['initrd']], /never asked for its config/, /memory/],
  ['guard_refused', [['ignition', { code: 'guard_refused', failed: 'group g is guarded: the guard token is 900 s old' }]], /is guarded/, /docs\/machines\.md/],
  ['config_failed', [['ignition', { failed: 'map has no entry for key x at worker.yaml:12' }]], /no entry for key x at worker\.yaml:12/, /render ignition/],
  ['ignition_silent', [['ignition']], /has not reported that it is installed/, /journal/]
]

t.test('each row of the table has its words, and a case', t => {
  for (const [id, lines, reason, look] of cases) {
    const trouble = troubleOf(machine(lines), 60_000, 60_000)
    t.equal(trouble?.id, id)
    t.match(trouble?.reason, reason, id)
    t.match(trouble?.look, look, id)
  }
  t.same(cases.map(([id]) => id), reasonTable.map(({ id }) => id))
  t.end()
})

t.test('each word of DHCP for why there is no address has a row of its own, with what it says more and without', t => {
  for (const code of addressRefusals) {
    for (const failed of [code, `${code}: unknown, exhausted`]) t.equal(troubleOf(machine([['discover', { code, failed }]]), 0, 60_000)?.id, code, failed)
  }
  t.end()
})

t.test('what a failure is goes by its code: a text may hold anything, a config of a group named so for one', t => {
  const told = (stage: Stage, line: Omit<TimelineEntry, 'stage' | 'at'>): string | undefined => troubleOf(machine([[stage, line]]), 0, 60_000)?.id
  t.equal(told('ignition', { code: 'template_invalid', failed: 'worker.yaml: template: what is guarded: nothing' }), 'config_failed')
  t.equal(told('script', { code: 'profile_unmatched', failed: 'no group matches as this does, which names no profile' }), 'script_failed')
  t.equal(told('offer', { failed: 'the offer is ignored' }), undefined)
  t.equal(told('discover', { code: 'no_range', failed: 'unknown_client: so it says' }), 'no_range')
  t.end()
})

t.test('silence is trouble only once patience has run out; a refusal is at once', t => {
  t.equal(troubleOf(machine([['kernel']]), 59_999, 60_000), undefined)
  t.equal(troubleOf(machine([['kernel']]), 60_000, 60_000)?.id, 'kernel_silent')
  t.equal(troubleOf(machine([['script', { code: 'group_unmatched', failed: 'no group matches the labels' }]]), 0, 60_000)?.id, 'no_group')
  t.end()
})

t.test('a boot that only repeats the one before it counts with it', t => {
  const before = { at: 0, ms: 10, stage: 'loader' } as const
  const looping = machine([['discover'], ['offer'], ['ack'], ['loader', { detail: 'snponly.efi' }]], { stage: 'loader', history: [before, before] })
  t.match(troubleOf(looping, 60_000, 60_000), { id: 'loader_loop', reason: /snponly\.efi 3 times/ })
  const recovered = machine([['loader', { detail: 'snponly.efi' }]], { stage: 'loader', history: [{ ...before, stage: 'ignition' }, before, before] })
  t.equal(troubleOf(recovered, 60_000, 60_000)?.id, 'loader_silent')
  t.end()
})

t.test('a machine that has not begun to boot, or is done, is in no trouble', t => {
  t.equal(troubleOf(machine([]), Infinity, 0), undefined)
  t.equal(troubleOf(machine([['ignition'], ['installed']]), Infinity, 0), undefined)
  t.equal(troubleOf(machine([['installed'], ['running']]), Infinity, 0), undefined)
  t.end()
})
