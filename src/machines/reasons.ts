// Why a machine does not get further, in a sentence that the evidence supports, and what to look at next. A table of
// (last stage, what was seen of it) to words: the first row that fits speaks.
import type { Machine, Stage, TimelineEntry } from './machine.js'

export interface Trouble {
  readonly id: string
  /** What happened, as a whole sentence without its full stop. */
  readonly reason: string
  /** What to look at or do. */
  readonly look: string
}

/** What the sentences are made from. */
interface Evidence {
  readonly machine: Machine
  readonly last: TimelineEntry
  /** Why the last line of the timeline failed; '' when it did not. */
  readonly failed: string
  /** By what word the program knows it; '' for what has none. */
  readonly code: string
  /** How often the last stage stands at the end of this boot's timeline. */
  readonly times: number
  readonly detail: string
}

interface Row {
  readonly id: string
  readonly stage: Stage
  /** Whether it needs no silence to be sure: a refusal is one at once. */
  readonly atOnce?: true
  readonly fits: (evidence: Evidence) => boolean
  readonly reason: (evidence: Evidence) => string
  readonly look: (evidence: Evidence) => string
}

const refused = (code: string): Row['fits'] => evidence => evidence.code === code
const anyFailure = ({ failed }: Evidence): boolean => failed !== ''
const silent = ({ failed }: Evidence): boolean => failed === ''
const say = (text: string) => (): string => text
const theFailure = ({ failed }: Evidence): string => failed
/** Of a machine that is given no address: what DHCP says more than its word for why. */
const saidMore = ({ failed, code }: Evidence): string => failed === code ? failed : failed.slice(code.length + ': '.length)

/** Why DHCP gives a machine no address, as far as that is about the machine. */
export const addressRefusals: ReadonlySet<string> = new Set(['unknown_client', 'no_range', 'pool_exhausted', 'unknown_subnet', 'reservation_in_use', 'unsent'])

