// What firewalld is asked, by a command that answers from a table.
import t from 'tap'
import type { Ask } from '../../src/doctor/command.js'
import { firewalldRuns, toldZoneOf, whileHeard, zoneOf, zonesOf } from '../../src/doctor/firewalld.js'

/** Of what is in no row the exit status is 1. */
function firewall (answers: Readonly<Record<string, string>>): { readonly run: Ask, readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    run: async (command, args) => {
      const words = args.join(' ')
      asked.push(words)
      t.equal(command, 'firewall-cmd')
      const stdout = answers[words]
      return stdout === undefined ? { code: 1, stdout: 'no zone' } : { code: 0, stdout }
    }
  }
}

const running = { '--state': 'running\n', '--get-default-zone': 'public\n', '--get-zone-of-interface=a': 'internal\n', '--get-zone-of-interface=b': 'internal\n', '--get-zone-of-interface=odd': 'no zone\n' }

t.test('the zone of an interface is the default one, unless it was told', async t => {
  const { run } = firewall(running)
  t.same([await toldZoneOf('a', run), await toldZoneOf('odd', run), await toldZoneOf('c', run)], ['internal', undefined, undefined])
  t.same([await zoneOf('a', run), await zoneOf('odd', run), await zoneOf('c', run)], ['internal', 'public', 'public'])
  t.equal(await toldZoneOf('x', firewall({ '--get-zone-of-interface=x': '\n' }).run), undefined)
  t.same([await firewalldRuns(run), await firewalldRuns(firewall({}).run)], [true, false])
})

t.test('zones are told once each; none where firewalld does not run', async t => {
  t.same(await zonesOf(['a', 'b', 'c'], firewall(running).run), ['internal', 'public'])
  t.same(await zonesOf([], firewall(running).run), ['public'])
  t.same(await zonesOf(['c'], firewall({ '--state': '', '--get-default-zone': '' }).run), [], 'a zone without a name is none')
  const stopped = firewall({})
  t.same(await zonesOf(['a'], stopped.run), [])
  t.same(stopped.asked, ['--state'])
})

t.test('answers are let in while a question is asked, where they were not, and no longer', async t => {
  const [query, add, remove] = ['--query-port=68/udp', '--add-port=68/udp --timeout=60', '--remove-port=68/udp'].map(words => (zone: string) => `--quiet --zone=${zone} ${words}`) as [(zone: string) => string, (zone: string) => string, (zone: string) => string]
  const { run, asked } = firewall({ ...running, [query('public')]: '', [add('internal')]: '' })
  const heard = await whileHeard(['a', 'c'], async () => { asked.push('question'); return 7 }, run)
  t.equal(heard, 7)
  t.same(asked.slice(asked.indexOf(query('internal'))), [query('internal'), add('internal'), query('public'), 'question', remove('internal')])

  const closed = firewall(running)
  await t.rejects(whileHeard(['a'], async () => { throw new Error('no answer') }, closed.run), { message: 'no answer' })
  t.equal(closed.asked.at(-1), add('internal'), 'what was not opened is not shut')

  const failing = firewall({ ...running, [add('internal')]: '' })
  await t.rejects(whileHeard(['a'], async () => { throw new Error('no answer') }, failing.run), { message: 'no answer' })
  t.equal(failing.asked.at(-1), remove('internal'), 'what was opened is shut, whatever happens')

  const nobody = firewall(running)
  t.equal(await whileHeard([], async () => 1, nobody.run), 1)
  t.same(nobody.asked, [], 'without an interface nobody is asked')
})
