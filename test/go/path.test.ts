// Paths, as path.Clean and ServeMux shorten them.
import t from 'tap'
import { cleanPath, cleanUrlPath } from '../../src/go/path.js'

const table = [
  ['', '/', '/'], ['/', '/', '/'], ['a', '/a', '/a'], ['/a', '/a', '/a'], ['/a/', '/a', '/a/'], ['//a//b/', '/a/b', '/a/b/'], ['/a/./b', '/a/b', '/a/b'],
  ['/a/../../b', '/b', '/b'], ['/..', '/', '/'], ['/a/..', '/', '/'], ['/a/../', '/', '/'], ['/.a/..b', '/.a/..b', '/.a/..b'], ['/a/.', '/a', '/a']
] as const
for (const [path, clean, url] of table) {
  t.equal(cleanPath(path), clean, path)
  t.equal(cleanUrlPath(path), url, path)
}
