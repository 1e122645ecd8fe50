// What the mirror is told, of the configuration.
import { AppError } from '../base/errors.js'
import type { LoadedConfig } from '../config/load.js'
import type { MirrorOptions } from '../mirror/mirror.js'
import type { Source } from '../mirror/source.js'

export function mirrorOptions (
  { config, keyAt }: LoadedConfig, sources: readonly Source[], env: Readonly<Record<string, string | undefined>>
): Omit<MirrorOptions, 'clock'> {
  const { images: { keys, keep, timeout, max_size: maxSize, ca_file: caFile }, assets_path: assetsPath, state_path: statePath } = config
  if (assetsPath === '') throw new AppError('config_invalid', 'there is no place for images: assets_path is ""')
  return { assetsPath, statePath, sources, keep, timeout, maxSize, caFile, caKey: keyAt(['images', 'ca_file']), env, keys: keys.map((key, n) => ({ ...key, named: keyAt(['images', 'keys', n, 'file']) })) }
}
