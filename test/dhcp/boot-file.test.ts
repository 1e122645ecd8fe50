// Who gets which loader: every row of the table, and each architecture.
import t from 'tap'
import { type BootConfig, type BootFile, bootFileFor, bootTable, uefiStyleFor } from '../../src/dhcp/boot-file.js'
import { type ClientInfo, clientInfo } from '../../src/dhcp/client-info.js'
import { architectures } from '../../src/dhcp/constants.js'
import type { Options } from '../../src/dhcp/options.js'
import { decodePacket } from '../../src/dhcp/packet.js'
import { hex, mac, request, testMac } from '../helpers/dhcp.js'
import { packetFixture } from '../helpers/fixtures.js'

const scriptUrl = 'http://192.168.100.2:8080/boot.ipxe'
const boot: BootConfig = {
  loaders: { bios: 'undionly.kpxe', 'efi-ia32': 'snponly32.efi', 'efi-x64': 'snponly.efi', 'efi-arm64': 'snponly-arm64.efi' },
  scriptUrl,
  loaderBaseUrl: 'http://192.168.100.2:8080/boot/',
  otherLoaders: { bios: 'ipxe.pxe', 'efi-x64': 'ipxe.efi' }
}
const pxe = (architecture: number): Options => ({ vendorClassIdentifier: `PXEClient:Arch:${architecture}`, clientSystemArchitecture: [architecture] })
const http = (architecture: number): Options => ({ vendorClassIdentifier: 'HTTPClient', clientSystemArchitecture: [architecture] })
const uBoot: Options = { vendorClassIdentifier: 'U-Boot.armv8', clientSystemArchitecture: [22] }
const client = (options: Options, address = testMac): ClientInfo => clientInfo(request(options, { mac: address }))
const give = (who: ClientInfo, more: Partial<BootConfig> = {}, otherLoader = false): BootFile | undefined =>
  bootFileFor({ client: who, boot: { ...boot, ...more }, otherLoader })
const name = (...given: Parameters<typeof give>): string | undefined => give(...given)?.name

t.test('every row is reached by some client, and only by those it means', t => {
  const full = hex('130101')
  const rows: ReadonlyArray<readonly [string, ClientInfo, Partial<BootConfig>]> = [
    ['our own iPXE', client({ userClass: Buffer.from('core-provisioner'), ipxeEncapsulatedOptions: full }), {}],
    ["a network card's iPXE, when ours can be told from it: chainload ours", client({ userClass: Buffer.from('iPXE') }), { ownUserClass: true }],
    ['iPXE that can fetch over HTTP', client({ userClass: Buffer.from('iPXE'), ipxeEncapsulatedOptions: full }), {}],
    ["a network card's iPXE without HTTP: chainload the full one", client({ ipxeEncapsulatedOptions: hex('210101') }), {}],
    ['a Raspberry Pi, which fetches the files of its own boot order below its serial number', client(pxe(0), mac('dc:a6:32:00:00:01')), {}],
    ['U-Boot, which looks for a PXELINUX file by its own names, or loads what an exception names', client(uBoot), {}],
    ['whatever else, by an exception that names its kind', client({ vendorClassIdentifier: 'Petitboot' }), { overrides: [{ vendorClass: 'Petit', loader: 'x' }] }],
    ['UEFI HTTP Boot', client(http(16)), {}],
    ['a PXE ROM or UEFI PXE', client(pxe(7)), {}]
  ]
  for (const [what, who, more] of rows) {
    t.equal(bootTable.find(row => row.when({ client: who, boot: { ...boot, ...more }, otherLoader: false }))?.what, what)
  }
  t.equal(rows.length, bootTable.length)
  t.equal(give(client({ vendorClassIdentifier: 'udhcp 1.35.0' })), undefined)
  t.equal(give(client({})), undefined)
  t.end()
})

