// Firmware, loader and chain, as each was tried: the cases that scripts/sandbox boots in QEMU, those that are replayed, and the table of
// both in docs/boot.md, made from how their last runs went. `npm run soak -- firmware --record` runs them and writes both; a test holds the
// table to what is here.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface FirmwareCase {
  readonly name: string
  /** What of the table's columns it is a row of. */
  readonly firmware: string
  readonly loader: string
  readonly chain: string
  readonly security: string
  /** Arguments of scripts/sandbox; undefined for what is replayed. */
  readonly args?: readonly string[]
  /** The test file that runs it; without one it is in `npm run soak -- firmware` alone. */
  readonly test?: string
}

const own = 'test/interop/firmware.test.ts'
const bootChain = 'test/interop/boot-chain.test.ts'
const bootGrub = 'test/interop/boot-grub.test.ts'
const x64 = 'OVMF 2022.11, x64'
const arm64 = 'AAVMF 2022.11, 64-bit ARM'
const microsoft = "Secure Boot, Microsoft's keys"

export const firmwareCases: readonly FirmwareCase[] = [
  { name: 'bios', firmware: 'SeaBIOS', loader: "the card's iPXE", chain: 'script, kernel, applied config', security: 'none', args: ['--firmware', 'bios'], test: 'test/interop/sandbox.test.ts' },
  { name: 'bios-undionly', firmware: 'SeaBIOS', loader: 'undionly.kpxe', chain: 'script, kernel', security: 'none', args: ['--firmware', 'bios-undionly', '--until', 'kernel'], test: bootChain },
  { name: 'bios-pxelinux', firmware: 'SeaBIOS', loader: 'pxelinux.0', chain: 'ipxe.lkrn, script, kernel', security: 'none', args: ['--firmware', 'bios-pxelinux', '--until', 'kernel'], test: bootChain },
  { name: 'bios-grub', firmware: 'SeaBIOS', loader: 'GRUB 2.06', chain: '/grub, kernel', security: 'none', args: ['--firmware', 'bios-grub', '--until', 'kernel'], test: bootGrub },
  { name: 'uefi', firmware: `${x64}, PXE`, loader: 'snponly.efi', chain: 'script, kernel', security: 'none', args: ['--firmware', 'uefi', '--until', 'kernel'], test: bootChain },
  { name: 'uefi-http', firmware: `${x64}, HTTP Boot`, loader: 'snponly.efi', chain: 'script, kernel', security: 'none', args: ['--firmware', 'uefi-http', '--until', 'kernel'], test: bootChain },
  {
    name: 'uefi-https', firmware: `${x64}, HTTP Boot over TLS`, loader: 'snponly.efi', chain: 'script, kernel', security: 'TLS, our authority enrolled', args: ['--firmware', 'uefi-https', '--until', 'kernel'], test: own
  },
  { name: 'uefi-grub', firmware: `${x64}, PXE`, loader: 'GRUB 2.06', chain: 'grub.cfg, kernel, applied config', security: 'none', args: ['--firmware', 'uefi-grub'], test: bootGrub },
  { name: 'secure-shim', firmware: `${x64}, PXE`, loader: "Debian's shim 16.1", chain: 'signed GRUB, signed kernel, applied config', security: microsoft, args: ['--firmware', 'secure-shim'], test: own },
  {
    name: 'secure-tampered',
    firmware: `${x64}, PXE`,
    loader: "Debian's shim 16.1",
    chain: 'signed GRUB, a kernel with one bit changed: refused',
    security: microsoft,
    args: ['--firmware', 'secure-shim', '--tampered', '--expect', 'bad shim signature'],
    test: own
  },
  { name: 'secure-ipxe', firmware: `${x64}, PXE`, loader: 'snponly.efi, unsigned', chain: 'refused', security: microsoft, args: ['--firmware', 'secure-ipxe', '--expect', 'Access Denied'], test: own },
  {
    name: 'secure-shim-rom',
    firmware: `${x64}, PXE by QEMU's iPXE ROM`,
    loader: "Debian's shim 16.1",
    chain: 'script, kernel refused by iPXE; then shim, signed GRUB, signed kernel',
    security: microsoft,
    args: ['--firmware', 'secure-shim-rom', '--expect', 'Secure boot enabled']
  },
  {
    name: 'secure-shim-http',
    firmware: `${x64}, HTTP Boot`,
    loader: "Debian's shim 16.1",
    chain: 'a disk image with signed GRUB, signed kernel by TFTP, applied config',
    security: microsoft,
    args: ['--firmware', 'secure-shim-http'],
    test: own
  },
  {
    name: 'snakeoil-ipxe', firmware: `${x64}, PXE`, loader: 'snponly.efi, signed', chain: 'script, signed kernel, applied config', security: 'Secure Boot, keys of our own', args: ['--firmware', 'snakeoil-ipxe'], test: own
  },
  {
    name: 'arm64-shim', firmware: `${arm64}, PXE`, loader: "Debian's shim 16.1", chain: 'signed GRUB, signed kernel', security: microsoft, args: ['--firmware', 'arm64-shim', '--expect', 'machine: kernel .*arm64'], test: own
  },
  {
    name: 'arm64-http', firmware: `${arm64}, HTTP Boot`, loader: 'GRUB 2.06, an image of our own', chain: 'grub.cfg, kernel', security: 'none', args: ['--firmware', 'arm64-http', '--expect', 'EFI stub: Booting Linux Kernel'], test: own
  },
  {
    name: 'arm64-shim-http',
    firmware: `${arm64}, HTTP Boot`,
    loader: "Debian's shim 16.1",
    chain: 'a disk image with signed GRUB, signed kernel by TFTP',
    security: microsoft,
    args: ['--firmware', 'arm64-shim-http', '--expect', 'machine: kernel .*arm64']
  },
  {
    name: 'arm64-u-boot', firmware: 'U-Boot 2023.01, 64-bit ARM', loader: 'none', chain: 'pxelinux.cfg, kernel and initrd of the group by TFTP', security: 'none', args: ['--firmware', 'arm64-u-boot', '--expect', 'machine: kernel .*arm64'], test: own
  },
  { name: 'raspberry-pi-4', firmware: 'Raspberry Pi 4, EEPROM', loader: 'start4.elf from one folder', chain: 'config.txt, cmdline.txt, kernel and initrd of the group', security: 'none', test: 'test/loaders/raspberry-pi.test.ts' },
  { name: 'raspberry-pi-3', firmware: 'Raspberry Pi 3, boot ROM', loader: 'bootcode.bin, start.elf', chain: 'config.txt, cmdline.txt, kernel and initrd of the group', security: 'none', test: 'test/loaders/raspberry-pi.test.ts' },
  { name: 'raspberry-pi-5', firmware: 'Raspberry Pi 5, EEPROM', loader: 'none', chain: 'config.txt, cmdline.txt, kernel and initrd of the group', security: 'none', test: 'test/loaders/raspberry-pi.test.ts' },
  { name: 'raspberry-pi-http', firmware: 'Raspberry Pi 4 and 5, HTTP', loader: 'net_install/boot.img', chain: 'what is in it', security: 'its signature boot.sig', test: 'test/loaders/raspberry-pi.test.ts' }
]

