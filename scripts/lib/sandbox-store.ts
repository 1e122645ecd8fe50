// What the sandbox's appliance serves: the store of examples/, with its configuration fitted to the namespace, and the
// kernel and initrd that its profiles boot. Machines beyond those of the example are copies of its first one.
import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { grubArgument, grubFile, isGrub, makeArmGrub, makeGrub } from './grub.js'
import { buildInitramfs } from './initramfs.js'
import { authorityFile, type Firmware } from './qemu.js'
import type { Story } from './sandbox-stories.js'

export interface SandboxMachine {
  readonly name: string
  readonly mac: string
  readonly address: string
  /** What the machine's Ignition config makes: path -> sha256 of the content, for files given by a data URL. */
  readonly files: ReadonlyMap<string, string>
}

export interface StoreOptions {
  /** The repository. */
  readonly root: string
  /** Where everything is put. */
  readonly folder: string
  /** Unpacked packages, each in a folder of its name. */
  readonly packages: string
  /** The kernel's package. */
  readonly kernel: string
  readonly machines: number
  readonly firmware: Firmware
  readonly bridge: string
  /** Whether one bit of the kernel is another than its maker signed. */
  readonly tampered: boolean
  /** What it is laid out for beyond a first boot. */
  readonly story: Story | undefined
}

export interface SandboxStore {
  readonly configFile: string
  /** The appliance's address with prefix, for the bridge. */
  readonly gateway: string
  readonly url: string
  readonly machines: readonly SandboxMachine[]
  readonly dataPath: string
}

interface Reservation { readonly mac: string, readonly ip: string, readonly hostname: string }
interface Config {
  enrolment?: object
  rpc?: Readonly<Record<string, string>>
  http: { address: string, https?: Readonly<Record<string, string>> }
  boot?: Readonly<Record<string, unknown>>
  dhcp: { interface: string, unknown_clients?: string, subnets: Array<{ subnet: string, range?: string }>, reservations: Reservation[] }
}
interface Group { readonly id: string, readonly profile: string, readonly selector?: { readonly mac?: string }, readonly metadata?: object }
interface Profile { readonly ignition_id?: string, readonly boot: { readonly args: readonly string[] } }
interface IgnitionFile { readonly path: string, readonly contents?: { readonly source?: string } }
interface Ignition { readonly storage?: { readonly files?: readonly IgnitionFile[] } }

