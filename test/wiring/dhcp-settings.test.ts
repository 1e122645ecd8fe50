// What DHCP is told of loaders, from the configuration.
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import type { BootConfig } from '../../src/dhcp/boot-file.js'
import { bootConfig, hasOtherLoader } from '../../src/wiring/dhcp-settings.js'

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
