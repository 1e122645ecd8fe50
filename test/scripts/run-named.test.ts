// npm run bench and npm run soak: what somebody types wrongly, or asks, is answered in words.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/project.js'
import { typescript } from '../helpers/typescript.js'

const started = (kind: string, ...args: readonly string[]): { status: number | null, stdout: string, stderr: string } =>
  spawnSync(process.execPath, [typescript, join(projectRoot, `scripts/${kind}.ts`), ...args], { cwd: projectRoot, encoding: 'utf8' })
const namesOf = (kind: string): readonly string[] =>
  readdirSync(join(projectRoot, 'scripts', kind)).filter(file => file.endsWith('.ts')).map(file => file.slice(0, -3))

for (const kind of ['bench', 'soak']) {
  t.test(`${kind}: a name that there is not`, async t => {
    const { status, stderr } = started(kind, 'nothing')
    t.equal(status, 2)
    for (const name of namesOf(kind)) t.ok(stderr.includes(name), name)
  })

  t.test(`${kind}: --help of each says what it does and takes, and starts nothing`, async t => {
    for (const name of namesOf(kind)) {
      const { status, stdout, stderr } = started(kind, name, '--help')
      t.same([status, stderr], [0, ''], name)
      t.match(stdout, /^[^/\s].{40}/, name)
    }
  })
}

t.test('an option that there is not is one line, and where to read on', async t => {
  const { status, stderr } = started('bench', 'guard', '--nonsense')
  t.equal(status, 2)
  t.match(stderr, /^bench guard: Unknown option '--nonsense'.*\nnpm run bench -- guard --help says what there is\n$/)
})
