// The documents of a bundle, which lie there without the source: what they link to and is not beside them is named, and no link.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What a bundle has of the tree as it is. */
export const carriedFolders = ['systemd', 'docs', 'examples'] as const
export const carriedFiles = ['LICENSE', 'README.md', 'CHANGELOG.md', 'SECURITY.md'] as const

/** Markdown's links to other files, not its pictures. */
const link = /(?<!!)\[([^[\]]+)\]\((?![a-z]+:|#)([^)#]+)(?:#[^)]*)?\)/g

/** In the documents of a folder, and of those in it that a bundle carries. */
export function withoutSourceLinks (folder: string): void {
  const inFolders = carriedFolders.filter(name => existsSync(join(folder, name)))
    .flatMap(name => readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' }).map(file => join(name, file)))
  for (const file of [...carriedFiles, ...inFolders].filter(name => name.endsWith('.md') && existsSync(join(folder, name)))) {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    const carried = text.replace(link, (whole, words: string, target: string) => existsSync(join(dirname(path), target)) ? whole : words)
    if (carried !== text) writeFileSync(path, carried)
  }
}
