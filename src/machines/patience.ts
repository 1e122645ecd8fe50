// How long a machine may be silent before it counts as stuck: three times the median of what the finished boots of its profile took, and
// a minute as long as none has finished.

/** Milliseconds: as long as no boot has finished, and however short the boots are. */
const withoutBoots = 60_000
const least = 10_000
/** Medians. */
const factor = 3
/** Boots of a profile. */
const remembered = 21
/** Profiles that are remembered: their names come from the store, so this is only against a store that makes them up. */
const mostProfiles = 10_000

export class Patience {
  /** Milliseconds of the last finished boots, by profile. */
  readonly #durations = new Map<string, number[]>()
  readonly #medians = new Map<string, number>()

  /** A boot of the profile came to its end after so many milliseconds. */
  finished (profile: string, milliseconds: number): void {
    const durations = this.#durations.get(profile) ?? []
    if (durations.length === 0 && this.#durations.size >= mostProfiles) return
    durations.push(milliseconds)
    if (durations.length > remembered) durations.shift()
    this.#durations.set(profile, durations)
    this.#medians.set(profile, [...durations].sort((a, b) => a - b)[Math.floor(durations.length / 2)]!)
  }

  /** Milliseconds of silence after which a machine of that profile is stuck. */
  of (profile: string | undefined): number {
    const median = profile === undefined ? undefined : this.#medians.get(profile)
    return median === undefined ? withoutBoots : Math.max(least, factor * median)
  }
}
