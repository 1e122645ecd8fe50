import t from 'tap'
import { memoryFile, readPart } from '../../src/disk/open-file.js'

t.test('a file in memory', async t => {
  const file = memoryFile('memory', Buffer.from('abcdef'))
  t.equal(file.size, 6)
  t.equal((await file.piece(2, 3)).bytes.toString(), 'cde')
  t.equal((await file.piece(4, 9)).bytes.toString(), 'ef')
  await file.close()
})

t.test('a part is put together from pieces, each of which is given back', async t => {
  let out = 0
  const file = {
    ...memoryFile('memory', Buffer.from('abcdefghij')),
    piece: (position: number, most: number) => {
      out++
      return { bytes: Buffer.from('abcdefghij').subarray(position, position + Math.min(most, 3)), release: () => { out-- } }
    }
  }
  t.equal((await readPart(file, 1, 5)).toString(), 'bcdef')
  t.equal((await readPart(file, 8, 100)).toString(), 'ij')
  t.equal((await readPart(file, 10, 5)).toString(), '')
  t.equal(out, 0)
})
