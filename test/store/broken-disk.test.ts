// A disk that takes no write and lets nothing go, as it really happens: remounted read-only (as ext4 does after an error), something
// mounted over a file, no space left. What could not be done has changed nothing, in memory neither, and is done once it can be.
import t from 'tap'
import { onSmallDisk } from '../helpers/small-disk.js'

t.test('read-only, mounted over, full: nothing is half done, and all goes on afterwards', t => {
  const made = onSmallDisk(t, { size: '64k', script: 'store-broken-disk.ts' })
  if (made === undefined) return t.end()
  t.equal(made.stderr, '')
  const readOnly = (file: string): string => `write_failed: ${file} could not be written: it is on a read-only file system`
  t.match(made.answer, {
    readOnly: [readOnly('/groups/c.json'), readOnly('/groups/a.json'), readOnly('/groups/a.json')],
    unreadable: readOnly('/state/x.jsonl'),
    afterReadOnly: { told: [], groups: ['a', 'b'], profile: 'p', onDisk: 'p' },
    busy: [/^write_failed: \/groups\/a\.json .*EBUSY/, /^write_failed: \/groups\/a\.json .*EBUSY/],
    afterBusy: { told: [], has: true, there: true },
    full: ['disk_full: /groups/d.json could not be written: no space is left there', 'disk_full: /state/x.jsonl could not be written: no space is left there', 'done'],
    afterFull: { told: ['deleted b'], groups: ['a'], files: ['a.json'] },
    mended: ['done', 'done', 'done'],
    files: [],
    lines: ['{"format":"x","version":1}', '"one"', '"three"']
  })
  t.end()
})
