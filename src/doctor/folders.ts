// Whether the service can read and write the folders it needs: by the rights of whoever asks, and as its mount namespace shows
// them, where ProtectHome= hides what ReadWritePaths= does not name.
import { constants, existsSync, statSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { errnoOf } from '../base/errors.js'
import type { LoadedConfig } from '../config/load.js'
import { type Finding, note, problem } from './finding.js'
import { installedService } from './ready.js'

export async function diagnoseFolders ({ config, isWritten }: LoadedConfig): Promise<readonly Finding[]> {
  const pid = (await installedService(config))?.pid ?? 0
  // As the running service sees it, where it may be looked at.
  const seen = pid === 0 ? '' : `/proc/${pid}/root`
  const root = existsSync(join(seen, '/')) ? seen : ''
  const findings = await judgeFolders(config, root)
  // Of one that somebody named the listener tells it, with its line.
  return root === '' && isWritten(['control_socket']) ? findings.filter(({ about }) => about !== 'control socket') : findings
}

type Folders = Pick<LoadedConfig['config'], 'data_path' | 'state_path' | 'assets_path' | 'control_socket'>

/** What can't be looked at is told with its line, as what is no folder is (wiring/folder-amiss). */
function lookAt (path: string): 'there' | 'missing' | 'told' {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined ? 'missing' : 'there'
  } catch {
    return 'told'
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
    const found = lookAt(path)
    if (found === 'told') return undefined
    if (found === 'missing') return about === 'assets' ? note(about, `${path} is missing: /assets/ answers 404`) : undefined
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
