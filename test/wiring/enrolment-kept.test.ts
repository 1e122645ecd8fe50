// What of an enrolment is on disk, and when.
import t from 'tap'
import { DiskRecord } from '../helpers/disk-record.js'
import { world } from '../helpers/enrolment-site.js'

t.test('a group is on disk before its machine is told', async t => {
  const { opened } = await world(t)
  const { appliance, enrol } = await opened()
  const disk = new DiskRecord(t)
  t.equal(await enrol(1), undefined)
  disk.mark('told')
  t.same(disk.take(), ['sync data', 'write TMP', 'sync TMP', 'rename TMP core-1.json', 'sync groups', 'told'])
  await appliance.close()
})
