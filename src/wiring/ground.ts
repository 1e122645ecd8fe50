// What listeners stand on, made from the configuration in the same way whether they are to listen or only looked at.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { type Config, isClustered, type LoadedConfig } from '../config/load.js'
import type { OpenStore } from '../matchbox/store.js'
import type { Source } from '../mirror/source.js'
import { type ArpLookup, openArpLookup } from '../net/arp-lookup.js'
import { type InterfaceAddress, keptAddresses, keptInterfaces, type LookAtInterfaces } from '../net/interfaces.js'
import type { Signer } from '../openpgp/sign.js'
import { openFileStore } from '../store/file-store.js'
import type { Cluster } from './cluster.js'
import type { Homes } from '../dhcp/homes.js'
import { homesHere } from './homes.js'
import { openSigner } from './signing.js'

export interface Ground {
  readonly loaded: LoadedConfig
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  /** Where proxies for downloads are named. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where DHCP is answered, and what machines there are told. */
  readonly homes: Homes
  readonly interfaces: LookAtInterfaces
  /** This machine's, as they were within half a second. Throws as long as the kernel can't be asked. */
  readonly ownAddresses: () => readonly InterfaceAddress[]
  readonly arp: ArpLookup
  /** Of a configured key ring. */
  readonly signer: Signer | undefined
  /** What is to be mirrored. */
  readonly sources: readonly Source[]
  readonly store: OpenStore
  /** What the provisioners share; undefined for one alone. */
  readonly cluster: Cluster | undefined
}

export interface GroundOptions {
  readonly log: Logger
  readonly clock: Clock
  /** Of the key ring's private key. */
  readonly passphrase: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether edits of the store are seen, and what is deleted lives on for a while: in a running appliance. */
  readonly live: boolean
  /** Takes what can't be as configured; what it throws ends the attempt. */
  readonly onProblem: (error: AppError) => void
}

/** The caller calls `close` when nothing stands on it any more. */
export async function openGround (loaded: LoadedConfig, options: GroundOptions): Promise<Ground & { readonly close: () => Promise<void> }> {
  const { log, clock, passphrase, env, live, onProblem } = options
  const { config } = loaded
  const attempt = async <T>(what: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await what()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      onProblem(error)
      return undefined
    }
  }
  const homes = homesHere(config)
  const interfaces = keptInterfaces(clock)
  const ownAddresses = keptAddresses(interfaces)
  const arp = openArpLookup(ownAddresses)
  const signer = await attempt(() => openSigner(loaded, passphrase, clock))
  const sources = await attempt(() => sourcesOf(loaded)) ?? []
  const tombstoneMs = live ? config.store.tombstone : 0
  const room = isClustered(config) ? await import('./cluster.js') : undefined
  const cluster = await room?.openCluster(loaded, { clock, log, live, onProblem })
  const store = room === undefined || cluster === undefined
    ? await openFileStore({ dataPath: config.data_path, tombstoneMs, clock, log, watch: live })
    : room.storeOf(cluster, { tombstoneMs, clock, log })
  return {
    loaded,
    config,
    log,
    clock,
    env,
    homes,
    interfaces,
    ownAddresses,
    arp,
    signer,
    sources,
    store,
    cluster,
    close: async () => {
      arp.close()
      await store.close()
      await cluster?.close()
    }
  }
}

const sourcesOf = async (loaded: LoadedConfig): Promise<readonly Source[]> =>
  loaded.config.images.sources.length === 0 ? [] : (await import('./image-sources.js')).imageSources(loaded)
