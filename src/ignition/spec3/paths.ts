// Slash-separated paths as Go's path package reads them.

/** Go's path.Clean: the shortest path to the same place. */
export const cleanPath = (path: string): string => {
  if (path === '') return '.'
  const rooted = path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (!rooted) parts.push('..')
  }
  return (rooted ? '/' : '') + parts.join('/') || '.'
}

/** What is wrong with a path that must be absolute and in its shortest form; undefined when nothing is. */
export const checkPath = (path: string): string | undefined => {
  if (path === '') return 'path not specified'
  if (!path.startsWith('/')) return 'path not absolute'
  return cleanPath(path) === path ? undefined : 'path is not fully simplified'
}
