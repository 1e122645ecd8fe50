// The image mirror as other parts of the service ask it.
import type { UpdateRelease } from '../mirror/images-told.js'
import type { Progress } from '../mirror/sync.js'

/** The mirror of the service. */
export interface ServiceImages {
  /** What is on disk and known of it, as JSON. */
  readonly list: () => Promise<Uint8Array>
  /** Releases that installed machines may update to, as they were last seen. */
  readonly updates: () => Promise<readonly UpdateRelease[]>
  /** How far the files have come that this service fetches now, one a source at most. */
  readonly underWay: () => readonly Progress[]
  /** Hears which path below /assets/ a machine was sent. */
  readonly fetched: (path: string) => void
}
