import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HostsFolder } from '../../src/config/hosts-folder.js'

const line = (n: number): string => `- { mac: "52:54:00:00:00:0${n}", ip: 10.0.0.${n} }\n`

t.test('files in the order of their names; one that is as it was is not read again', async t => {
  const folder = t.testdir({ 'b.yaml': line(2), 'a.yaml': line(1), '.hidden.yaml': line(3), 'c.yml': line(4), 'd.yaml~': line(5) })
  const hosts = new HostsFolder(folder)
  t.equal(await hosts.hasChanged(), true, 'it was not read yet')
  const first = await hosts.read()
  t.match(first, { entries: [{ ip: 0x0a000001, source: /a\.yaml:1$/ }, { ip: 0x0a000002 }], problems: [] })
  t.equal(first.entries.length, 2)
  t.equal(await hosts.hasChanged(), false)
  const again = await hosts.read()
  t.ok(again.entries.every((entry, n) => entry === first.entries[n]), 'the same entries')

  writeFileSync(join(folder, 'b.yaml'), line(6))
  utimesSync(join(folder, 'b.yaml'), 1, 1)
  t.equal(await hosts.hasChanged(), true)
  const changed = await hosts.read()
  t.same(changed.entries.map(({ ip }) => ip), [0x0a000001, 0x0a000006])
  t.equal(changed.entries[0], first.entries[0])
  t.equal(await hosts.hasChanged(), false)

  writeFileSync(join(folder, 'c.yaml'), 'no list')
  t.equal(await hosts.hasChanged(), true, 'one more')
  t.match(await hosts.read(), { entries: { length: 2 }, problems: [/c\.yaml:1:1: expected a list/] })
  rmSync(join(folder, 'a.yaml'))
  t.equal(await hosts.hasChanged(), true, 'one less')
  t.match(await hosts.read(), { entries: { length: 1 }, problems: [/c\.yaml/] })
})

t.test('what can not be read is a problem, and the rest counts', async t => {
  const folder = t.testdir({ 'a.yaml': line(1), file: '' })
  mkdirSync(join(folder, 'b.yaml'))
  const hosts = new HostsFolder(folder)
  t.match(await hosts.read(), { entries: { length: 1 }, problems: [/^[^:]*b\.yaml: /] })
  t.equal(await hosts.hasChanged(), false)
  const absent = new HostsFolder(join(folder, 'absent'))
  t.same(await absent.read(), { entries: [], problems: [] })
  t.equal(await absent.hasChanged(), false)
  const none = new HostsFolder(join(folder, 'file'))
  t.match(await none.read(), { entries: [], problems: [/file: ENOTDIR/] })
  t.equal(await none.hasChanged(), false)
})
