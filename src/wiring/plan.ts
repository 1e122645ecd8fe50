// What `serve` would do with a configuration, found out without listening: who listens where, what from, what is amiss.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { bootFolders } from '../base/bundled.js'
import type { Clock } from '../base/clock.js'
import type { Config, ListenAddress, LoadedConfig } from '../config/load.js'
import { buildReservations } from '../dhcp/reservations.js'
import { groupOverrides } from './boot-overrides.js'
import { advertisedHost, bootConfig, dhcpSubnets, httpOrigin, ownAddress } from './dhcp-settings.js'
import { AppError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { formatIpv4 } from '../net/ipv4.js'
import { openHttpsCertificate } from './https.js'
import { imageSources } from './images.js'
import { readReservations } from './reservation-sources.js'
import { openFileStore } from '../store/file-store.js'
import { openSigner } from './signing.js'

export interface Listener {
  readonly protocol: 'dhcp' | 'tftp' | 'http' | 'https' | 'grpc'
  /** `0.0.0.0:8080/tcp`, `ens192:67/udp` */
  readonly address: string
  readonly what: string
}

export interface Plan {
  readonly sources: readonly string[]
  readonly listeners: readonly Listener[]
  /** What the sockets of systemd have to know: `interface` is '' where the mode is off and none is written. */
  readonly dhcp: { readonly mode: Config['dhcp']['mode'], readonly interface: string }
  /** What it reads and writes: the folder and what is in it. */
  readonly paths: ReadonlyArray<readonly [what: string, path: string, contents: string]>
  /** What keeps some of it from working. */
  readonly problems: readonly string[]
  /** What some machines may miss. */
  readonly notes: readonly string[]
}

export interface PlanOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Of the key ring's private key. */
  readonly passphrase: string
}

const at = ({ host, port }: ListenAddress, transport: 'tcp' | 'udp'): string => `${host}:${port}/${transport}`

export async function planFor (loaded: LoadedConfig, { clock, log, passphrase }: PlanOptions): Promise<Plan> {
  const { config, sources } = loaded
  const problems: string[] = []
  const notes: string[] = []
  let own: number | undefined
  try {
    own = ownAddress(config)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    problems.push(`${loaded.where(['dhcp', 'interface'])}: dhcp.interface: ${error.message}`)
  }
  const signer = await openSigner(loaded, passphrase, clock).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error
    problems.push(error.message)
    return undefined
  })
  let images = 0
  try {
    images = imageSources(loaded).length
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    problems.push(error.message)
  }
  const store = await openFileStore({ dataPath: config.data_path, tombstoneMs: 0, clock, log, watch: false })
  const { groups, profiles, configs } = store.snapshot
  problems.push(...store.problems().map(({ file, message }) => `${join(config.data_path, file)}: ${message}`))
  const contents = `${groups.size} groups, ${profiles.size} profiles, ${configs.ignition.size} ignition, ${configs.cloud.size} cloud, ${configs.generic.size} generic`

  const listeners: Listener[] = []
  const origin = httpOrigin(advertisedHost(config, own), config.http.address)
  if (config.dhcp.mode !== 'off') {
    const found = await readReservations(loaded, store)
    const inForce = buildReservations(found.entries, dhcpSubnets(loaded), own ?? 0)
    const boot = groupOverrides(groups.values())
    problems.push(...found.problems, ...inForce.problems, ...boot.problems)
    const overrides = config.boot.overrides.length + boot.overrides.length
    listeners.push({
      protocol: 'dhcp',
      address: `${config.dhcp.interface}:${config.dhcp.port}/udp`,
      what: `${own === undefined ? '' : `as ${formatIpv4(own)}, `}${config.dhcp.subnets.length} subnets, ${inForce.byIp.size} reservations,${overrides === 0 ? '' : ` ${overrides} boot overrides,`} unknown clients: ${config.dhcp.unknown_clients}`
    })
  }
  if (config.tftp.address !== null) {
    const missing = missingLoaders(config)
    listeners.push({ protocol: 'tftp', address: at(config.tftp.address, 'udp'), what: `loaders ${loaderNames(config).filter(name => !missing.includes(name)).join(', ') || 'none'}` })
    notes.push(...missing.map(name => `boot loader ${name} is in none of ${[config.tftp.root, ...bootFolders()].join(', ')}; scripts/boot-files fetches those that the distribution has`))
  }
  listeners.push({ protocol: 'http', address: at(config.http.address, 'tcp'), what: `machines are told ${bootConfig(config, origin).scriptUrl}` })
  const { https } = config.http
  if (https.address !== null) {
    listeners.push({ protocol: 'https', address: at(https.address, 'tcp'), what: `as ${https.cert_file}` })
    await openHttpsCertificate(loaded, { clock, onEvent: () => {} })
      .then(reloader => reloader.close(), (error: unknown) => { problems.push(messageOf(error)) })
  }
  if (config.rpc.address !== null) {
    const missing = [config.rpc.ca_file, config.rpc.cert_file, config.rpc.key_file].filter(file => !existsSync(file))
    const unwanted = missing.length > 0 && !loaded.isWritten(['rpc'])
    listeners.push({ protocol: 'grpc', address: at(config.rpc.address, 'tcp'), what: unwanted ? 'off as long as it has no certificates' : `as ${config.rpc.cert_file}` })
    if (missing.length > 0 && !unwanted) problems.push(`no ${missing.join(', no ')}: core-provisioner certs init makes certificates, rpc.address: "" turns the gRPC API off`)
  }
  await store.close()
  return {
    sources,
    listeners,
    dhcp: { mode: config.dhcp.mode, interface: config.dhcp.interface },
    paths: [
      ['store', config.data_path, contents],
      ...config.assets_path === '' ? [] : [['assets', config.assets_path, `${existsSync(config.assets_path) ? '' : 'missing '}${images === 0 ? '' : `${images} image sources`}`.trim()] as const],
      ...signer === undefined ? [] : [['key ring', config.signing.key_ring_path, `signs as ${signer.keyId}`] as const],
      ['state', config.state_path, existsSync(config.state_path) ? '' : 'made at start']
    ],
    problems,
    notes
  }
}

const loaderNames = ({ boot }: Config): readonly string[] =>
  [...new Set([boot.bios, boot.uefi_x64, boot.uefi_arm64, ...boot.overrides.flatMap(({ file }) => file ?? [])])]

const missingLoaders = (config: Config): readonly string[] =>
  loaderNames(config).filter(name => ![config.tftp.root, ...bootFolders()].some(folder => existsSync(join(folder, name))))
