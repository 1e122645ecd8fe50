// The shell scripts, read by shellcheck; those that run on other systems also by the shells of those: dash (Debian), busybox.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/project.js'
import { needs, runTool } from '../helpers/tools.js'

const scripts = readdirSync(join(projectRoot, 'scripts'), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  .filter(path => path.endsWith('.sh') || /^#!\S+[/ ](?:ba)?sh\b/.test(readFileSync(path, 'latin1').slice(0, 40)))
const posix = scripts.filter(path => path.includes('scripts/install/'))
const shells: ReadonlyArray<readonly [string, ...string[]]> = [['dash'], ['busybox', 'sh']]

t.test('shellcheck has nothing to say', async t => {
  if (!needs(t, 'shellcheck')) return
  t.ok(scripts.length >= 8, `${scripts.length} scripts`)
  const { code, stdout } = await runTool('shellcheck', ['--external-sources', ...scripts], { cwd: projectRoot })
  t.equal(code, 0, stdout.toString())
})

t.test('dash and busybox can read what is for every system', async t => {
  if (!needs(t, 'dash', 'busybox')) return
  t.equal(posix.length, 3)
  for (const path of posix) {
    t.match(readFileSync(path, 'utf8'), /^#!\/bin\/sh\n/)
    for (const [shell, ...words] of shells) {
      const { code, stderr } = await runTool(shell, [...words, '-n', path])
      t.equal(code, 0, `${shell} -n ${path} ${stderr}`)
    }
  }
})
