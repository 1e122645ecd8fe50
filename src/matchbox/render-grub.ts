// The GRUB config, as Matchbox writes it: one entry for EFI, one for BIOS.
import type { NetBoot } from './profile.js'

const entry = (title: string, kernelCommand: string, initrdCommand: string, boot: NetBoot): string => `menuentry "${title}" {
echo "Loading kernel"
${kernelCommand} "${boot.kernel}"${boot.args.map(arg => ` ${arg}`).join('')}
echo "Loading initrd"
${initrdCommand} ${boot.initrd.map(initrd => ` "${initrd}"`).join('')}
}
`

export const renderGrub = (boot: NetBoot): string =>
  `default=0\nfallback=1\ntimeout=1\n${entry('CoreOS (EFI)', 'linuxefi', 'initrdefi', boot)}${entry('CoreOS (BIOS)', 'linux', 'initrd', boot)}`