const [begin, end] = ['<!-- table: test/helpers/firmware-cases.ts -->', '<!-- end of table -->']

/** How a case went when it was last run: `npm run soak -- firmware --record` keeps it. */
export interface FirmwareRun {
  /** The day, in UTC. */
  readonly on: string
  readonly ok: boolean
  readonly seconds: number
}
export type FirmwareRuns = Readonly<Record<string, FirmwareRun>>

export const runsFile = fileURLToPath(new URL('../fixtures/firmware-runs.json', import.meta.url))
export const readRuns = (): FirmwareRuns => JSON.parse(readFileSync(runsFile, 'utf8')) as FirmwareRuns

/** Keeps how a case went, and makes the table anew. */
export function recordRun (name: string, run: FirmwareRun): void {
  const runs = { ...readRuns(), [name]: run }
  const inOrder = firmwareCases.flatMap(({ name }) => runs[name] === undefined ? [] : [[name, runs[name]] as const])
  writeFileSync(runsFile, `${JSON.stringify(Object.fromEntries(inOrder), null, 2)}\n`)
  writeFileSync(firmwarePage, withFirmwareTable(readFileSync(firmwarePage, 'utf8')))
}

const last = (run: FirmwareRun | undefined): string =>
  run === undefined ? 'not recorded' : `${run.ok ? '' : '**failed** '}${run.on}, ${run.seconds} s`

const how = ({ args, test }: FirmwareCase): string =>
  `${args === undefined ? 'replay' : 'the firmware in QEMU'}, ${test === undefined ? '`npm run soak -- firmware`' : `\`${test}\``}`

export const firmwareTable = (runs: FirmwareRuns = readRuns()): string => [
  '| firmware | loader | chain | security | tested | last run |',
  '| --- | --- | --- | --- | --- | --- |',
  ...firmwareCases.map(row => `| ${row.firmware} | ${row.loader} | ${row.chain} | ${row.security} | ${how(row)} | ${last(runs[row.name])} |`)
].join('\n')

export const firmwarePage = fileURLToPath(new URL('../../docs/boot.md', import.meta.url))

/** The page with the table as it has to be. */
export function withFirmwareTable (text: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/boot.md has no ${begin} and ${end}`)
  return `${text.slice(0, from)}${begin}\n${firmwareTable()}\n${text.slice(to)}`
}
