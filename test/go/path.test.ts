// Paths, as path.Clean and ServeMux shorten them.
import t from 'tap'
import { cleanPath, cleanUrlPath, extension } from '../../src/go/path.js'

const table = [
  ['', '/', '/'], ['/', '/', '/'], ['a', '/a', '/a'], ['/a', '/a', '/a'], ['/a/', '/a', '/a/'], ['//a//b/', '/a/b', '/a/b/'], ['/a/./b', '/a/b', '/a/b'],
  ['/a/../../b', '/b', '/b'], ['/..', '/', '/'], ['/a/..', '/', '/'], ['/a/../', '/', '/'], ['/.a/..b', '/.a/..b', '/.a/..b'], ['/a/.', '/a', '/a']
] as const
for (const [path, clean, url] of table) {
  t.equal(cleanPath(`/${path}`), clean, path)
  t.equal(cleanUrlPath(path), url, path)
}

for (const [path, clean] of [['', '.'], ['.', '.'], ['a/..', '.'], ['../a/../..', '../..'], ['a//b/', 'a/b'], ['./a', 'a']] as const) t.equal(cleanPath(path), clean, path)
for (const [path, ext] of [['a.b/c', ''], ['a/b.tar.gz', '.gz'], ['.x', '.x'], ['a.', '.']] as const) t.equal(extension(path), ext, path)