export const reasonTable: readonly Row[] = [
  { id: 'unknown_client', stage: 'discover', atOnce: true, fits: refused('unknown_client'), reason: say('asks for an address and has no reservation, and dhcp.unknown_clients is deny'), look: ({ machine }) => `a reservation, or a group with a selector mac=${machine.mac} and an ip in its metadata` },
  { id: 'pool_exhausted', stage: 'discover', atOnce: true, fits: refused('pool_exhausted'), reason: say('asks for an address, and the range of its subnet has none left'), look: say('core-provisioner leases list; a larger range in dhcp.subnets') },
  { id: 'no_range', stage: 'discover', atOnce: true, fits: refused('no_range'), reason: say('asks for an address, and its subnet has no range to give one of'), look: ({ machine }) => `a range in dhcp.subnets; or a reservation, or a group with a selector mac=${machine.mac} and an ip in its metadata` },
  { id: 'unknown_subnet', stage: 'discover', atOnce: true, fits: refused('unknown_subnet'), reason: evidence => `asks from a network that is none of dhcp.subnets (${saidMore(evidence)})`, look: say('dhcp.subnets, and the relay agent that passes its messages on (giaddr)') },
  { id: 'reservation_in_use', stage: 'discover', atOnce: true, fits: refused('reservation_in_use'), reason: evidence => `asks for the address that is reserved for it, which another machine uses: ${saidMore(evidence)}`, look: say('the machine that answers there, and core-provisioner leases list') },
  { id: 'unsent', stage: 'discover', atOnce: true, fits: refused('unsent'), reason: evidence => `asks for an address, and the kernel here does not send the answer: ${saidMore(evidence)}`, look: say('nft list ruleset: a firewall of this machine may drop what leaves by 67/udp; of a machine behind a relay agent, whether that one answers ARP') },
  { id: 'not_offered', stage: 'discover', atOnce: true, fits: anyFailure, reason: ({ failed }) => `asks for an address and is not offered one: ${failed}`, look: say('core-provisioner doctor, and the log for its hardware address') },
  { id: 'discover_silent', stage: 'discover', fits: silent, reason: say('asked for an address and was not answered'), look: say('whether another DHCP server answers it; core-provisioner doctor') },
  { id: 'proxy_ignored', stage: 'offer', atOnce: true, fits: refused('proxy_offer_ignored'), reason: theFailure, look: say('next-server and filename in the DHCP server of the network') },
  { id: 'offer_refused', stage: 'offer', fits: ({ times }) => times >= 3, reason: ({ times }) => `was offered an address ${times} times and did not take it`, look: say('whether a second DHCP server answers (core-provisioner doctor), and whether the replies reach the machine through its switch or relay') },
  { id: 'offer_silent', stage: 'offer', fits: silent, reason: say('was offered an address and did not take it'), look: say('whether a second DHCP server answers: core-provisioner doctor') },
  { id: 'loader_missing', stage: 'ack', atOnce: true, fits: anyFailure, reason: theFailure, look: say('scripts/boot-files, tftp.root, and boot.* in the configuration') },
  { id: 'ack_silent', stage: 'ack', fits: silent, reason: say('has its address and never asked for its boot loader'), look: say('whether 69/udp is open here (firewalld), whether the firmware boots from the network at all, and option 66 and 67 of another DHCP server') },
  { id: 'loader_loop', stage: 'loader', fits: ({ times }) => times >= 3, reason: ({ times, detail }) => `got the loader ${detail} ${times} times, never asked for the script`, look: say('the loader does not work on this network card: boot.overrides gives it another one; with Secure Boot on, only a signed loader starts') },
  { id: 'loader_failed', stage: 'loader', atOnce: true, fits: anyFailure, reason: theFailure, look: say('scripts/boot-files fetches the loaders that the distribution has') },
  { id: 'loader_silent', stage: 'loader', fits: silent, reason: ({ detail }) => `got the loader ${detail}, never asked for the script`, look: say('whether 8080/tcp is open here (firewalld), and what stands on its screen: Secure Boot refuses a loader that is not signed') },
  { id: 'no_group', stage: 'script', atOnce: true, fits: refused('group_unmatched'), reason: say('no group matches'), look: ({ machine }) => `a group whose selector names mac=${machine.mac}, or one that matches it by its other labels` },
  { id: 'script_failed', stage: 'script', atOnce: true, fits: anyFailure, reason: theFailure, look: ({ machine }) => `core-provisioner render ipxe --label mac=${machine.mac}` },
  { id: 'script_loop', stage: 'script', fits: ({ times }) => times >= 3, reason: ({ times }) => `fetched its script ${times} times and never its kernel from here`, look: ({ machine }) => `the kernel and initrd of profile ${machine.profile ?? '?'}: core-provisioner render ipxe --label mac=${machine.mac}` },
  { id: 'script_silent', stage: 'script', fits: silent, reason: say('has its script, and its kernel was not fetched from here'), look: ({ machine }) => `whether the machine reaches the kernel that profile ${machine.profile ?? '?'} names` },
  { id: 'kernel_failed', stage: 'kernel', atOnce: true, fits: anyFailure, reason: ({ detail, failed }) => `could not load the kernel ${detail}: ${failed}`, look: say('assets_path, and core-provisioner images list') },
  { id: 'kernel_silent', stage: 'kernel', fits: silent, reason: ({ detail }) => `loaded the kernel ${detail} and nothing after it`, look: say('the initrd of its profile; a UEFI kernel needs initrd= among its arguments (boot.resilient adds it)') },
  { id: 'initrd_failed', stage: 'initrd', atOnce: true, fits: anyFailure, reason: ({ detail, failed }) => `could not load ${detail}: ${failed}`, look: say('assets_path, and core-provisioner images list') },
  { id: 'initrd_silent', stage: 'initrd', fits: silent, reason: say('loaded kernel and initrd and never asked for its config'), look: say('its screen: too little memory, no driver for its network card, or no ignition.config.url among the kernel arguments') },
  { id: 'guard_refused', stage: 'ignition', atOnce: true, fits: refused('guard_refused'), reason: theFailure, look: say('docs/machines.md, guarded configs') },
  { id: 'config_failed', stage: 'ignition', atOnce: true, fits: anyFailure, reason: theFailure, look: ({ machine }) => `core-provisioner render ignition --label mac=${machine.mac}` },
  { id: 'ignition_silent', stage: 'ignition', fits: silent, reason: say('has its config and has not reported that it is installed'), look: say('its screen, or its journal: Ignition or the installer stopped') }
]

/** What is wrong with a machine, `silence` milliseconds after it was last heard of; undefined while nothing is. */
export function troubleOf (machine: Machine, silence: number, patience: number): Trouble | undefined {
  const last = machine.timeline.at(-1)
  if (last === undefined) return undefined
  const evidence: Evidence = { machine, last, failed: last.failed ?? '', code: last.code ?? '', times: timesAtEnd(machine, last), detail: last.detail ?? '' }
  const row = reasonTable.find(({ stage, fits }) => stage === last.stage && fits(evidence))
  if (row === undefined || (row.atOnce !== true && silence < patience)) return undefined
  return { id: row.id, reason: row.reason(evidence), look: row.look(evidence) }
}

/** How often this boot, and those before it that came no further, were at the stage. */
function timesAtEnd ({ timeline, history = [] }: Machine, { stage }: TimelineEntry): number {
  let times = 0
  for (const entry of timeline) if (entry.stage === stage) times += entry.times ?? 1
  const further = history.findIndex(boot => boot.stage !== stage)
  return times + (further < 0 ? history.length : further)
}
