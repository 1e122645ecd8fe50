// The iPXE scripts: Matchbox's, to the byte, and the resilient ones for today's firmware and slow networks.
import { urlOfInitrd } from './ipxe-settings.js'
import { startDisk } from './local-boot.js'
import type { NetBoot } from './profile.js'

/** What iPXE can tell of a machine (https://ipxe.org/cfg), by the label that it becomes. */
const scriptSettings = {
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

/**
 * What /boot.ipxe answers: iPXE fills in what it knows of the machine and comes back to /ipxe, or goes to that of another provisioner.
 * `others` are their origins.
 */
export function bootScript (labels: readonly ScriptLabel[], resilient: boolean, others: readonly string[] = []): string {
  const target = `ipxe?${labels.map(label => `${label}=\${${scriptSettings[label]}}`).join('&')}`
  const urls = [target, ...others.map(origin => `${origin}/${target}`)]
  return resilient
    ? ['#!ipxe', ...retried('script', chains(urls, ' && exit')), ...giveUp, ''].join('\n')
    : `#!ipxe\n${chains(urls)}\n`
}

/**
 * What iPXE runs of itself when it finds it beside its loader (autoexec.ipxe), before it has an address: get one, go on, at this
 * provisioner or another.
 */
export const renderAutoexec = (scriptUrls: readonly string[], resilient: boolean): string => resilient
  ? ['#!ipxe', ...retried('dhcp', 'dhcp'), ...retried('script', chains(scriptUrls, ' && exit')), ...giveUp, ''].join('\n')
  : `#!ipxe\ndhcp && ${chains(scriptUrls)}\n`

/** Milliseconds without progress after which another provisioner is tried: iPXE itself waits for ever for one that fell silent. */
const stalled = 20_000

/**
 * A URL after the other until one leads on. The first is tried again at last without the option, which the oldest iPXE does not have.
 */
const chains = (urls: readonly string[], then = ''): string => urls.length < 2
  ? `chain ${urls[0]}${then}`
  : [...urls.map(url => `chain --timeout ${stalled} ${url}${then}`), `chain ${urls[0]}${then}`].join(' || ')

export const renderIpxe = (boot: NetBoot): string =>
  `#!ipxe\n${kernelLine(boot.kernel, boot.args)}${boot.initrd.map(initrd => `\ninitrd ${initrd}`).join('')}${shimLines(boot).map(line => `\n${line}`).join('')}\nboot\n`

/** iPXE passes over it on a BIOS and where Secure Boot is off; before 2.0 it does not know the command, and goes on. */
const shimLines = ({ shim }: NetBoot): readonly string[] => shim === undefined ? [] : [`shim ${shim} ||`]

/**
 * The same from several provisioners: what one of them breaks off begins anew at the next, whole, so that the arguments name the one
 * that the kernel came from. The first is tried once more at last without --timeout (see `chains`).
 */
export function renderIpxeInTurn (boots: readonly NetBoot[]): string {
  const [first] = boots
  if (first === undefined) throw new Error('nothing to boot')
  return boots.length === 1
    ? renderIpxe(first)
    : ['#!ipxe', ...turns(boots, 'last'), ':last', 'imgfree', ...renderIpxe(first).split('\n').slice(1)].join('\n')
}

/** Each boot in its turn; `otherwise` is where the last one goes on when it fails. */
const turns = (boots: readonly NetBoot[], otherwise: string): string[] => boots.flatMap((boot, n) => {
  const next = n + 1 < boots.length ? `next_${n + 1}` : otherwise
  return [
    // What was loaded before would be one more initrd to the kernel.
    ...n === 0 ? [] : [`:next_${n}`, 'imgfree', 'echo Going on at another provisioner'],
    `${kernelLine(boot.kernel, boot.args, `--timeout ${stalled} `)} || goto ${next}`,
    ...boot.initrd.map(initrd => `initrd --timeout ${stalled} ${initrd} || goto ${next}`),
    ...shimLines(boot),
    `boot || goto ${next}`
  ]
})

const kernelLine = (kernel: string, args: readonly string[], options = ''): string => `kernel ${options}${kernel}${args.map(arg => ` ${arg}`).join('')}`

/** A link that a switch opens late (spanning tree) is up after half a minute; twelve pauses are more than twice that. */
const attempts = 12
const pauseSeconds = 6

/**
 * Each step is tried again after a pause, and at last the machine starts from its disk, or anew, instead of standing still.
 * The kernel's EFI stub finds an initial file system only by `initrd=` and its name; a BIOS ignores that.
 */
export function renderResilientIpxe (written: NetBoot): string {
  const boot = withNames(written)
  const lines = [
    '#!ipxe',
    ...retried('kernel', kernelLine(boot.kernel, boot.args)),
    ...boot.initrd.flatMap((initrd, i) => retried(`initrd_${i}`, `initrd ${initrd}`)),
    ...shimLines(boot),
    'boot || goto give_up',
    ...giveUp
  ]
  return `${lines.join('\n')}\n`
}

/** The same from several provisioners: all of them in each attempt, before there is a pause. */
export function renderResilientInTurn (boots: readonly NetBoot[]): string {
  const [first] = boots
  if (first === undefined) throw new Error('nothing to boot')
  if (boots.length === 1) return renderResilientIpxe(first)
  // The last without --timeout, as in renderIpxeInTurn.
  const { kernel, args, initrd } = withNames(first)
  const plain = [kernelLine(kernel, args), ...initrd.map(entry => `initrd ${entry}`)].map(line => `${line} || goto boot_failed`)
  const lines = [
    '#!ipxe',
    ...attempt('boot'),
    'imgfree',
    ...turns(boots.map(withNames), 'last'),
    ':last',
    'imgfree',
    ...plain,
    ...shimLines(first),
    'boot || goto boot_failed',
    ...giveUp
  ]
  return `${lines.join('\n')}\n`
}

/** Each initrd by a name, and the arguments that name them. */
function withNames (boot: NetBoot): NetBoot {
  const initrds = namedInitrds(boot.initrd)
  const args = boot.args.some(arg => /(?:^|\s)initrd=/.test(arg)) ? boot.args : [...boot.args, ...initrds.map(({ name }) => `initrd=${name}`)]
  return { ...boot, args, initrd: initrds.map(({ entry }) => entry) }
}

// A script goes on after `a || goto b` when a succeeds; the empty command after the last `||` swallows a failed `iseq`.
const retried = (step: string, command: string): string[] => [...attempt(step), `${command} || goto ${step}_failed`]

const attempt = (step: string): string[] => [
  'set tries:int32 0',
  `goto ${step}`,
  `:${step}_failed`,
  'inc tries',
  `iseq \${tries} ${attempts} && goto give_up ||`,
  `echo ${step} failed, next try in ${pauseSeconds} seconds`,
  `sleep ${pauseSeconds}`,
  `:${step}`
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

/** The entries of `initrd`, each with a name: the one it brings, or the last part of its URL, which is iPXE's own default. */
function namedInitrds (initrds: readonly string[]): ReadonlyArray<{ name: string, entry: string }> {
  const taken = new Set<string>()
  return initrds.map((initrd, i) => {
    const given = /(?:^|\s)(?:--name|-n)[= ]\s*(\S+)/.exec(initrd)?.[1]
    const last = urlOfInitrd(initrd).split(/[?#]/).map(part => part.split(/[^\w.+-]/).at(-1)).find(word => word !== '')
    const name = given ?? (last === undefined || taken.has(last) ? `initrd${i}` : last)
    taken.add(name)
    return { name, entry: given === undefined ? `--name ${name} ${initrd}` : initrd }
  })
}
