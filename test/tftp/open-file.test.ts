import t from 'tap'
import { firstOf, memoryFile } from '../../src/tftp/open-file.js'

const only = (name: string, text: string): { open: (asked: string) => Promise<ReturnType<typeof memoryFile> | undefined> } =>
  ({ open: async asked => asked === name ? memoryFile(text, Buffer.from(text)) : undefined })

t.test('the first source that has the file gives it', async t => {
  const source = firstOf([only('a', 'stored'), only('a', 'made'), only('b', 'bundled')])
  const request = { client: '192.0.2.1' }
  t.equal((await source.open('a', request))?.path, 'stored')
  t.equal((await source.open('b', request))?.path, 'bundled')
  t.equal(await source.open('c', request), undefined)
})

t.test('a file in memory', async t => {
  const file = memoryFile('memory', Buffer.from('abcdef'))
  t.equal(file.size, 6)
  t.equal((await file.read(2, 3)).toString(), 'cde')
  t.equal((await file.read(4, 9)).toString(), 'ef')
  await file.close()
})
