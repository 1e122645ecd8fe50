// What listeners stand on, made from the configuration in the same way whether they are to listen or only looked at.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Config, LoadedConfig } from '../config/load.js'
import type { OpenStore } from '../matchbox/store.js'
import type { Source } from '../mirror/source.js'
import type { Ipv4 } from '../net/ipv4.js'
import type { Signer } from '../openpgp/sign.js'
import { openFileStore } from '../store/file-store.js'
import { advertisedHost, httpOrigin, ownAddress } from './dhcp-settings.js'
import { imageSources } from './image-sources.js'
import { openSigner } from './signing.js'

export interface Ground {
  readonly loaded: LoadedConfig
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  /** Where proxies for downloads are named. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The service's address on the network it serves DHCP on, at the start; undefined when it serves none. */
  readonly own: Ipv4 | undefined
  /** Where machines find the HTTP API, at the start: `http://192.168.100.2:8080`. */
  readonly origin: string
  /** Both as they are now: the interface may get another address. */
  readonly home: Home
  /** Of a configured key ring. */
  readonly signer: Signer | undefined
  /** What is to be mirrored. */
  readonly sources: readonly Source[]
  readonly store: OpenStore
}

export interface Home {
  own: Ipv4 | undefined
  readonly origin: string
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
  const own = await attempt(() => ownAddress(loaded))
  const home: Home = { own, get origin () { return httpOrigin(advertisedHost(config, home.own), config.http.address) } }
  const signer = await attempt(() => openSigner(loaded, passphrase, clock))
  const sources = await attempt(() => imageSources(loaded)) ?? []
  const store = await openFileStore({ dataPath: config.data_path, tombstoneMs: live ? config.store.tombstone : 0, clock, log, watch: live })
  return {
    loaded,
    config,
    log,
    clock,
    env,
    own,
    origin: home.origin,
    home,
    signer,
    sources,
    store,
    close: () => store.close()
  }
}
