// What commands that only look take from a configuration: nothing is watched, nothing is written.
import { assetPinner } from '../assets/aliases.js'
import { systemClock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { type Config, isClustered } from '../config/load.js'
import type { AssetPins } from '../matchbox/pin-assets.js'
import type { OpenStore } from '../matchbox/store.js'
import type { OwnSnippets } from '../matchbox/templates.js'
import { openFileStore } from '../store/file-store.js'
import { homesOf } from './homes.js'
import { nodeSnippets } from './node-snippets.js'
import { ownHosts } from './own-hosts.js'
import { UpdateGroups } from './update-groups.js'

/** How scripts name assets now. */
export const openPinner = (config: Config): AssetPins => assetPinner(config.assets_path, ownHosts(config, homesOf(config)), systemClock)

/** What the program itself lets configs call. */
export const openSnippets = (config: Config): OwnSnippets =>
  nodeSnippets(new UpdateGroups(config.updates.groups), () => homesOf(config).first.origin)

/** The store as it is now; with `writes` it may be written to. The caller closes it. */
export async function openStore (config: Pick<Config, 'data_path'> & Partial<Config>, log: Logger, writes = false): Promise<OpenStore> {
  const alone = { tombstoneMs: 0, clock: systemClock, log }
  const { cluster } = config
  if (cluster === undefined || !isClustered({ cluster })) return await openFileStore({ dataPath: config.data_path, ...alone, watch: false })
  const { openCluster, storeOf } = await import('./cluster.js')
  const opened = await openCluster({ config: config as Config, where: () => 'cluster.etcd', keyAt: at => at.join('.') }, { clock: systemClock, log, live: false, writes, onProblem: error => { throw error } })
  const store = storeOf(opened, alone)
  const closeStore = store.close.bind(store)
  return Object.assign(store, {
    close: async () => {
      await closeStore()
      await opened.close()
    }
  })
}
