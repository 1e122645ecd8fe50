// What keeps machines from booting, found from the outside: configuration, interface, ports and who has them, loaders,
// certificates, folders, firewalls, other DHCP servers; and for networks whose own DHCP server stays, what it has to say.
import { constants, existsSync } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../base/clock.js'
import type { LoadedConfig } from '../config/load.js'
import { buildReservations } from '../dhcp/reservations.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { formatIpv4 } from '../net/ipv4.js'
import { type PortOwner, portOwner } from '../net/port-owner.js'
import { openFileStore } from '../store/file-store.js'
import { TlsReloader } from '../tls/reload.js'
import { groupOverrides } from './boot-overrides.js'
import { diagnoseImages } from './images.js'
import { advertisedHost, bootConfig, dhcpSubnets, httpOrigin, ownAddress } from './dhcp-settings.js'
import { openHttpsCertificate } from './https.js'
import { planFor } from './plan.js'
import { readReservations } from './reservation-sources.js'

export interface Finding {
  readonly level: 'ok' | 'note' | 'problem'
  /** What was looked at: `tftp`, `interface`. */
  readonly about: string
  readonly text: string
}

export interface DoctorOptions {
  readonly loaded: LoadedConfig
  readonly clock: Clock
  readonly log: Logger
  /** Of the key ring, '' without one. */
  readonly passphrase: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether an appliance with this configuration runs: then it is the one that should have the ports. */
  readonly running: boolean
}

export async function diagnose (options: DoctorOptions): Promise<readonly Finding[]> {
  return [
    ...await fromPlan(options),
    ...await interfaceUp(options.loaded),
    ...await ports(options),
    ...await certificates(options),
    ...await folders(options.loaded),
    ...await diagnoseImages(options.loaded, options),
    ...await firewall(options.loaded),
    ...await otherDhcpServer(options)
  ]
}

async function fromPlan ({ loaded, clock, log, passphrase }: DoctorOptions): Promise<readonly Finding[]> {
  const { problems, notes, paths } = await planFor(loaded, { clock, log, passphrase })
  return [
    ...problems.map((text): Finding => ({ level: 'problem', about: 'configuration', text })),
    ...notes.map((text): Finding => ({ level: 'note', about: 'loaders', text })),
    ...problems.length === 0 ? [{ level: 'ok', about: 'configuration', text: paths.map(path => path.join(' ').trim()).join('; ') } as const] : []
  ]
}

async function interfaceUp ({ config }: LoadedConfig): Promise<readonly Finding[]> {
  if (config.dhcp.mode === 'off') return []
  const name = config.dhcp.interface
  const state = (await readFile(`/sys/class/net/${name}/operstate`, 'utf8').catch(() => 'missing')).trim()
  // Loopback and some virtual interfaces never say more than unknown.
  if (state === 'up' || state === 'unknown') return [{ level: 'ok', about: 'interface', text: `${name} is up` }]
  return [{ level: 'problem', about: 'interface', text: `${name} is ${state}: machines on it can't be heard` }]
}

interface Port { readonly about: string, readonly transport: 'tcp' | 'udp', readonly port: number }

function wantedPorts ({ config }: LoadedConfig): readonly Port[] {
  return [
    ...config.dhcp.mode === 'off' ? [] : [{ about: 'dhcp', transport: 'udp', port: config.dhcp.port } as const],
    ...config.dhcp.mode === 'proxy' ? [{ about: 'dhcp', transport: 'udp', port: config.dhcp.boot_server_port } as const] : [],
    ...config.tftp.address === null ? [] : [{ about: 'tftp', transport: 'udp', port: config.tftp.address.port } as const],
    { about: 'http', transport: 'tcp', port: config.http.address.port },
    ...config.http.https.address === null ? [] : [{ about: 'https', transport: 'tcp', port: config.http.https.address.port } as const],
    ...config.rpc.address === null ? [] : [{ about: 'grpc', transport: 'tcp', port: config.rpc.address.port } as const]
  ]
}

async function ports ({ loaded, running }: DoctorOptions): Promise<readonly Finding[]> {
  return await Promise.all(wantedPorts(loaded).map(async ({ about, transport, port }): Promise<Finding> => {
    const owner = await portOwner(transport, port)
    const where = `${port}/${transport}`
    if (owner === undefined) {
      return running
        ? { level: 'problem', about, text: `the appliance runs, and nobody listens on ${where}` }
        : { level: 'ok', about, text: `${where} is free` }
    }
    return running
      ? { level: 'ok', about, text: `${where} is listened on by ${named(owner)}` }
      : { level: 'problem', about, text: `${where} is taken by ${named(owner)}: stop that first` }
  }))
}

const named = (owner: PortOwner | 'unknown'): string => owner === 'unknown' ? 'a program of another user' : `${owner.name} (pid ${owner.pid})`

