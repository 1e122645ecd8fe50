// The grub.cfg that is made when GRUB asks for it, for every GRUB that loads over the network: those with a module for HTTP and those
// without (Debian's signed one, which under Secure Boot may load none), with `linuxefi` (2.02 to 2.06 as distributions patch it) and
// without (2.12, other processors). What is missing is tried and passed over; what /grub answers is Matchbox's, to the byte.
import { fillSettings, grubDevice, type KnownMachine, ownPath, settingsOf, urlOfInitrd } from './ipxe-settings.js'
import type { NetBoot } from './profile.js'

export interface GrubFileOptions extends KnownMachine {
  /** Where the HTTP API is, from the outside: `http://192.168.100.2:8080`. */
  readonly origin: string
}

/**
 * GRUB's devices for what is at a provisioner: HTTP, whose transfers are not one block at a time, and TFTP; `server` is empty for where
 * GRUB itself came from.
 */
function devices (origin: string, server: string): readonly string[] {
  const { hostname, port } = new URL(origin)
  // Before 2.12 GRUB takes no port, and would ask whoever listens on 80.
  const tftp = server === '' ? 'tftp' : `tftp,${server}`
  return port === '' || port === '80' ? [`http,${hostname}`, tftp] : [tftp]
}

/** `others` are the same boot from the other provisioners of a fleet, which are tried in their order. */
export function renderGrubFile (boot: NetBoot, options: GrubFileOptions, others: readonly OtherBoot[] = []): string {
  const sources = [
    { start: 'start', boot, origin: options.origin, server: '' },
    ...others.map(({ boot, origin }, n) => ({ start: `start_${n + 1}`, boot, origin, server: new URL(origin).hostname }))
  ]
  return [
    'default=0',
    'timeout=1',
    ...sources.flatMap(({ start, boot, origin }) => startFunction(start, boot, { ...options, origin })),
    'menuentry "Network boot" {',
    ...sources.flatMap(({ start, origin, server }) => [
      'if [ "$grub_platform" = "efi" -a "$grub_cpu" = "x86_64" ]; then',
      ...devices(origin, server).map(device => `${start} ${device} efi`),
      'fi',
      ...devices(origin, server).map(device => `${start} ${device}`)
    ]),
    '}',
    ''
  ].join('\n')
}

export interface OtherBoot { readonly boot: NetBoot, readonly origin: string }

function startFunction (name: string, boot: NetBoot, options: GrubFileOptions): readonly string[] {
  const named = (url: string): string => {
    const path = ownPath(url, options.origin)
    return path === undefined ? `"${grubDevice(url)}"` : `"($1)${path}"`
  }
  const initrds = boot.initrd.map(urlOfInitrd).filter(url => url !== '')
  const args = boot.args.filter(arg => !arg.startsWith('initrd=')).map(arg => ` ${grubWord(filledIn(arg, options))}`).join('')
  return [
    // $1 is a device, $2 what the commands of this GRUB for UEFI end in. `boot` does not come back.
    `function ${name} {`,
    'echo "Loading kernel from $1"',
    `if linux$2 ${named(boot.kernel)}${args}; then`,
    ...initrds.length === 0
      ? ['boot']
      : ['echo "Loading initrd"', `if initrd$2 ${initrds.map(named).join(' ')}; then boot; fi`],
    'fi',
    '}'
  ]
}

/** What to do for a machine that no group is known for: paths in what /grub answers are of the device that `root` names. */
export const renderGrubHandOver = (origin: string): string => {
  const { hostname, port } = new URL(origin)
  return `set root='(http,${hostname}${port === '' ? '' : `:${port}`})'\nconfigfile /grub?mac=$net_default_mac\n`
}

/** iPXE's names of the machine and of this appliance, which GRUB has none of, or others for. */
function filledIn (arg: string, { origin, mac, uuid }: GrubFileOptions): string {
  const known = settingsOf({ mac, uuid: uuid ?? '' })
  return fillSettings(arg, { ...known, 'next-server': new URL(origin).hostname, 'mac:hexhyp': known['mac:hexhyp'] ?? '$net_default_mac' })
}

/** One word to GRUB. Its own variables are filled in; what only iPXE could fill in stays as it is written. */
function grubWord (arg: string): string {
  if (/^[\w./:=,+@%$-]*$/.test(arg)) return arg
  return /\$\{\w*[^\w}]/.test(arg) ? `'${arg.replaceAll("'", String.raw`'\''`)}'` : `"${arg.replace(/["\\]/g, String.raw`\$&`)}"`
}
