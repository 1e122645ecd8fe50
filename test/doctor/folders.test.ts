// Folders as the service sees them: below the root of its mount namespace.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { judgeFolders } from '../../src/doctor/folders.js'
import { able, needsRoot, runTool } from '../helpers/tools.js'

t.test('what the service does not see, or may only read, is told', async t => {
  const outside = t.testdir({ data: {}, state: {}, run: {}, inside: {} })
  const inside = join(outside, 'inside')
  const config = { data_path: join(outside, 'data'), state_path: join(outside, 'state'), assets_path: join(outside, 'assets'), control_socket: join(outside, 'run/c') }
  t.match(await judgeFolders(config, ''), [{ level: 'note', about: 'assets', text: /is missing/ }])
  mkdirSync(join(inside, config.state_path), { recursive: true })
  mkdirSync(join(inside, outside, 'run'), { recursive: true })
  t.match(await judgeFolders(config, inside), [{ level: 'problem', about: 'store', text: /data is hidden from the service \(ProtectHome=/ }, { level: 'note', about: 'assets' }])
})

t.test('a file in place of a folder is told with its line, but for that of the socket, which has none', async t => {
  const folder = t.testdir({ file: '', state: {}, run: {} })
  const [file, state] = [join(folder, 'file'), join(folder, 'state')]
  t.same(await judgeFolders({ data_path: file, state_path: state, assets_path: file, control_socket: join(folder, 'run/c') }, ''), [])
  t.same(await judgeFolders({ data_path: join(file, 'below'), state_path: state, assets_path: '', control_socket: join(folder, 'run/c') }, ''), [])
  t.match(await judgeFolders({ data_path: state, state_path: state, assets_path: '', control_socket: join(file, 'c') }, ''), [
    { level: 'problem', about: 'control socket', text: `${file} can't be written by this user` }
  ])
})

t.test('a mount that is read-only is told even to root', async t => {
  if (!needsRoot(t)) return
  const folder = t.testdir({ data: {}, state: {} })
  const looked = await runTool('unshare', ['--mount', 'sh', '-c', `mount --bind ${folder}/data ${folder}/data && mount -o remount,bind,ro ${folder}/data &&
    exec "$0" --import=tsx --eval 'import { judgeFolders } from "${join(import.meta.dirname, '../../src/doctor/folders.ts')}"
      console.log(JSON.stringify(await judgeFolders({ data_path: "${folder}/data", state_path: "${folder}/state", assets_path: "", control_socket: "${folder}/c" }, "")))' --input-type=module`, process.execPath],
  { cwd: join(import.meta.dirname, '../..') })
  if (!able(t, looked.code === 0 ? undefined : `no mount namespaces here: ${looked.stderr}`)) return
  t.match(JSON.parse(looked.stdout.toString()), [{ level: 'problem', about: 'store', text: /data is read-only for the service: .*ReadWritePaths=/ }])
})
