// Which links lead to a source's release. A channel's link, and `current` and `latest` of the whole folder, each belong to
// one source: the first in the configuration that follows its publisher, else the first that is pinned.
import type { Source } from './source.js'

const newestNames = ['current', 'latest'] as const

export function aliasesOf (source: Source, sources: readonly Source[]): readonly string[] {
  const inFolder = sources.filter(({ folder }) => folder === source.folder)
  const owns = (rivals: readonly Source[]): boolean => (rivals.find(({ pinned }) => pinned === undefined) ?? rivals[0]) === source
  return [
    // The publisher's own name for what it follows, where that says more than `current`.
    ...source.pinned === undefined && /^current-/.test(source.follow) ? [source.follow] : [],
    ...source.channel !== '' && owns(inFolder.filter(({ channel }) => channel === source.channel)) ? [source.channel] : [],
    ...owns(inFolder) ? newestNames : []
  ]
}
