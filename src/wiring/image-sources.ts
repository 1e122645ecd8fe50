// What is to be mirrored, as the configuration says.
import { AppError } from '../base/errors.js'
import type { LoadedConfig } from '../config/load.js'
import { openSource } from '../mirror/catalog.js'
import type { Source } from '../mirror/source.js'

/** AppError config_invalid says where the source that can't be stands. */
export function imageSources ({ config, keyAt }: LoadedConfig): readonly Source[] {
  const sources: Source[] = []
  for (const [index, entry] of config.images.sources.entries()) {
    const at = `${keyAt(['images', 'sources', index])}: `
    try {
      const source = openSource(entry)
      if (sources.some(({ id }) => id === source.id)) throw new AppError('config_invalid', `${source.id} is there already`)
      sources.push(source)
    } catch (error) {
      if (error instanceof AppError) throw new AppError(error.code, at + error.message)
      throw error
    }
  }
  if (sources.length > 0 && config.assets_path === '') throw new AppError('config_invalid', `${keyAt(['images', 'sources'])}: expected none, since assets_path is ""`)
  return sources
}
