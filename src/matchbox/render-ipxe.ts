// The iPXE scripts: Matchbox's, to the byte, and the resilient ones for today's firmware and slow networks.
import { startDisk } from './local-boot.js'
import type { NetBoot } from './profile.js'

/** What iPXE can tell of a machine (https://ipxe.org/cfg), by the label that it becomes. */
export const scriptSettings = {
  uuid: 'uuid',
  mac: 'mac:hexhyp',
  domain: 'domain',
  hostname: 'hostname',
  serial: 'serial',
  arch: 'buildarch:uristring',
  platform: 'platform:uristring',
  manufacturer: 'manufacturer:uristring',
  product: 'product:uristring',
  asset: 'asset:uristring'
} as const

export type ScriptLabel = keyof typeof scriptSettings
/** Matchbox's up to 0.9, in its order; 0.11 has `arch` at the end. */
export const defaultScriptLabels = ['uuid', 'mac', 'domain', 'hostname', 'serial'] as const satisfies readonly ScriptLabel[]

/** What /boot.ipxe answers: iPXE fills in what it knows of the machine and comes back to /ipxe. */
export function bootScript (labels: readonly ScriptLabel[], resilient: boolean): string {
  const chain = `chain ipxe?${labels.map(label => `${label}=\${${scriptSettings[label]}}`).join('&')}`
  return resilient
    ? ['#!ipxe', ...retried('script', `${chain} && exit`), ...giveUp, ''].join('\n')
    : `#!ipxe\n${chain}\n`
}

/** What iPXE runs of itself when it finds it beside its loader (autoexec.ipxe), before it has an address: get one, go on. */
export const renderAutoexec = (scriptUrl: string, resilient: boolean): string => resilient
  ? ['#!ipxe', ...retried('dhcp', 'dhcp'), ...retried('script', `chain ${scriptUrl} && exit`), ...giveUp, ''].join('\n')
  : `#!ipxe\ndhcp && chain ${scriptUrl}\n`

export const renderIpxe = (boot: NetBoot): string =>
  `#!ipxe\n${kernelLine(boot.kernel, boot.args)}${boot.initrd.map(initrd => `\ninitrd ${initrd}`).join('')}${shimLine(boot)}\nboot\n`

/** iPXE passes over it on a BIOS and where Secure Boot is off; before 2.0 it does not know the command, and goes on. */
const shimLine = ({ shim }: NetBoot): string => shim === undefined ? '' : `\nshim ${shim} ||`

const kernelLine = (kernel: string, args: readonly string[]): string => `kernel ${kernel}${args.map(arg => ` ${arg}`).join('')}`

/** A link that a switch opens late (spanning tree) is up after half a minute; twelve pauses are more than twice that. */
const attempts = 12
const pauseSeconds = 6

/**
 * Each step is tried again after a pause, and at last the machine starts from its disk, or anew, instead of standing still.
 * The kernel's EFI stub finds an initial file system only by `initrd=` and its name; a BIOS ignores that.
 */
export function renderResilientIpxe (boot: NetBoot): string {
  const initrds = namedInitrds(boot.initrd)
  const args = boot.args.some(arg => /(?:^|\s)initrd=/.test(arg)) ? boot.args : [...boot.args, ...initrds.map(i => `initrd=${i.name}`)]
  const lines = [
    '#!ipxe',
    ...retried('kernel', kernelLine(boot.kernel, args)),
    ...initrds.flatMap(({ line }, i) => retried(`initrd_${i}`, line)),
    ...shimLine(boot).split('\n').slice(1),
    'boot || goto give_up',
    ...giveUp
  ]
  return `${lines.join('\n')}\n`
}

// A script goes on after `a || goto b` when a succeeds; the empty command after the last `||` swallows a failed `iseq`.
const retried = (step: string, command: string): string[] => [
  'set tries:int32 0',
  `goto ${step}`,
  `:${step}_failed`,
  'inc tries',
  `iseq \${tries} ${attempts} && goto give_up ||`,
  `echo ${step} failed, next try in ${pauseSeconds} seconds`,
  `sleep ${pauseSeconds}`,
  `:${step}`,
  `${command} || goto ${step}_failed`
]

// A machine that was installed before still comes up while the server is away; a blank disk does not start, and then all
// begins anew.
const giveUp = [
  ':give_up',
  'echo Giving up: the local disk comes next, then a new start, in 10 seconds',
  'sleep 10',
  `${startDisk} ||`,
  'reboot || exit 1'
]

/** The `initrd` commands, each with a name: the one it brings, or the last part of its URL, which is iPXE's own default. */
function namedInitrds (initrds: readonly string[]): ReadonlyArray<{ name: string, line: string }> {
  const taken = new Set<string>()
  return initrds.map((initrd, i) => {
    const given = /(?:^|\s)(?:--name|-n)[= ]\s*(\S+)/.exec(initrd)?.[1]
    const url = initrd.trim().split(/\s+/).at(-1) ?? ''
    const last = url.split(/[?#]/).map(part => part.split(/[^\w.+-]/).at(-1)).find(word => word !== '')
    const name = given ?? (last === undefined || taken.has(last) ? `initrd${i}` : last)
    taken.add(name)
    return { name, line: given === undefined ? `initrd --name ${name} ${initrd}` : `initrd ${initrd}` }
  })
}
