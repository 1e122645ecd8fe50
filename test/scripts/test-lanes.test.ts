// What `npm test` runs by hand, and what it leaves to CI: by the helper that starts firmware, etcd, whole machines or a soak, and nobody else does.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { allTestFiles } from '../../scripts/lib/test-files.js'
import { chooseQuick, laneOf, startingFiles } from '../../scripts/lib/test-lanes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string | undefined => existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
const { quick, left } = chooseQuick(allTestFiles(root), read)

/** The programs that take minutes, as they are named where one is started or asked for. */
const program = /\b(?:needs|findTool|spawn|exec|execFile|execFileSync|spawnSync|runTool|join|run)\([^\n]*'(?:qemu-system-\w+|etcd|systemd-nspawn|debootstrap|buildah)'/
const script = /['/]scripts\/(?:sandbox|bundle)'/

t.test('a test file is left to CI for what it imports, through other helpers too', async t => {
  const files: Readonly<Record<string, string>> = {
    'test/a/deep.test.ts': "import { site } from '../helpers/site.js'\n",
    'test/helpers/site.ts': "import {\n  type Network,\n  network\n} from './network.js'\n",
    'test/helpers/network.ts': "import t from 'tap'\nimport { startEtcdIn } from './etcd-network.js'\n",
    'test/a/types.test.ts': "import type { Firmware } from '../../scripts/lib/qemu.js'\nimport t from 'tap'\n",
    // Put together, so that this file is none of those.
    'test/a/called.test.ts': `const { theBundle } = await ${'import'}('../helpers/bundle.js')\n`,
    'test/a/own.test.ts': "import { parse } from '../../src/a/parse.js'\n",
    'src/a/parse.ts': "import { startEtcd } from '../../test/helpers/etcd.js'\n"
  }
  const lanes = ['deep', 'types', 'called', 'own'].map(name => laneOf(`test/a/${name}.test.ts`, path => files[path]))
  t.same(lanes, ['clusters', undefined, 'installations', undefined])
})

t.test('what a soak does for long, its test does for CI', async t => {
  // Helpers of soaks that short tests take something from.
  const shared = ['random', 'pki', 'firmware-cases', 'grpc-program', 'mirror-kill', 'least-held', 'rush-kinds']
  const soaks = readdirSync(join(root, 'scripts/soak')).map(name => read(`scripts/soak/${name}`)!)
  const helpers = soaks.flatMap(text => [...text.matchAll(/'\.\.\/\.\.\/(test\/helpers\/([\w/-]+))\.js'/g)].map(([, path = '', name = '']) => ({ path, name })))
  t.ok(helpers.length > 10, 'soaks have helpers')
  t.same(shared.filter(name => !helpers.some(helper => helper.name === name)), [])
  t.same(helpers.filter(({ path, name }) => !shared.includes(name) && laneOf(`${path}.ts`, read) === undefined), [])
})

t.test('no test file that starts such a program is among those that npm test runs', async t => {
  t.ok(quick.length > 300, 'most are')
  t.same([...left.keys()].sort(), ['clusters', 'firmware', 'installations', 'soaks'])
  t.same(quick.filter(file => program.test(read(file)!) || script.test(read(file)!)).filter(file => file !== 'test/scripts/test-lanes.test.ts'), [])
})

t.test('whoever starts such a program is one of the files by which it is known', async t => {
  t.same(startingFiles.filter(path => read(path) === undefined), [])
  const helpers = readdirSync(join(root, 'test/helpers'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).map(name => `test/helpers/${name}`)
  const others = helpers.filter(path => laneOf(path, read) === undefined)
  t.same(others.filter(path => program.test(read(path)!) || script.test(read(path)!)), [])
})