t.test('real clients', t => {
  const rows: ReadonlyArray<readonly [string, BootFile | undefined]> = [
    ['qemu-ipxe-rom-discover', { kind: 'script', name: scriptUrl }],
    ['flexboot-discover', { kind: 'loader', name: 'undionly.kpxe' }],
    ['intel-boot-agent-discover', { kind: 'loader', name: 'undionly.kpxe' }],
    ['ovmf-x64-pxe-discover', { kind: 'loader', name: 'snponly.efi' }],
    ['ovmf-x64-http-discover', { kind: 'loader', name: 'http://192.168.100.2:8080/boot/snponly.efi' }],
    ['raspberry-pi-4-discover', { kind: 'loader', name: '' }],
    ['udhcpc-discover', undefined],
    ['dhclient-discover', undefined]
  ]
  for (const [fixture, expected] of rows) t.same(give(clientInfo(decodePacket(packetFixture(fixture).bytes))), expected, fixture)
  t.end()
})

t.test('each architecture', t => {
  const expected: Readonly<Record<number, string | undefined>> = {
    0: 'undionly.kpxe', 6: 'snponly32.efi', 7: 'snponly.efi', 9: 'snponly.efi', 10: undefined, 11: 'snponly-arm64.efi', 21: '', 22: '', 41: ''
  }
  const overHttp: Readonly<Record<number, string | undefined>> = { 15: 'snponly32.efi', 16: 'snponly.efi', 18: undefined, 19: 'snponly-arm64.efi', 20: 'undionly.kpxe' }
  for (const [code, architecture] of Object.entries(architectures)) {
    const number = Number(code)
    if (architecture?.http === true) {
      const loader = overHttp[number]
      t.equal(name(client(http(number))), loader && `http://192.168.100.2:8080/boot/${loader}`, architecture.name)
      t.equal(name(client(http(number)), { loaderBaseUrl: '' }), loader, 'a base of nothing')
    } else {
      t.equal(name(client(pxe(number))), expected[number], architecture?.name ?? code)
    }
  }
  t.equal(name(client(pxe(77))), undefined, 'an unknown one is left alone')
  t.equal(name(client({ vendorClassIdentifier: 'PXEClient' })), 'undionly.kpxe', 'none: a BIOS ROM from before RFC 4578')
  t.equal(name(client({ vendorClassIdentifier: 'PXEClient', clientSystemArchitecture: [77, 9] })), 'snponly.efi', 'the first that is known')
  t.equal(name(client(http(7))), undefined, 'HTTPClient with an architecture that does not boot over HTTP')
  const inImages = { httpNames: new Map([['snponly.efi', 'snponly.img']]) }
  t.equal(name(client(http(16)), inImages), 'http://192.168.100.2:8080/boot/snponly.img', 'in the image that stands in for it')
  t.equal(name(client(pxe(7)), inImages), 'snponly.efi', 'and by TFTP as it is')
  const { loaderBaseUrl, ...without } = boot
  t.equal(bootFileFor({ client: client(http(16)), boot: without, otherLoader: false }), undefined, 'no HTTP base, no HTTP Boot')
  t.end()
})

t.test('iPXE that is ours gets the script, any other is given ours', t => {
  const own = client({ userClass: hex('10' + Buffer.from('core-provisioner').toString('hex')), ipxeEncapsulatedOptions: hex('130101'), clientSystemArchitecture: [7] })
  const card = client({ userClass: Buffer.from('iPXE'), ipxeEncapsulatedOptions: hex('130101'), clientSystemArchitecture: [7] })
  t.equal(name(own, { ownUserClass: true }), scriptUrl)
  t.equal(name(card, { ownUserClass: true }), 'snponly.efi')
  t.equal(name(card, { ownUserClass: true, loaders: {} }), scriptUrl, 'no loader for it: it does what it can')
  t.equal(name(card), scriptUrl)
  t.end()
})