const readJson = <T> (...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T
const writeJson = (path: string, value: unknown): void => { writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`) }

/** The bytes of a data URL (RFC 2397). */
function dataUrl (source: string): Buffer {
  const [, base64, data = ''] = /^data:[^,]*?(;base64)?,(.*)$/s.exec(source) ?? []
  return base64 === undefined ? Buffer.from(decodeURIComponent(data)) : Buffer.from(data, 'base64')
}

function filesOf (store: string, profile: string): Map<string, string> {
  const { ignition_id: id } = readJson<Profile>(store, 'profiles', `${profile}.json`)
  if (id === undefined) throw new Error(`the profile ${profile} has no ignition_id`)
  const files = readJson<Ignition>(store, 'ignition', id).storage?.files ?? []
  return new Map(files.flatMap(({ path, contents }) => contents?.source?.startsWith('data:') === true
    ? [[path, createHash('sha256').update(dataUrl(contents.source)).digest('hex')] as const]
    : []))
}

/** The address `host` of a /24 such as 172.30.0.0/24. */
const hostIn = (subnet: string, host: number): string => subnet.replace(/\.0\/24$/, `.${host}`)

function addMachines (store: string, config: Config, groups: Group[], count: number): void {
  const [model] = groups
  if (model === undefined) throw new Error('examples/groups has no machine to copy')
  const subnet = config.dhcp.subnets[0]?.subnet ?? ''
  for (let number = groups.length + 1; number <= count; number++) {
    const name = `core-${number}`
    const mac = `52:54:00:c0:7e:${number.toString(16).padStart(2, '0')}`
    const group = { ...model, id: name, name: `The machine ${name}`, selector: { mac }, metadata: { hostname: name } }
    groups.push(group)
    config.dhcp.reservations.push({ mac, ip: hostIn(subnet, 20 + number), hostname: name })
    writeJson(join(store, 'groups', `${name}.json`), group)
  }
}

function putAssets (options: StoreOptions, assets: string): void {
  const { packages: own, kernel, firmware, tampered } = options
  const isArm = firmware.startsWith('arm64-')
  const packages = isArm ? join(own, 'arm64') : own
  const version = kernel.replace(/^linux-image-/, '')
  const image = join(packages, kernel)
  mkdirSync(assets, { recursive: true })
  const content = readFileSync(join(image, 'boot', `vmlinuz-${version}`))
  // In the midst of the code, which the signature covers and no header.
  if (tampered) content.writeUInt8(content.readUInt8(content.length >> 1) ^ 1, content.length >> 1)
  writeFileSync(join(assets, 'vmlinuz'), content)
  if (firmware === 'snakeoil-ipxe') signWithSnakeoil(options, join(assets, 'vmlinuz'), join(assets, 'vmlinuz'))
  writeFileSync(join(assets, 'initrd.gz'), buildInitramfs({
    busybox: join(packages, 'busybox-static/bin/busybox'),
    // Its libraries are this machine's: another one gets no further than its kernel and the first program.
    ignition: isArm ? undefined : join(packages, 'ignition/usr/lib/dracut/modules.d/30ignition/ignition'),
    modules: join(image, 'lib/modules', version)
  }))
}

/** Signs with the keys that OVMF brings for trying out. */
function signWithSnakeoil ({ folder, packages }: StoreOptions, from: string, to: string): void {
  const key = join(folder, 'snakeoil.key')
  execFileSync('openssl', ['rsa', '-passin', 'pass:snakeoil', '-in', '/usr/share/ovmf/PkKek-1-snakeoil.key', '-out', key], { stdio: 'ignore' })
  execFileSync(join(packages, 'sbsigntool/usr/bin/sbsign'), ['--key', key, '--cert', '/usr/share/ovmf/PkKek-1-snakeoil.pem', '--output', to, from], { stdio: 'ignore' })
}

/** What Debian signed, under the names that shim looks for; and for `snakeoil-`, iPXE signed with the keys that OVMF brings. */
function putLoaders (options: StoreOptions, config: Config, tftpRoot: string, address: string): string | undefined {
  const { root, packages, firmware } = options
  if (firmware === 'arm64-http') {
    config.http.address = '0.0.0.0:80'
    makeArmGrub(join(packages, 'arm64/grub-efi-arm64-bin/usr/lib/grub/arm64-efi'), tftpRoot, address)
    return 'grubaa64.efi'
  }
  if (/-shim/.test(firmware)) {
    const [from, processor] = firmware.startsWith('arm64-') ? [join(packages, 'arm64'), 'aa64'] as const : [packages, 'x64'] as const
    const [grub, signed] = processor === 'aa64' ? ['grub-efi-arm64-signed', 'arm64-efi-signed'] as const : ['grub-efi-amd64-signed', 'x86_64-efi-signed'] as const
    copyFileSync(join(from, `shim-signed/usr/lib/shim/shim${processor}.efi.signed`), join(tftpRoot, `shim${processor}.efi`))
    copyFileSync(join(from, grub, 'usr/lib/grub', signed, `grubnet${processor}.efi.signed`), join(tftpRoot, `grub${processor}.efi`))
    return `shim${processor}.efi`
  }
  if (firmware === 'snakeoil-ipxe') signWithSnakeoil(options, join(root, 'assets/boot/snponly.efi'), join(tftpRoot, 'snponly.efi'))
  return undefined
}

/** Fits configuration and profiles to GRUB: 2.06 speaks HTTP on port 80 only. */
function fitToGrub (store: string, config: Config, loader: string, address: string): void {
  config.http.address = '0.0.0.0:80'
  config.boot = { uefi_x64: loader }
  for (const name of readdirSync(join(store, 'profiles'))) {
    const profile = readJson<Profile>(store, 'profiles', name)
    const args = profile.boot.args.map(arg => grubArgument(arg, `http://${address}`))
    writeJson(join(store, 'profiles', name), { ...profile, boot: { ...profile.boot, args } })
  }
}

/** The serial port of a 64-bit ARM machine has another name. */
function fitConsole (store: string): void {
  for (const name of readdirSync(join(store, 'profiles'))) {
    const profile = readJson<Profile>(store, 'profiles', name)
    const args = profile.boot.args.map(arg => arg === 'console=ttyS0' ? 'console=ttyAMA0' : arg)
    writeJson(join(store, 'profiles', name), { ...profile, boot: { ...profile.boot, args } })
  }
}

