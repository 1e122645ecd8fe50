// What doctor says of a name or address that provisioners share.
import { isIP } from 'node:net'
import t from 'tap'
import { judgeAdvertised } from '../../src/doctor/advertised.js'
import { NameError } from '../../src/net/name-servers.js'
import { FakeClock } from '../helpers/fake-clock.js'

const present = [1, 2, 3].map(n => ({ name: `p${n}`, address: 'http://boot.test:8080', addresses: [`http://10.0.0.${n}:8080`] }))
const config = (advertise: string): Parameters<typeof judgeAdvertised>[0]['config'] =>
  ({ advertise, http: { address: { host: '0.0.0.0', port: 8080 } }, cluster: { name: 'p1' } }) as unknown as Parameters<typeof judgeAdvertised>[0]['config']

async function judged (advertise: string, addresses: readonly string[], answers: Readonly<Record<string, string>>, there = present): Promise<string[]> {
  const findings = await judgeAdvertised({
    config: config(advertise),
    present: there,
    clock: new FakeClock(),
    resolve: async name => {
      if (addresses.length === 0) throw new NameError(name, 'ENOTFOUND', 'ENOTFOUND')
      return addresses.map(address => ({ address, family: isIP(address) }))
    },
    ask: async origin => answers[origin.slice(7, -5)] ?? await Promise.reject(new Error('ECONNREFUSED'))
  })
  return findings.map(({ level, text }) => `${level} ${text}`)
}

t.test('a name: resolved, each address asked, and who is there', async t => {
  const all = { '10.0.0.1': 'p1', '10.0.0.2': 'p2', '10.0.0.3': 'p3' }
  t.same(await judged('boot.test', Object.keys(all), all), ['ok http://10.0.0.1:8080: p1 answers', 'ok http://10.0.0.2:8080: p2 answers', 'ok http://10.0.0.3:8080: p3 answers'])
  t.same(await judged('boot.test', [], {}), ['warning boot.test does not resolve here (ENOTFOUND), and machines are given it'])
  t.same(await judged('boot.test', ['10.0.0.1', '10.0.0.2'], { '10.0.0.1': 'p1', '10.0.0.2': 'p2' }), ['ok http://10.0.0.1:8080: p1 answers', 'ok http://10.0.0.2:8080: p2 answers', 'note boot.test has no address of p3'])
  t.same(await judged('boot.test', ['fd00::1'], {}), ['warning boot.test does not resolve here (it has no IPv4 address), and machines are given it'])
  t.match(await judged('boot.test', ['10.0.0.1', '10.0.0.3'], { '10.0.0.1': 'p1' }), ['ok http://10.0.0.1:8080: p1 answers',
    "warning http://10.0.0.3:8080: no provisioner answers (ECONNREFUSED), and machines are given it; it is p3's", /^warning boot.test leads to 10\.0\.0\.1, 10\.0\.0\.3 alone/])
  t.match(await judged('boot.test', ['10.0.0.9'], { '10.0.0.9': 'q1' }), ['warning http://10.0.0.9:8080: q1 answers, which is not of this fleet'])
})

t.test('an address: a floating one, or one that dies with its machine', async t => {
  const same = present.map(one => ({ ...one, address: 'http://10.0.0.100:8080' }))
  t.same(await judged('10.0.0.100', [], { '10.0.0.100': 'p2' }, same), ['ok http://10.0.0.100:8080: a floating address, p2 has it now'])
  const own = present.map(one => ({ ...one, address: 'http://10.0.0.1:8080' }))
  t.same(await judged('10.0.0.1', [], { '10.0.0.1': 'p1' }, own), ['ok http://10.0.0.1:8080: p1 answers',
    'warning 10.0.0.1 leads to 10.0.0.1 alone, which is gone when p1 is: give the name an address of each provisioner, or let an address float between them'])
  t.match(await judged('10.0.0.100', [], { '10.0.0.100': 'p2' }, [same[0]!, present[1]!]), [/^ok/, 'note p2 gives machines http://boot.test:8080: let all have the same advertise'])
})

t.test('nobody is waited for for ever', async t => {
  const clock = new FakeClock()
  const patiences: unknown[] = []
  const found = judgeAdvertised({
    config: config('boot.test'),
    present,
    clock,
    resolve: async (_, { patience }) => {
      patiences.push(patience)
      return [{ address: '10.0.0.1', family: 4 }]
    },
    ask: async () => await new Promise(() => {})
  })
  await new Promise(resolve => setImmediate(resolve))
  clock.advance(2000)
  t.match((await found)[0], { level: 'warning', text: /no provisioner answers \(no answer within 2 s\)/ })
  t.same(patiences, [2000])
})
