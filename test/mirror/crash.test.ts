// `images sync` killed at random points. The long form is `npm run soak -- mirror`.
import t from 'tap'
import { killAgainAndAgain } from '../helpers/mirror-kill.js'
import { random } from '../helpers/random.js'
import { shortFolder } from '../helpers/short-folder.js'

t.test('killed at random points, nothing that does not verify can be seen', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  const folder = shortFolder(t)
  const { damage, duringDownload, published } = await killAgainAndAgain(folder, 12, random(seed))
  t.same(damage, [])
  t.ok(duringDownload > 0, `${duringDownload} were killed during a download`)
  t.comment(`${published} releases came to be published`)
})
