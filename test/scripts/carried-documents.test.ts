// What the documents of a bundle link to is in the bundle.
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { carriedFiles, carriedFolders, withoutSourceLinks } from '../../scripts/lib/carried-documents.js'

t.test('what is not there is named, and no link', async t => {
  const folder = t.testdir({
    'README.md': '[the house](CONTRIBUTING.md#the-house), [hosts](docs/hosts.md#a) [below](#x) [far](https://a/b.md) ![shot](docs/shot.svg)\n',
    docs: { 'hosts.md': '[errors](../src/base/errors.ts) and [all](../README.md)\n', 'plain.txt': '[a](b)\n' }
  })
  withoutSourceLinks(folder)
  t.equal(readFileSync(join(folder, 'README.md'), 'utf8'),
    'the house, [hosts](docs/hosts.md#a) [below](#x) [far](https://a/b.md) ![shot](docs/shot.svg)\n')
  t.equal(readFileSync(join(folder, 'docs/hosts.md'), 'utf8'), 'errors and [all](../README.md)\n')
  t.equal(readFileSync(join(folder, 'docs/plain.txt'), 'utf8'), '[a](b)\n')
})

t.test('our own documents', async t => {
  const folder = t.testdir({})
  for (const name of [...carriedFiles, ...carriedFolders]) cpSync(name, join(folder, name), { recursive: true })
  mkdirSync(join(folder, 'scripts'))
  cpSync('scripts/terraform-example', join(folder, 'scripts/terraform-example'), { recursive: true })
  withoutSourceLinks(folder)
  const targets = (file: string): readonly string[] =>
    Array.from(readFileSync(join(folder, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g), ([, target = '']) => join(dirname(file), target))
  const missing = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'docs/commands.md', 'docs/install.md', 'docs/bundle.md']
    .flatMap(file => targets(file).filter(target => !existsSync(join(folder, target))).map(target => `${file}: ${target}`))
  t.same(missing, [])
  t.match(readFileSync(join(folder, 'README.md'), 'utf8'), /\]\(docs\/bundle\.md\)/, 'the others stay')
})