/** A certificate of our own authority, which the machine's firmware is given, and the loader's URL. */
function fitTls (config: Config, { root, folder }: StoreOptions, address: string): void {
  const certificates = join(folder, 'certificates')
  execFileSync(process.execPath, [join(root, 'bin/core-provisioner'), 'certs', 'init', '--dir', certificates, '--san', `IP:${address}`], { stdio: 'ignore' })
  config.http.https = { address: '0.0.0.0:8443', cert_file: join(certificates, 'server.crt'), key_file: join(certificates, 'server.key') }
  config.boot = { overrides: [{ arch: 16, file: `https://${address}:8443/boot/snponly.efi` }] }
  mkdirSync(join(folder, 'machines'))
  writeFileSync(join(folder, 'machines', authorityFile), signatureList(new X509Certificate(readFileSync(join(certificates, 'ca.crt'))).raw))
}

/** EFI_SIGNATURE_LIST of one certificate (UEFI specification 2.10, section 32.4.1): type, sizes, owner, DER. */
function signatureList (certificate: Buffer): Buffer {
  const sizes = Buffer.alloc(12)
  sizes.writeUInt32LE(28 + 16 + certificate.length, 0)
  sizes.writeUInt32LE(16 + certificate.length, 8)
  // EFI_CERT_X509_GUID, as it lies in memory.
  return Buffer.concat([Buffer.from('a159c0a5e494a74a87b5ab155c2bf072', 'hex'), sizes, Buffer.alloc(16), certificate])
}

/** The first machine installs itself once, to its disk, and its config is guarded. */
function installOnce (store: string, id: string): void {
  const [group, path] = [readJson<Group>(store, 'groups', `${id}.json`), join(store, 'groups', `${id}.json`)]
  writeJson(path, { ...group, metadata: { ...group.metadata, install_once: 'true', reinstall: 'once', ignition_guard: 'true' } })
  const profile = readJson<Profile>(store, 'profiles', `${group.profile}.json`)
  const args = profile.boot.args.map(arg => arg.startsWith('machine.root=') ? arg.replace('machine.root=', 'machine.install=') : arg)
  writeJson(join(store, 'profiles', `${group.profile}.json`), { ...profile, boot: { ...profile.boot, args } })
}

/** Four machines that nobody knows, and what such machines become. */
function forgetMachines (store: string, config: Config): readonly SandboxMachine[] {
  for (const name of readdirSync(join(store, 'groups'))) rmSync(join(store, 'groups', name))
  const node = readJson<Profile>(store, 'profiles', 'node.json')
  for (const id of ['core', 'default']) writeJson(join(store, 'profiles', `${id}.json`), { ...node, id })
  const [subnet] = config.dhcp.subnets
  if (subnet === undefined) throw new Error('examples/config.yaml has no subnet')
  const range = (first: number, last: number): string => `${hostIn(subnet.subnet, first)}-${hostIn(subnet.subnet, last)}`
  config.enrolment = { profiles: [{ profile: 'core', quantity: 3 }, { profile: 'default' }], range: range(21, 60), hostname: 'core-{n}' }
  Object.assign(config.dhcp, { unknown_clients: 'allow', reservations: [] })
  subnet.range = range(100, 150)
  return [1, 2, 3, 4].map(n => ({ name: `unknown-${n}`, mac: `52:54:00:c0:7e:4${n}`, address: '', files: filesOf(store, 'node') }))
}

/** Nobody is known yet: a controller and a worker come by lists, their profile by gRPC. */
function awaitLists (store: string, config: Config, { root, folder }: StoreOptions, address: string): readonly SandboxMachine[] {
  const files = filesOf(store, 'node')
  for (const kind of ['groups', 'profiles', 'ignition']) for (const name of readdirSync(join(store, kind))) rmSync(join(store, kind, name))
  const certificates = join(folder, 'certificates')
  execFileSync(process.execPath, [join(root, 'bin/core-provisioner'), 'certs', 'init', '--dir', certificates, '--san', `IP:${address}`], { stdio: 'ignore' })
  const file = (name: string): string => join(certificates, name)
  config.rpc = { address: '0.0.0.0:8081', ca_file: file('ca.crt'), cert_file: file('server.crt'), key_file: file('server.key') }
  config.dhcp.reservations = []
  const subnet = config.dhcp.subnets[0]?.subnet ?? ''
  return ['core-c1', 'core-w1'].map((name, n) => ({ name, mac: `52:54:00:c0:7e:6${n + 1}`, address: hostIn(subnet, 61 + n), files }))
}

