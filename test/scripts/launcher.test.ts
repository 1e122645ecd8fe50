// What starts the program, in a checkout and in the bundle: every argument reaches the program, and Node.js takes none for its own.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))
const args = ['check', '--env-file', '/no/such/file', '--env-file-if-exists=/neither', '--title=x', '-e', '--']

t.test('in a checkout, and in the bundle', t => {
  const folder = t.testdir({ bin: {}, app: {}, lib: {}, 'package.json': '{ "type": "module" }' })
  const told = 'console.log(JSON.stringify(process.argv.slice(2)))\n'
  const [first] = readFileSync(join(root, 'bin/core-provisioner'), 'utf8').split('\n', 1)
  mkdirSync(join(folder, 'checkout'))
  writeFileSync(join(folder, 'checkout/core-provisioner'), `${first}\n${told}`)
  copyFileSync(join(root, 'scripts/install/launcher.sh'), join(folder, 'bin/core-provisioner'))
  writeFileSync(join(folder, 'app/main.js'), told)
  // In the place of the C library's loader, which runs the program after its own flags.
  writeFileSync(join(folder, 'lib/core-provisioner'), `#!/bin/sh\nshift 4\nexec ${process.execPath} "$@"\n`)
  const files = ['checkout/core-provisioner', 'bin/core-provisioner']
  for (const file of ['lib/core-provisioner', ...files]) chmodSync(join(folder, file), 0o755)
  for (const file of files) {
    const { NODE_OPTIONS: _, ...env } = process.env
    t.same(JSON.parse(execFileSync(join(folder, file), args, { encoding: 'utf8', env })), args, file)
  }
  t.end()
})
