// The questions of an installation: every answer is looked at when it is given, and asked for again.
import t from 'tap'
import { parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { agreed, type Asking, askMissing, type KnownInterface } from '../../src/setup/answers.js'
import type { Wishes } from '../../src/setup/wishes.js'

const known = (name: string, ip: string, subnet: string): KnownInterface => ({ name, addresses: [{ ip: parseIpv4(ip)!, subnet: parseSubnet(subnet)! }] })
const interfaces = [known('ens192', '192.168.100.2', '192.168.100.0/24'), known('ens160', '10.0.0.7', '10.0.0.0/8')]

/** Asks with these answers; what was told, and which questions stayed without an answer. */
interface Asked { wishes: Wishes | undefined, told: string[], questions: string[], left: string[] }

async function asked (answers: readonly string[], given: Wishes = {}, against?: string): Promise<Asked> {
  const [told, questions, left]: [string[], string[], string[]] = [[], [], [...answers]]
  const asking: Asking = {
    interfaces,
    ask: async (text, otherwise) => {
      questions.push(`${text} [${otherwise}]`)
      return left.shift() ?? ''
    },
    tell: text => { told.push(text) },
    against: async () => against
  }
  return { wishes: await askMissing(given, asking), told, questions, left }
}

t.test('empty lines take what is usual', async t => {
  const { wishes, told, questions } = await asked([])
  t.same(wishes, { mode: 'server', interface: 'ens192', subnet: '192.168.100.0/24' })
  t.same(told, [])
  t.equal(questions.length, 7, 'without a range nobody asks who gets an address of it')
})

t.test('each wrong answer is told at once, and the question comes again', async t => {
  const pairs: ReadonlyArray<readonly [answer: string, wrong?: RegExp]> = [
    ['srever', /^there is no mode srever/], ['server'],
    ['ens999', /^no interface ens999 .*there are: ens192, ens160$/], ["x'; reboot", /^that can't be: x'; reboot; letters, digits and /], ['ens160'],
    ['10.0.0.5/8', /no subnet such as/], ['192.168.100.0/24', /holds no address of ens160 \(10\.0\.0\.7\)/], ['10.0.0.0/8'],
    ['10.0.0.20-10.0.0.10', /no range such as/], ['11.0.0.1-11.0.0.9', /not inside 10\.0\.0\.0\/8/], ['10.0.0.10 - 10.0.0.20'],
    ['perhaps', /^allow or deny/], ['allow'],
    ['11.0.0.1', /not inside/], ['ten', /no IPv4 address/], ['10.0.0.1'],
    ['10.0.0.1,', /no IPv4 address/], ['10.0.0.1, 10.0.0.2'],
    ['lab_', /no domain/], ['lab.example.com']
  ]
  const { wishes, told, left } = await asked(pairs.map(([answer]) => answer))
  t.same(left, [])
  const wrong = pairs.flatMap(([, pattern]) => pattern ?? [])
  t.equal(told.length, wrong.length)
  for (const [index, pattern] of wrong.entries()) t.match(told[index], pattern)
  t.same(wishes, { mode: 'server', interface: 'ens160', subnet: '10.0.0.0/8', range: '10.0.0.10-10.0.0.20', 'unknown-clients': 'allow', router: '10.0.0.1', dns: '10.0.0.1,10.0.0.2', domain: 'lab.example.com' })
})

t.test('ranges, from one address to the whole subnet', async t => {
  const given: Wishes = { mode: 'server', interface: 'ens160', subnet: '10.0.0.0/24', router: '10.0.0.1', dns: '1.1.1.1', domain: 'a', 'unknown-clients': 'deny' }
  for (const range of ['10.0.0.9-10.0.0.9', '10.0.0.0-10.0.0.255']) t.same(await asked([range], given).then(({ wishes, told }) => [wishes?.range, told]), [range, []], range)
  for (const [range, wrong] of [
    ['10.0.0.9', /no range/], ['10.0.0.1-10.0.0.2-10.0.0.3', /no range/], ['10.0.0.9-10.0.0.8', /no range/], ['-10.0.0.8', /can't be/], ['10.0.0.8-', /no range/],
    ['10.0.0.9-10.0.1.0', /not inside 10\.0\.0\.0\/24/], ['9.255.255.255-10.0.0.9', /not inside/]
  ] as const) t.match(await asked([range, ''], given), { told: [wrong], wishes: { range: undefined } }, range)
})

t.test('the network is looked at once, and only for whoever was asked for the mode', async t => {
  t.match(await asked(['', '', 'server'], {}, 'another'), { told: ['another'], wishes: { mode: 'server', interface: 'ens192', subnet: '192.168.100.0/24' } })
  for (const [answers, given] of [[['proxy'], {}], [['off'], {}], [[''], { mode: 'server' }]] as const) t.same((await asked(answers, given, 'another')).told, [], JSON.stringify([answers, given]))
  t.match(await asked([''], { interface: 'ens160' }, 'another'), { told: ['another'], wishes: { mode: 'proxy', interface: 'ens160' } }, 'the interface may be said by a flag')
  t.equal((await asked(['', '', ...Array<string>(10).fill('what')], {}, 'another')).wishes, undefined)
})

t.test('without an interface there is nothing that is usual', async t => {
  const questions: string[] = []
  const asking: Asking = { interfaces: [], ask: async (text, otherwise) => { questions.push(`${text} [${otherwise}]`); return '' }, tell: () => {}, against: async () => 'another' }
  t.same(await askMissing({ mode: 'server' }, asking), { mode: 'server' })
  t.equal(questions[1], 'Subnet []')
})

t.test('what was said by a flag is not asked', async t => {
  const { questions, wishes } = await asked([], { mode: 'proxy', interface: 'ens160' })
  t.same(questions, [])
  t.same(wishes, { mode: 'proxy', interface: 'ens160' })
})

t.test('another DHCP server: whoever said server is asked again, with proxy as the usual answer', async t => {
  const { wishes, told } = await asked(['server', 'ens192', ''], {}, 'another DHCP server answers')
  t.same(told, ['another DHCP server answers'])
  t.same(wishes, { mode: 'proxy', interface: 'ens192' })
  t.same((await asked(['server', 'ens192', 'off'], {}, 'another')).wishes, { mode: 'off' })
})

t.test('yes and no, however they are written', async t => {
  for (const [answers, otherwise, said, told] of [
    [['Y'], 'no', true], [['YES '], 'no', true], [['n'], 'yes', false], [['No'], 'yes', false], [[''], 'yes', true], [[''], 'no', false],
    [['ye', 'yes'], 'no', true, 'yes or no, not ye'], [['maybe', 'q', ''], 'yes', true, 'yes or no, not maybe']
  ] as const) {
    const [left, heard]: [string[], string[]] = [[...answers], []]
    t.equal(await agreed('Install', otherwise, { ask: async () => left.shift() ?? '', tell: text => { heard.push(text) } }), said, answers.join())
    t.equal(heard[0], told)
  }
  t.equal(await agreed('Install', 'yes', { ask: async () => 'what', tell: () => {} }), false, 'not for ever, and not without a yes')
})

t.test('nobody is asked for ever', async t => {
  const { wishes, questions } = await asked(Array<string>(50).fill('nonsense'))
  t.equal(wishes, undefined)
  t.equal(questions.length, 10)
})
