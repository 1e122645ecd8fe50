import t from 'tap'
import { judgePort, type PortQuestion } from '../../src/doctor/port-judge.js'
import type { PortSocket } from '../../src/net/port-owner.js'

const systemd = { pid: 1, name: 'systemd' }
const service = { pid: 700, name: 'core-provisione' }
const dnsmasq = { pid: 800, name: 'dnsmasq' }
const held = (...holders: PortSocket['holders'][number][]): PortSocket => ({ address: undefined, holders })
const at = (address: string, ...holders: PortSocket['holders'][number][]): PortSocket => ({ address, holders })

t.test('a port is its own alone', t => {
  const stopped = { running: false, kept: false }
  const runs = { running: true, kept: true }
  const loop = { running: false, kept: true }
  const rows: ReadonlyArray<readonly [what: string, sockets: readonly PortSocket[], state: Pick<PortQuestion, 'running' | 'kept'>, levels: string, text: RegExp]> = [
    ['nobody, before', [], stopped, 'ok', /^67\/udp is free$/],
    ['another, before', [held(dnsmasq)], stopped, 'problem', /^67\/udp is taken by dnsmasq \(pid 800\): systemctl disable --now dnsmasq/],
    ['somebody whom we may not look at', [held()], stopped, 'problem', /taken by a program of another user/],
    ['a socket unit of another program', [held(systemd)], stopped, 'problem', /taken by systemd \(pid 1\): systemctl list-sockets/],
    ['the service, started by hand', [held(service)], { running: true, kept: false }, 'ok', /listened on by core-provisione \(pid 700\)/],
    ['the service by its socket unit', [held(systemd, service)], runs, 'ok', /listened on by core-provisione/],
    ['nobody, while it runs', [], runs, 'problem', /the appliance runs, and nobody listens/],
    ['beside dnsmasq, which shares it', [held(systemd, service), held(dnsmasq)], runs, 'ok problem', /67\/udp is shared with dnsmasq \(pid 800\)/],
    ['beside a socket unit of another program', [held(systemd, service), held(systemd)], runs, 'ok problem', /shared with systemd/],
    ['beside one of one address', [held(systemd, service), at('192.168.122.1', dnsmasq)], runs, 'ok note', /has 67\/udp of 192\.168\.122\.1/],
    ['another instead of it', [held(dnsmasq)], runs, 'problem problem', /another program listens on 67\/udp/],
    ['a restart loop', [held(systemd)], loop, 'ok', /67\/udp is kept open by systemd for the service/],
    ['a restart loop beside dnsmasq', [held(systemd), held(dnsmasq)], loop, 'problem', /^67\/udp is taken by dnsmasq \(pid 800\)/],
    ['without root the service can\'t be told from others', [held(), held()], runs, 'ok', /a program of another user/]
  ]
  for (const [what, sockets, state, levels, text] of rows) {
    const findings = judgePort({ name: 'dhcp', where: '67/udp', sockets, own: new Set([700]), isLibvirts: () => false, ...state })
    t.equal(findings.map(({ level }) => level).join(' '), levels, what)
    t.match(findings.map(finding => finding.text).join('\n'), new RegExp(text.source, 'm'), what)
  }
  t.match(judgePort({ name: 'dhcp', where: '67/udp', sockets: [held(dnsmasq)], own: new Set(), isLibvirts: () => false, ...stopped }),
    [{ fix: /^systemctl disable --now dnsmasq$/ }], 'the command alone, to copy')
  t.match(judgePort({ name: 'dhcp', where: '67/udp', sockets: [held(dnsmasq)], own: new Set(), isLibvirts: () => true, ...stopped }), [{ level: 'note', text: /libvirt's dnsmasq/ }])
  t.end()
})
