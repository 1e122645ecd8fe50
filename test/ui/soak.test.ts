// The short form of `npm run soak -- ui`, by counts: however late, every event is on the page, and every row says what the program does.
import t from 'tap'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'
import { soakPage } from '../helpers/ui-soak.js'

t.test('200 machines and 400 events, as fast as they are answered', async t => {
  if (!needs(t, 'chromium')) return
  const { rows, right, updates, complaints } = await soakPage({ folder: shortFolder(t), machines: 200, events: 400, perSecond: Infinity })
  t.same([rows, right], [201, 201])
  t.ok(updates > 0 && updates <= 401 + 201, `${updates} rows came: several events of a machine may be one`)
  t.same(complaints, [])
})
