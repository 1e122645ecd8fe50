// What is to be mirrored, and the mirror itself, made of the configuration.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import type { LoadedConfig } from '../config/load.js'
import { openSource } from '../mirror/catalog.js'
import { Mirror, type MirrorOptions } from '../mirror/mirror.js'
import type { Source } from '../mirror/source.js'

/** AppError config_invalid says where the source that can't be stands. */
export function imageSources ({ config, where }: LoadedConfig): readonly Source[] {
  const sources: Source[] = []
  for (const [index, entry] of config.images.sources.entries()) {
    const at = `${where(['images', 'sources', index])}: images.sources.${index}: `
    try {
      const source = openSource(entry)
      if (sources.some(({ id }) => id === source.id)) throw new AppError('config_invalid', `${source.id} is there already`)
      sources.push(source)
    } catch (error) {
      if (error instanceof AppError) throw new AppError(error.code, at + error.message)
      throw error
    }
  }
  if (sources.length > 0 && config.assets_path === '') throw new AppError('config_invalid', `${where(['images', 'sources'])}: images.sources: expected none, since assets_path is ""`)
  return sources
}

export interface MirrorContext {
  readonly clock: Clock
  /** Where HTTP_PROXY and its like are. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export const openMirror = (loaded: LoadedConfig, { clock, env }: MirrorContext): Mirror =>
  new Mirror({ ...mirrorOptions(loaded, env), clock })

export function mirrorOptions (loaded: LoadedConfig, env: MirrorContext['env']): Omit<MirrorOptions, 'clock'> {
  const { config: { images, assets_path: assetsPath, state_path: statePath } } = loaded
  const { keys, keep, timeout, max_size: maxSize, ca_file: caFile } = images
  if (assetsPath === '') throw new AppError('config_invalid', 'there is no place for images: assets_path is ""')
  return { assetsPath, statePath, sources: imageSources(loaded), keys, keep, timeout, maxSize, caFile, env }
}
