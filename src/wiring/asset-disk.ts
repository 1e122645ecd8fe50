// What several parts ask of the disk that images are on, which may be another machine's and not answer: none of them waits for it where
// a machine would wait too.
import { messageOf } from '../base/errors.js'
import { DiskTurns } from '../disk/disk-turns.js'
import { type LinkLooks, LinkThread, looksHere } from '../disk/link-looks.js'
import type { OnClose } from './closing.js'
import type { Ground } from './ground.js'

export interface AssetDisk { readonly turns: DiskTurns, readonly looks: LinkLooks }

export async function openAssetDisk ({ config, clock, log }: Pick<Ground, 'config' | 'clock' | 'log'>, onClose: OnClose): Promise<AssetDisk> {
  const turns = new DiskTurns(config.assets_path, clock)
  if (config.assets_path === '') return { turns, looks: looksHere }
  const crashed = (error: unknown): void => { log.error({ error: messageOf(error) }, 'links.crashed') }
  try {
    const looks = await LinkThread.start(crashed)
    onClose(() => looks.close())
    return { turns, looks }
  } catch (error) {
    // As when it ends later: only a disk that does not answer makes a difference.
    crashed(error)
    return { turns, looks: looksHere }
  }
}
