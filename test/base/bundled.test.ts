// What ships with the program is found, and nothing else.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { programVersion, shippedUnits } from '../../src/base/bundled.js'
import { projectRoot } from '../helpers/project.js'

t.test('the units of systemd, those in folders of drop-ins too', t => {
  const units = shippedUnits()
  const names = [...units.keys()]
  for (const name of ['core-provisioner.service', 'core-provisioner-http.socket', 'core-provisioner.service.d/hardening.conf']) {
    t.equal(units.get(name), readFileSync(join(projectRoot, 'systemd', name), 'utf8'), name)
  }
  t.same(names.filter(name => !name.startsWith('core-provisioner') || !/\.(?:service|socket|conf)$/.test(name)), [])
  t.same(names, [...names].sort())
  t.end()
})

t.test('its version', t => {
  t.equal(programVersion(), (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version)
  t.end()
})
