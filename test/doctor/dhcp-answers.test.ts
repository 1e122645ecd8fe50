// Who answers DHCP, judged: the service and nobody else.
import t from 'tap'
import { type AnswersHeard, judgeAnswers } from '../../src/doctor/dhcp-answers.js'
import { ip } from '../helpers/dhcp.js'

const [own, other] = [ip('192.168.100.2'), ip('192.168.100.1')]
const from = (server: number, question: number, address = 0): AnswersHeard['answers'][number] => ({ server, question, ip: address })

t.test('answers on an interface', t => {
  const server = { mode: 'server', expected: true, othersAllowed: false } as const
  const proxy = { ...server, mode: 'proxy' } as const
  const rows: ReadonlyArray<readonly [what: string, answers: AnswersHeard['answers'], at: typeof server | typeof proxy | (Pick<AnswersHeard, 'mode' | 'expected' | 'othersAllowed'>), levels: string, text: RegExp]> = [
    ['the service alone', [from(own, 0), from(own, 2, ip('192.168.100.101'))], server, 'ok', /^this service answers a DISCOVER on ens192 and offers 192\.168\.100\.101, and nobody else does$/],
    ['the service, which knows no machine but those reserved', [from(own, 0)], server, 'ok', /^this service answers a DISCOVER on ens192, and nobody else does$/],
    ['nobody', [], server, 'problem', /^nothing answers a DISCOVER on ens192 from here: .*67\/udp/],
    ['another alone', [from(other, 0)], server, 'problem problem', /^another DHCP server answers on ens192 \(192\.168\.100\.1\): turn it off/],
    ['both', [from(own, 0), from(other, 0), from(other, 2)], server, 'problem', /^another DHCP server answers on ens192 \(192\.168\.100\.1\): /],
    ['both, as the configuration has it', [from(own, 0), from(other, 0)], { ...server, othersAllowed: true }, 'warning', /machines take whichever answer/],
    ['two programs of this machine', [from(own, 0), from(own, 1), from(own, 0)], server, 'problem', /answered twice by this machine/],
    ['nobody, before the service runs', [], { ...server, expected: false }, 'ok', /^no other DHCP server answers on ens192$/],
    ['a proxy beside the server of its network', [from(own, 0), from(other, 0)], proxy, 'ok', /^this service answers a DISCOVER on ens192$/],
    ['a proxy that is not heard', [from(other, 0)], proxy, 'problem', /^nothing answers/]
  ]
  for (const [what, answers, at, levels, text] of rows) {
    const found = judgeAnswers({ name: 'dhcp', device: 'ens192', answers, ours: new Set([own, ip('10.0.0.1')]), ...at })
    t.equal(found.map(({ level }) => level).join(' '), levels, what)
    t.ok(found.some(finding => text.test(finding.text)), `${what}: ${found.map(finding => finding.text).join('; ')}`)
  }
  t.end()
})
