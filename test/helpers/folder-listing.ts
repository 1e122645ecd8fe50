// Run by a test as another user: prints what is found in each folder that its arguments name.
import { systemClock } from '../../src/base/clock.js'
import { listDataFolder } from '../../src/store/data-folder.js'

for (const folder of process.argv.slice(2)) {
  const { files, problems } = await listDataFolder(folder, systemClock)
  console.log(JSON.stringify({ files: [...files], problems: [...problems] }))
}
