// The GRUB config, as Matchbox writes it: one entry for EFI, one for BIOS; and two more for each other provisioner of a fleet.
import { grubDevice, urlOfInitrd } from './ipxe-settings.js'
import type { NetBoot } from './profile.js'

const entry = (title: string, kernelCommand: string, initrdCommand: string, boot: NetBoot): string => `menuentry "${title}" {
echo "Loading kernel"
${kernelCommand} "${boot.kernel}"${boot.args.map(arg => ` ${arg}`).join('')}
echo "Loading initrd"
${initrdCommand} ${boot.initrd.map(initrd => ` "${initrd}"`).join('')}
}
`

export const renderGrub = (boot: NetBoot, others: readonly NetBoot[] = []): string => {
  const fallback = others.length === 0 ? '1' : `"${Array.from({ length: 1 + 2 * others.length }, (_, n) => n + 1).join(' ')}"`
  return `default=0\nfallback=${fallback}\ntimeout=1\n${entries('', boot)}${others.map((other, n) => entries(` ${n + 2}`, onDevices(other))).join('')}`
}

const entries = (which: string, boot: NetBoot): string =>
  `${entry(`CoreOS (EFI)${which}`, 'linuxefi', 'initrdefi', boot)}${entry(`CoreOS (BIOS)${which}`, 'linux', 'initrd', boot)}`

/** Where another provisioner is, `root` does not say. */
const onDevices = (boot: NetBoot): NetBoot =>
  ({ ...boot, kernel: grubDevice(boot.kernel), initrd: boot.initrd.map(initrd => grubDevice(urlOfInitrd(initrd))) })
