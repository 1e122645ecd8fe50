// Who made a network card, by its first three octets: those of virtual machines and of boards that are met most in this trade. The
// whole register of the IEEE has some 40,000 rows and changes every day.
const vendors: Readonly<Record<string, string>> = {
  '52:54:00': 'QEMU/KVM',
  '00:0c:29': 'VMware',
  '00:50:56': 'VMware',
  '00:05:69': 'VMware',
  '00:1c:14': 'VMware',
  '08:00:27': 'VirtualBox',
  '00:15:5d': 'Hyper-V',
  '00:16:3e': 'Xen',
  '00:1c:42': 'Parallels',
  'bc:24:11': 'Proxmox',
  '28:cd:c1': 'Raspberry Pi',
  '2c:cf:67': 'Raspberry Pi',
  '88:a2:9e': 'Raspberry Pi',
  'b8:27:eb': 'Raspberry Pi',
  'd8:3a:dd': 'Raspberry Pi',
  'dc:a6:32': 'Raspberry Pi',
  'e4:5f:01': 'Raspberry Pi'
}

/** undefined for one that is not in the table. */
export const vendorOf = (mac: string): string | undefined => vendors[mac.slice(0, 8)] ?? (isLocal(mac) ? 'made up (locally administered)' : undefined)

/** The second-lowest bit of the first octet (IEEE 802). */
const isLocal = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 2) !== 0
