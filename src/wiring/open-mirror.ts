// The mirror in this very thread: for commands. The service's works in a thread of its own (mirror/remote-mirror).
import type { Clock } from '../base/clock.js'
import type { LoadedConfig } from '../config/load.js'
import { Mirror } from '../mirror/mirror.js'
import { imageSources } from './image-sources.js'
import { mirrorOptions } from './mirror-options.js'

export interface MirrorContext {
  readonly clock: Clock
  /** Where HTTP_PROXY and its like are. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export const openMirror = (loaded: LoadedConfig, { clock, env }: MirrorContext): Mirror =>
  new Mirror({ ...mirrorOptions(loaded, imageSources(loaded), env), clock })
