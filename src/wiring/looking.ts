// What commands that only look take from a configuration: nothing is watched, nothing is written.
import { assetPinner } from '../assets/aliases.js'
import { systemClock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Config } from '../config/load.js'
import type { AssetPins } from '../matchbox/pin-assets.js'
import type { OpenStore } from '../matchbox/store.js'
import type { OwnSnippets } from '../matchbox/templates.js'
import { openFileStore } from '../store/file-store.js'
import { Homes } from './homes.js'
import { nodeSnippets } from './node-snippets.js'
import { ownHosts } from './own-hosts.js'

/** How scripts name assets now. */
export const openPinner = (config: Config): AssetPins => assetPinner(config.assets_path, ownHosts(config, new Homes(config)), systemClock)

/** What the program itself lets configs call. */
export const openSnippets = (config: Config): OwnSnippets =>
  nodeSnippets(config, () => new Homes(config).first.origin)

/** The store as it is now. The caller closes it. */
export const openStore = ({ data_path: dataPath }: Pick<Config, 'data_path'>, log: Logger): Promise<OpenStore> =>
  openFileStore({ dataPath, tombstoneMs: 0, clock: systemClock, log, watch: false })
