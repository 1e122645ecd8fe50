import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HostsFolder } from '../../src/config/hosts-folder.js'
import { FakeClock } from '../helpers/fake-clock.js'

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

t.test('what changes without an event is seen: the target of a link, and one that is moved into its place', async t => {
  const folder = t.testdir({ elsewhere: { 'rack.yaml': line(1) } })
  const path = (name: string): string => join(folder, name)
  mkdirSync(path('hosts.d'))
  symlinkSync(path('elsewhere/rack.yaml'), path('hosts.d/rack.yaml'))
  const clock = new FakeClock()
  const hosts = new HostsFolder(path('hosts.d'))
  await hosts.read()
  let heard = (): void => {}
  const close = await hosts.watch({ clock, onEdit: () => { heard() }, onError: error => { t.fail(String(error)) } })
  for (const [n, change] of [
    [2, () => { writeFileSync(path('elsewhere/rack.yaml'), line(2)) }],
    [3, () => {
      // As `mv` and configuration management replace a file.
      writeFileSync(path('elsewhere/new'), line(3))
      renameSync(path('elsewhere/new'), path('elsewhere/rack.yaml'))
    }]
  ] as const) {
    const seen = new Promise<void>(resolve => { heard = resolve })
    change()
    clock.advance(3000)
    await seen
    t.match((await hosts.read()).entries, [{ ip: 0x0a000000 + n }])
  }
  await close()
  t.equal(clock.pending, 0)
})

t.test('a folder that is not there is made when it is watched, and a file that comes is seen', async t => {
  const folder = join(t.testdir({}), 'state/hosts.d')
  const hosts = new HostsFolder(folder)
  const clock = new FakeClock()
  let heard = (): void => {}
  const close = await hosts.watch({ clock, onEdit: () => { heard() }, onError: error => { t.fail(String(error)) } })
  t.teardown(close)
  await hosts.read()
  const seen = new Promise<void>(resolve => { heard = resolve })
  writeFileSync(join(folder, 'rack.yaml'), line(1))
  clock.advance(3000)
  await seen
  t.equal((await hosts.read()).entries.length, 1)
})
