// Whether the service can read and write the folders it needs: by the rights of whoever asks, and as its mount namespace shows
// them, where ProtectHome= hides what ReadWritePaths= does not name.
import { constants, existsSync, statSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { errnoOf } from '../base/errors.js'
import type { LoadedConfig } from '../config/load.js'
import { type Finding, note, problem } from './finding.js'
import { installedService } from './ready.js'

export async function diagnoseFolders ({ config }: LoadedConfig): Promise<readonly Finding[]> {
  const pid = (await installedService(config))?.pid ?? 0
  // As the running service sees it, where it may be looked at.
  const seen = pid === 0 ? '' : `/proc/${pid}/root`
  return await judgeFolders(config, existsSync(join(seen, '/')) ? seen : '')
}

type Folders = Pick<LoadedConfig['config'], 'data_path' | 'state_path' | 'assets_path' | 'control_socket'>

/** Told with its line, as what is no folder is (wiring/folder-amiss). */
function leadsThroughFile (path: string): boolean {
  try {
    statSync(path)
    return false
  } catch (error) {
    return errnoOf(error) === 'ENOTDIR'
  }
}

/** `root`: where the service's own root is. */
export async function judgeFolders (config: Folders, root: string): Promise<readonly Finding[]> {
  const readWrite = constants.R_OK | constants.W_OK
  const wanted = [
    ['store', config.data_path, readWrite],
    ['state', config.state_path, readWrite],
    ['control socket', dirname(config.control_socket), constants.W_OK],
    ...config.assets_path === '' ? [] : [['assets', config.assets_path, constants.R_OK] as const]
  ] as const
  const findings = await Promise.all(wanted.map(async ([about, given, mode]): Promise<Finding | undefined> => {
    const path = resolve(given)
    if (leadsThroughFile(path)) return undefined
    if (!existsSync(path)) return about === 'assets' ? note(about, `${path} is missing: /assets/ answers 404`) : undefined
    if (root !== '' && !existsSync(join(root, path))) return problem(about, `${path} is hidden from the service (ProtectHome=, PrivateTmp=): move it below /var/lib, or systemctl edit core-provisioner`)
    // A state that may not be written is told with its line too.
    const isSeen = about !== 'control socket'
    if (isSeen && statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === false) return undefined
    try {
      await access(join(root, path), mode | constants.X_OK)
      return undefined
    } catch (error) {
      if (root === '' && about === 'state' && errnoOf(error) === 'EACCES') return undefined
      return problem(about, errnoOf(error) === 'EROFS'
        ? `${path} is read-only for the service: run install.sh again, which names it to systemd (ReadWritePaths=)`
        : `${path} can't be ${mode === constants.R_OK ? 'read' : 'written'} by this user`)
    }
  }))
  return findings.filter(finding => finding !== undefined)
}
