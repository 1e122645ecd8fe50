// Paths in an Ignition 3 config.
import { cleanPath } from '../../go/path.js'

/** What is wrong with a path that must be absolute and in its shortest form; undefined when nothing is. */
export const checkPath = (path: string): string | undefined => {
  if (path === '') return 'path not specified'
  if (!path.startsWith('/')) return 'path not absolute'
  return cleanPath(path) === path ? undefined : 'path is not fully simplified'
}