async function certificates ({ loaded, clock }: DoctorOptions): Promise<readonly Finding[]> {
  const { http, rpc, advertise } = loaded.config
  const files = { caFile: rpc.ca_file, certFile: rpc.cert_file, keyFile: rpc.key_file }
  const options = { clock, advertise, onEvent: () => {} }
  const usesRpc = rpc.address !== null && Object.values(files).every(file => existsSync(file))
  return [
    ...usesRpc ? await certificate(rpc.cert_file, TlsReloader.open(files, options)) : [],
    // What is wrong with this one is told with the configuration.
    ...http.https.address === null ? [] : await certificate(http.https.cert_file, openHttpsCertificate(loaded, options), [])
  ]
}

async function certificate (file: string, opening: Promise<TlsReloader>, otherwise?: readonly Finding[]): Promise<readonly Finding[]> {
  try {
    const reloader = await opening
    const warnings = reloader.warnings()
    const until = new Date(reloader.notAfter).toISOString().slice(0, 10)
    await reloader.close()
    return [
      { level: 'ok', about: 'certificates', text: `${file} is good until ${until}` },
      ...warnings.map((text): Finding => ({ level: 'note', about: 'certificates', text }))
    ]
  } catch (error) {
    return otherwise ?? [{ level: 'problem', about: 'certificates', text: messageOf(error) }]
  }
}

async function folders ({ config }: LoadedConfig): Promise<readonly Finding[]> {
  const wanted = [
    ['store', config.data_path, constants.R_OK | constants.W_OK],
    ['state', config.state_path, constants.R_OK | constants.W_OK],
    ['control socket', dirname(config.control_socket), constants.W_OK],
    ...config.assets_path === '' ? [] : [['assets', config.assets_path, constants.R_OK] as const]
  ] as const
  const findings = await Promise.all(wanted.map(async ([about, path, mode]): Promise<Finding | undefined> => {
    if (!existsSync(path)) return about === 'assets' ? { level: 'note', about, text: `${path} is missing: /assets/ answers 404` } : undefined
    return await access(path, mode).then(() => undefined, (): Finding => ({ level: 'problem', about, text: `${path} can't be ${mode === constants.R_OK ? 'read' : 'written'} by this user` }))
  }))
  return findings.filter(finding => finding !== undefined)
}

/** Firewalls that are known to run; what they let through is theirs to say, so this only tells what has to get in. */
async function firewall (loaded: LoadedConfig): Promise<readonly Finding[]> {
  const names = new Set<string>()
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (/^\d+$/.test(pid) && (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('/firewalld')) names.add('firewalld')
  }
  if (/^ENABLED=yes/m.test(await readFile('/etc/ufw/ufw.conf', 'utf8').catch(() => ''))) names.add('ufw')
  const wanted = wantedPorts(loaded).map(({ port, transport }) => `${port}/${transport}`).join(' ')
  return [...names].map(name => ({ level: 'note', about: 'firewall', text: `${name} runs: it has to let in ${wanted}` }))
}

/** With DHCP off, or beside another server, that server has to name this one. */
async function otherDhcpServer ({ loaded, clock, log }: DoctorOptions): Promise<readonly Finding[]> {
  const { config } = loaded
  if (config.dhcp.mode === 'server') return []
  const host = advertisedHost(config, ownOrNone(loaded))
  const store = await openFileStore({ dataPath: config.data_path, tombstoneMs: 0, clock, log, watch: false })
  const found = await readReservations(loaded, store)
  await store.close()
  const machines = groupOverrides(store.snapshot.groups.values()).overrides
  const { loaders, scriptUrl, overrides = [] } = bootConfig(config, httpOrigin(host, config.http.address), machines)
  const { byIp } = buildReservations(found.entries, dhcpSubnets(loaded), 0)
  const hosts = [...found.entries].filter(({ ip }) => byIp.has(ip) || config.dhcp.subnets.length === 0)
  return [
    { level: 'note', about: 'your DHCP server', text: `next-server ${host}` },
    { level: 'note', about: 'your DHCP server', text: `filename "${loaders.bios ?? ''}" for BIOS (option 93 is 0), "${loaders['efi-x64'] ?? ''}" for x64 UEFI (7, 9)` },
    { level: 'note', about: 'your DHCP server', text: `filename "${scriptUrl}" for iPXE (user class, option 77, is "iPXE")` },
    ...overrides.flatMap(({ loader, mac, vendorClass, architecture }): Finding[] => {
      const whom = [
        ...mac === undefined ? [] : [`hardware ethernet ${mac}`],
        ...vendorClass === undefined ? [] : [`vendor class (option 60) "${vendorClass}"`],
        ...architecture === undefined ? [] : [`architecture (option 93) ${architecture}`]
      ]
      return loader === undefined ? [] : [{ level: 'note', about: 'your DHCP server', text: `filename "${loader}" for ${whom.join(', ')}, but for iPXE` }]
    }),
    ...hosts.map(({ macs: [mac = ''], ip, hostName }): Finding => ({
      level: 'note', about: 'your DHCP server', text: `${hostName ?? ''} hardware ethernet ${mac} fixed-address ${formatIpv4(ip)}`.trim()
    }))
  ]
}

function ownOrNone ({ config }: LoadedConfig): number | undefined {
  try {
    return ownAddress(config)
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}
