// What DHCP is told of loaders, from the configuration.
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import type { BootConfig } from '../../src/dhcp/boot-file.js'
import { formatSubnet, parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { advertisedHost, bootConfig, dhcpSubnets, hasOtherLoader, ownAddressAmong, wireOptions } from '../../src/wiring/dhcp-settings.js'

const configFor = (...set: string[]): ReturnType<typeof loadConfig>['config'] => loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set }).config
const boot = (...set: string[]): BootConfig => bootConfig(configFor(...set), 'http://10.0.0.2:8080')

t.test('only iPXE\'s builds stand in for each other', async t => {
  t.same(boot().otherLoaders, { 'efi-x64': 'ipxe.efi' })
  t.same(boot('boot.uefi_x64=ipxe.efi').otherLoaders, { 'efi-x64': 'snponly.efi' })
  for (const loader of ['shimx64.efi', 'grubnetx64.efi', 'constructor', 'efi/snponly.efi']) {
    t.same(boot(`boot.uefi_x64=${loader}`).otherLoaders, {}, loader)
    t.equal(hasOtherLoader(configFor(`boot.uefi_x64=${loader}`)), false)
  }
})

t.test('HTTP Boot can be left unanswered', async t => {
  t.equal(boot().loaderBaseUrl, 'http://10.0.0.2:8080/boot/')
  t.equal(boot('boot.http_boot=false').loaderBaseUrl, undefined)
})

t.test('what machines are told this service is', async t => {
  const own = parseIpv4('10.0.0.2')!
  t.equal(advertisedHost(configFor('advertise=boot.test', 'http.address=10.9.9.9:80'), own), 'boot.test')
  t.equal(advertisedHost(configFor('http.address=10.9.9.9:80'), own), '10.0.0.2')
  t.equal(advertisedHost(configFor('http.address=10.9.9.9:80'), undefined), '10.9.9.9')
  t.equal(advertisedHost(configFor('http.address="[fe80::1]:80"'), undefined), '[fe80::1]')
  for (const everywhere of ['0.0.0.0:80', '"[::]:80"']) t.match(advertisedHost(configFor(`http.address=${everywhere}`), undefined), /^\d+\.\d+\.\d+\.\d+$/)
  const at = (text: string) => ({ ip: parseIpv4(text)!, subnet: parseSubnet('10.0.0.0/8')! })
  const config = configFor('dhcp.subnets=[{ subnet: 10.1.0.0/24 }]')
  t.equal(ownAddressAmong(config, [at('10.0.0.1'), at('10.1.0.1'), at('10.1.0.2')]), parseIpv4('10.1.0.1'))
  t.equal(ownAddressAmong(config, [at('10.0.0.1'), at('10.0.0.2')]), parseIpv4('10.0.0.1'))
  t.equal(ownAddressAmong(config, []), undefined)
})

t.test('exceptions, those of single machines first', async t => {
  const config = configFor('boot={ script_url: "http://s/x", own_user_class: true, overrides: [{ mac: "00:0c:29", vendor_class: PXE, arch: 7, file: a, script_url: "http://y/", proxy_style: binl }, { arch: bios, file: b }] }')
  const machine = { mac: '02:00:00:00:00:01', loader: 'own.efi' }
  const names = new Map([['a', 'b']])
  t.match(bootConfig(config, 'http://10.0.0.2:8080', [machine], names), { scriptUrl: 'http://s/x', ownUserClass: true, httpNames: names })
  t.same(bootConfig(config, '', [machine]).overrides, [
    machine, { mac: '00:0c:29', vendorClass: 'PXE', architecture: 7, loader: 'a', scriptUrl: 'http://y/', uefiStyle: 'binl' }, { architecture: 'bios', loader: 'b' }
  ])
  t.match(boot('boot.bios=x', 'boot.uefi_arm64=y'), { scriptUrl: 'http://10.0.0.2:8080/boot.ipxe', ownUserClass: false, overrides: [], loaders: { bios: 'x', 'efi-x64': 'snponly.efi', 'efi-arm64': 'y' } })
})

t.test('subnets and options in the form of the wire', async t => {
  const loaded = (options: string) => loadConfig({
    file: undefined, defaultFile: '/nowhere', env: {}, set: [`dhcp.subnets=[{ subnet: 10.0.0.0/24, link: l, domain_name: d, lease_time: 90500ms, options: ${options} }, { subnet: 10.1.0.0/24 }]`]
  })
  const [one, other] = dhcpSubnets(loaded('{ 42: 10.0.0.5, 66: a }'))
  t.match(one, { link: 'l', domainName: 'd', leaseTime: 90, options: new Map([[42, Buffer.from([10, 0, 0, 5])], [66, Buffer.from('a')]]) })
  t.equal(formatSubnet(other!.subnet), '10.1.0.0/24')
  t.notOk('link' in other!)
  t.throws(() => dhcpSubnets(loaded('{ 42: nobody }')), { code: 'config_invalid', message: /^--set dhcp\.subnets: dhcp\.subnets\.0: / })
  t.equal(wireOptions({}, '').size, 0)
})