/** Machines that ask by their address, and a channel whose files are there. */
function asPxeCoreos (store: string, config: Config, assets: string, address: string): readonly SandboxMachine[] {
  for (const kind of ['groups', 'profiles', 'ignition']) for (const name of readdirSync(join(store, kind))) rmSync(join(store, kind, name))
  renameSync(join(assets, 'sandbox/vmlinuz'), join(assets, 'coreos_stable_pxe.vmlinuz'))
  renameSync(join(assets, 'sandbox/initrd.gz'), join(assets, 'coreos_stable_pxe_image.cpio.gz'))
  Object.assign(config.http, { identify_by_ip: true })
  Object.assign(config.dhcp, { reservations: [] })
  config.boot = { bios: 'pxelinux.0' }
  writeJson(join(store, 'profiles', 'stable.json'), {
    id: 'stable',
    boot: {
      kernel: '/assets/coreos_stable_pxe.vmlinuz',
      initrd: ['/assets/coreos_stable_pxe_image.cpio.gz'],
      args: ['initrd=coreos_stable_pxe_image.cpio.gz', 'console=ttyS0', 'panic=-1', `cloud-config-url=http://${address}:8080/cloud`]
    }
  })
  return [{ name: 'docker-101', mac: '52:54:00:c0:7e:71', address: hostIn(config.dhcp.subnets[0]?.subnet ?? '', 71), files: new Map() }]
}

/** Where the page is, inside. */
export const pagePort = 8082

/** Lays out the store, the assets and the configuration below `folder`. */
export function createStore (options: StoreOptions): SandboxStore {
  const { root, folder, bridge, firmware } = options
  const store = join(folder, 'store')
  for (const kind of ['groups', 'profiles', 'ignition']) cpSync(join(root, 'examples', kind), join(store, kind), { recursive: true })
  putAssets(options, join(folder, 'assets/sandbox'))

  const config = parse(readFileSync(join(root, 'examples/config.yaml'), 'utf8')) as Config
  const groups = readdirSync(join(store, 'groups')).sort().map(name => readJson<Group>(store, 'groups', name))
    .filter(group => group.selector?.mac !== undefined)
  addMachines(store, config, groups, options.machines)
  const configFile = join(folder, 'config.yaml')
  const address = hostIn(config.dhcp.subnets[0]?.subnet ?? '', 1)
  const tftpRoot = join(folder, 'tftpboot')
  mkdirSync(tftpRoot)
  if (isGrub(firmware)) {
    makeGrub(firmware, tftpRoot)
    fitToGrub(store, config, grubFile(firmware), address)
  }
  const loader = putLoaders(options, config, tftpRoot, address)
  if (loader !== undefined) config.boot = firmware.startsWith('arm64-') ? { uefi_arm64: loader } : { uefi_x64: loader }
  if (firmware.startsWith('arm64-')) fitConsole(store)
  if (firmware === 'uefi-https') fitTls(config, options, address)
  const others = options.story === 'enrol'
    ? forgetMachines(store, config)
    : options.story === 'tectonic'
      ? awaitLists(store, config, options, address)
      : options.story === 'pxe-coreos' ? asPxeCoreos(store, config, join(folder, 'assets'), address) : undefined
  if (options.story === 'install') installOnce(store, groups[0]?.id ?? '')
  writeFileSync(configFile, stringify({
    ...config,
    data_path: store,
    assets_path: join(folder, 'assets'),
    state_path: join(folder, 'state'),
    control_socket: join(folder, 'control.sock'),
    tftp: { root: tftpRoot },
    ui: { address: `127.0.0.1:${pagePort}` },
    dhcp: { ...config.dhcp, interface: bridge }
  }))

  const machines = others ??
    groups.slice(0, options.machines).map(({ id, profile, selector }) => {
      const reservation = config.dhcp.reservations.find(({ mac }) => mac === selector?.mac)
      if (reservation === undefined) throw new Error(`examples/config.yaml has no reservation for the machine of the group ${id}`)
      return { name: id, mac: reservation.mac, address: reservation.ip, files: filesOf(store, profile) }
    })
  return { configFile, gateway: `${address}/24`, url: `http://${address}:${config.http.address.split(':').at(-1) ?? '80'}`, machines, dataPath: store }
}