t.test('exceptions for one machine and for one vendor', t => {
  const overrides = [
    { mac: testMac, loader: 'special.efi', uefiStyle: 'binl' as const },
    { vendorClass: 'PXEClient:Arch:00007:UNDI:0030', loader: 'vendor.efi', scriptUrl: 'http://other/boot.ipxe' },
    { mac: mac('dc:a6:32:00:00:01'), loader: 'kernel8.img' }
  ]
  const other = mac('52:54:00:00:00:99')
  const vendor = { vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] }
  t.equal(name(client(pxe(7)), { overrides }), 'special.efi')
  t.equal(name(client(pxe(7), other), { overrides }), 'snponly.efi')
  t.equal(name(client(vendor, other), { overrides }), 'vendor.efi')
  t.equal(name(client({ ...vendor, ipxeEncapsulatedOptions: hex('130101') }, other), { overrides }), 'http://other/boot.ipxe')
  t.equal(name(client(pxe(0), mac('dc:a6:32:00:00:01')), { overrides }), 'kernel8.img')
  t.equal(name(client(http(16)), { overrides: [{ mac: testMac, loader: 'http://cdn/x.efi' }] }), 'http://cdn/x.efi')
  t.equal(uefiStyleFor({ client: client(pxe(7)), boot: { ...boot, overrides }, otherLoader: false }), 'binl')
  t.equal(uefiStyleFor({ client: client(pxe(7), other), boot: { ...boot, overrides }, otherLoader: false }), 'direct')
  t.end()
})

t.test('overrides by manufacturer and architecture, each thing from the first that says it', t => {
  const overrides = [
    { mac: '52:54:00', uefiStyle: 'binl' as const },
    { architecture: 9, loader: 'ebc.efi' },
    { mac: '52:54', architecture: 'efi-x64' as const, loader: 'x64.efi' },
    { architecture: 'bios' as const, loader: 'bios.kpxe' },
    { loader: 'never.efi', vendorClass: 'Nobody' }
  ]
  t.equal(name(client(pxe(9)), { overrides }), 'ebc.efi')
  t.equal(name(client(pxe(7)), { overrides }), 'x64.efi')
  t.equal(name(client(pxe(7), mac('00:0c:29:00:00:01')), { overrides }), 'snponly.efi')
  t.equal(name(client({ vendorClassIdentifier: 'PXEClient' }), { overrides }), 'bios.kpxe', 'a ROM that names no architecture')
  t.equal(uefiStyleFor({ client: client(pxe(7)), boot: { ...boot, overrides }, otherLoader: false }), 'binl')
  t.end()
})

t.test('a machine that its first loader leads nowhere gets the other one, where there is one', t => {
  t.equal(name(client(pxe(7)), {}, true), 'ipxe.efi')
  t.equal(name(client(pxe(11)), {}, true), 'snponly-arm64.efi')
  t.equal(name(client(http(16)), {}, true), 'http://192.168.100.2:8080/boot/ipxe.efi')
  t.equal(name(client(pxe(7)), { overrides: [{ mac: testMac, loader: 'special.efi' }] }, true), 'special.efi')
  t.end()
})

t.test('a Raspberry Pi that runs UEFI is like any other', t => {
  t.equal(name(client(pxe(11), mac('dc:a6:32:00:00:01'))), 'snponly-arm64.efi')
  t.end()
})

t.test('an exception for U-Boot, or for whatever else, has its effect', t => {
  const overrides = [{ vendorClass: 'U-Boot', loader: 'grubaa64.efi' }, { architecture: 14, loader: 'petitboot.conf' }, { mac: testMac, loader: 'mine.kpxe' }]
  t.equal(name(client(uBoot)), '', 'its own names else')
  t.equal(name(client(uBoot, mac('52:54:00:00:00:77')), { overrides }), 'grubaa64.efi')
  t.equal(name(client({ clientSystemArchitecture: [14] }), { overrides }), 'petitboot.conf')
  t.equal(name(client({ vendorClassIdentifier: 'udhcp 1.35.0' }), { overrides }), undefined, 'one for a machine means its firmware, not its system')
  t.end()
})
