// Whether a listener's port is its own alone. Two programs can have one port: a socket of systemd and one of dnsmasq's
// (bind-interfaces) both allow it (SO_REUSEADDR), and what comes in goes to either.
import type { PortOwner, PortSocket } from '../net/port-owner.js'
import { fine, type Finding, note, problem } from './finding.js'

export interface PortQuestion {
  /** The listener. */
  readonly name: string
  /** `67/udp` */
  readonly where: string
  readonly sockets: readonly PortSocket[]
  /** Whether the appliance runs, and its processes as far as they can be told. */
  readonly running: boolean
  readonly own: ReadonlySet<number>
  /** Whether systemd keeps the port open for the service by a socket unit. */
  readonly kept: boolean
  /** Whether the program serves libvirt's virtual machines, on their bridge alone. */
  readonly isLibvirts: (owner: PortOwner) => boolean
}

const systemd = 1

export function judgePort ({ name, where, sockets, running, own, kept, isLibvirts }: PortQuestion): readonly Finding[] {
  const isKept = ({ holders }: PortSocket): boolean => kept && holders.every(({ pid }) => pid === systemd)
  const isOwn = ({ holders }: PortSocket): boolean => running
    ? own.size === 0 || holders.length === 0 || holders.some(({ pid }) => own.has(pid))
    : holders.length > 0 && isKept({ address: undefined, holders })
  const [ours, others] = [sockets.filter(isOwn), sockets.filter(socket => !isOwn(socket))]
  const findings = others.map(({ address, holders }): Finding => {
    const [owner] = holders
    if (owner === undefined) return problem(name, `${where} is taken by a program of another user: stop that first`)
    if (isLibvirts(owner)) return note(name, `libvirt's ${named(owner)} has ${where} on the bridge of its virtual machines, which is no harm elsewhere`)
    if (address !== undefined && running) return note(name, `${named(owner)} has ${where} of ${address}: what is sent there goes to it`)
    return problem(name, `${where} is ${running ? 'shared with' : 'taken by'} ${named(owner)}: ${howToStop(owner)}`, stops.get(owner.name)?.command)
  })
  if (running) {
    const listening = ours.flatMap(({ holders }) => holders).find(({ pid }) => pid !== systemd)
    return [ours.length === 0
      ? problem(name, `the appliance runs, and ${others.length === 0 ? 'nobody' : 'another program'} listens on ${where}`)
      : fine(name, `${where} is listened on by ${listening === undefined ? 'a program of another user' : named(listening)}`), ...findings]
  }
  if (findings.length > 0) return findings
  return [fine(name, ours.length === 0 ? `${where} is free` : `${where} is kept open by systemd for the service`)]
}

const named = ({ name, pid }: PortOwner): string => `${name} (pid ${pid})`

interface Stop { readonly command: string, readonly more?: string, readonly before?: string }

const tftpUnits: Stop = { command: 'systemctl disable --now tftp.socket tftp.service tftpd-hpa atftpd', more: ', whichever there is' }
const orKeep = '; or keep it: dhcp.mode: off, and docs/migrating.md for what it has to say'
const stops: ReadonlyMap<string, Stop> = new Map<string, Stop>([
  ['dnsmasq', { command: 'systemctl disable --now dnsmasq', more: ', or take dhcp-range= and enable-tftp out of its configuration' }],
  ['dhcpd', { command: 'systemctl disable --now dhcpd', more: orKeep }],
  ['kea-dhcp4', { command: 'systemctl disable --now kea-dhcp4-server', more: orKeep }],
  ['xinetd', { before: 'set disable = yes in /etc/xinetd.d/tftp and ', command: 'systemctl restart xinetd' }],
  ['in.tftpd', tftpUnits],
  ['atftpd', tftpUnits],
  ['tftpd', tftpUnits],
  ['systemd', { command: 'systemctl list-sockets', more: ' shows which unit: systemctl disable --now tftp.socket, if it is that' }],
  ['matchbox', { command: 'systemctl disable --now matchbox', more: '; its data, certificates and settings are taken over as they are' }]
])

function howToStop ({ name }: PortOwner): string {
  const { before = '', command, more = '' } = stops.get(name) ?? { command: 'stop that first' }
  return `${before}${command}${more}`
}
