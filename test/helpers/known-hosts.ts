// Machines for a test of exports, and what the writers are told beside them.
import fc from 'fast-check'
import type { ExportContext, ExportedHost } from '../../src/inventory/exported.js'
import type { KnownHost } from '../../src/inventory/plan.js'
import { contains, parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import type { Mac } from '../../src/net/mac.js'

export const networks = [
  { subnet: parseSubnet('192.168.100.0/24')!, routers: [parseIpv4('192.168.100.1')!], dnsServers: [parseIpv4('192.168.100.2')!, parseIpv4('8.8.8.8')!], domain: 'lab.example' },
  { subnet: parseSubnet('10.1.0.0/16')!, routers: [], dnsServers: [], domain: '' }
]

export const context: ExportContext = {
  cluster: 'lab',
  networks,
  provisioner: '192.168.100.5',
  httpUrl: 'http://192.168.100.5:8080',
  rpcEndpoint: '192.168.100.5:8081',
  scriptUrl: 'http://192.168.100.5:8080/boot.ipxe',
  loaders: { bios: 'undionly.kpxe', uefiX64: 'snponly.efi', uefiArm64: 'snponly-arm64.efi' },
  certificates: { ca: '-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n', cert: 'cert\n', key: 'key\n' }
}

export const withDomain = ({ macs, ip, name, role }: Omit<KnownHost, 'source' | 'own'>): ExportedHost => {
  const domain = ip === undefined ? '' : networks.find(({ subnet }) => contains(subnet, ip))?.domain ?? ''
  return { macs, ip, name, role, fullName: name === undefined || name.includes('.') || domain === '' ? name : `${name}.${domain}` }
}

const macAt = (index: number, card: number): Mac => `02:00:${[card, index >> 16, index >> 8 & 255, index & 255].map(octet => octet.toString(16).padStart(2, '0')).join(':')}` as Mac

interface Drawn { readonly name: string | undefined, readonly ip: 'lab' | 'other' | 'none', readonly cards: number, readonly role: string | undefined }

/** A list without contradictions, as a whole that stands in `known` has none: of each MAC, address and name there is one. */
export const knownLists = (maxLength = 12): fc.Arbitrary<readonly KnownHost[]> => fc.array(fc.record({
  name: fc.option(fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,8}[a-z0-9](\.[a-z]{1,5}){0,2}$/), { nil: undefined }),
  ip: fc.constantFrom('lab', 'lab', 'other', 'none'),
  cards: fc.integer({ min: 1, max: 3 }),
  role: fc.constantFrom('controllers', 'workers', 'etcd.1', undefined)
}) as fc.Arbitrary<Drawn>, { maxLength }).map(drawn => {
  const labels = new Set<string>()
  return drawn.map(({ name, ip, cards, role }, index): KnownHost => {
    const label = name?.toLowerCase().split('.')[0] ?? ''
    const named = name !== undefined && !labels.has(label) && !/^(?:host|network)$/.test(label) ? name : undefined
    labels.add(label)
    const address = ip === 'none' && named !== undefined ? undefined : (ip === 'other' ? parseIpv4('10.1.0.10')! : parseIpv4('192.168.100.10')!) + index
    return {
      // Only what has both a name and an address is known again as one machine in every format.
      macs: Array.from({ length: named !== undefined && address !== undefined ? cards : 1 }, (_, card) => macAt(index, card)),
      ip: address,
      name: named,
      role,
      source: `group g${index}`,
      own: false
    }
  })
})
