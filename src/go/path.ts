// Paths as Go's package path shortens them, and as net/http's ServeMux does before it looks one up.

/** path.Clean: the shortest path to the same place. */
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

/** path.Ext: the last dot of the last element and what follows. */
export const extension = (path: string): string => {
  const base = path.slice(path.lastIndexOf('/') + 1)
  const dot = base.lastIndexOf('.')
  return dot === -1 ? '' : base.slice(dot)
}

/** As a URL's path is shortened: it begins with a slash, and one at its end stays. */
export function cleanUrlPath (path: string): string {
  if (path.startsWith('/') && !/\/(?:\/|\.|$)/.test(path)) return path
  const clean = cleanPath(`/${path}`)
  return clean !== '/' && path.endsWith('/') ? `${clean}/` : clean
}
