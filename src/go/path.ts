// Paths as Go's package path shortens them, and as net/http's ServeMux does before it looks one up.

/** path.Clean of `/${path}`: without empty, `.` and `..` parts, none of which leads out of the root. */
export function cleanPath (path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** The same, but a slash at the end stays. */
export function cleanUrlPath (path: string): string {
  if (path.startsWith('/') && !/\/(?:\/|\.|$)/.test(path)) return path
  const clean = cleanPath(path)
  return clean !== '/' && path.endsWith('/') ? `${clean}/` : clean
}
