// Who of a fleet is there, as the others see it, on a played etcd and clock: whoever ends says so, whoever dies is gone 15 seconds after it was last
// heard of, and two of one name find out.
import t from 'tap'
import { type Announcement, Presence } from '../../src/cluster/presence.js'
import { PlayedFleet, type Sharing } from '../helpers/fleet/played-fleet.js'

const second = 1000

interface Site extends Sharing {
  readonly presence: Presence
  announced: Announcement
  readonly names: () => string[]
}

async function open (fleet: PlayedFleet, name: string, announced: Announcement = { address: `http://${name}:8080`, addresses: [] }): Promise<Site> {
  const shared = await fleet.share()
  const presence = new Presence({ ...shared, name, version: '1' })
  const site: Site = { ...shared, presence, announced, names: () => presence.present.map(({ name }) => name).sort() }
  await fleet.meanwhile(presence.start(() => site.announced))
  return site
}

t.test('all addresses of each, also when they become others', async t => {
  const fleet = new PlayedFleet(t)
  const addresses = ['http://10.0.0.1:8080', 'http://10.1.0.1:8080', 'http://10.2.0.1:8080']
  const one = await open(fleet, 'p1', { address: addresses[0]!, addresses, httpsPort: 8443 })
  const two = await open(fleet, 'p2')
  await fleet.wait(second)
  t.match(two.presence.present, [{ name: 'p1', address: addresses[0], addresses, httpsPort: 8443 }, { name: 'p2', address: 'http://p2:8080', addresses: [] }])
  t.match(one.presence.present, [{ name: 'p1' }, { name: 'p2' }])
  one.announced = { address: addresses[1]!, addresses: addresses.slice(1) }
  await fleet.wait(6 * second)
  t.match(two.presence.present, [{ name: 'p1', address: addresses[1], addresses: addresses.slice(1) }, { name: 'p2' }], 'within five seconds')
})

t.test('what a record says in another way is left out, and no more addresses are taken than are looked at', async t => {
  const fleet = new PlayedFleet(t)
  const one = await open(fleet, 'p1')
  const many = Array.from({ length: 20 }, (_, n) => `http://10.0.0.${n}:8080`)
  for (const [text, address, addresses] of [
    ['{"address":"http://10.0.0.9:8080","addresses":[1,"http://10.0.0.9:8080",null]}', 'http://10.0.0.9:8080', ['http://10.0.0.9:8080']],
    ['{"address":7,"addresses":"http://10.0.0.9:8080"}', '', []],
    [JSON.stringify({ address: '', addresses: many }), '', many.slice(0, 8)],
    ['{"address":"","addresses":[],"httpsPort":65536}', '', []],
    ['null', '', []],
    ['{', '', []]
  ] as const) {
    fleet.put('servers/p2', text)
    await fleet.wait(second)
    t.same(one.presence.present.find(({ name }) => name === 'p2'), { name: 'p2', address, addresses }, text)
  }
})

t.test('whoever ends is gone at once; whoever dies 15 seconds after it was last heard of', async t => {
  const fleet = new PlayedFleet(t)
  const [one, two, three] = [await open(fleet, 'p1'), await open(fleet, 'p2'), await open(fleet, 'p3')]
  await fleet.wait(60 * second)
  t.same(one.names(), ['p1', 'p2', 'p3'], 'who is there stays')
  await fleet.meanwhile(two.presence.close())
  await fleet.wait(second)
  t.same(one.names(), ['p1', 'p3'])
  three.process.alive = false
  const heard = fleet.etcd.heard.get(fleet.kept('servers/p3')!.lease)!
  await fleet.wait(heard + 15 * second - fleet.time.now)
  t.same(one.names(), ['p1', 'p3'])
  await fleet.wait(100)
  t.same(one.names(), ['p1'])
})

t.test('a lease that etcd ended, or a record that somebody removed with it: there again with the next word', async t => {
  const fleet = new PlayedFleet(t)
  const [one, two] = [await open(fleet, 'p1'), await open(fleet, 'p2')]
  fleet.etcd.carryOut('LeaseRevoke', { ID: fleet.kept('servers/p2')!.lease })
  await fleet.wait(second)
  t.same(one.names(), ['p1'])
  await fleet.wait(11 * second)
  t.same(one.names(), ['p1', 'p2'])
  t.equal(two.presence.twin, undefined)
})

t.test('an etcd that answers late again and again, so that calls are given up and streams end: who is there stays', async t => {
  const fleet = new PlayedFleet(t)
  const sites = [await open(fleet, 'p1'), await open(fleet, 'p2')]
  const seen = new Set<string>()
  for (let n = 0; n < 40; n++) {
    // Three members in turn are given up, each after a second and a half.
    fleet.become('stopped')
    await fleet.wait(2.5 * second)
    fleet.become('up')
    for (let tenths = 0; tenths < 15 + n % 7; tenths++) {
      await fleet.wait(0.1 * second)
      for (const site of sites) seen.add(site.names().join())
    }
  }
  t.same([...seen], ['p1,p2'])
})

t.test('two of one name are told of each other, for a minute after the last sight, and log it once', async t => {
  const fleet = new PlayedFleet(t)
  const first = await open(fleet, 'p1', { address: 'http://10.0.0.1:8080', addresses: [] })
  const second1 = await open(fleet, 'p1', { address: 'http://10.0.0.2:8080', addresses: [] })
  await fleet.wait(30 * second)
  t.equal(first.presence.twin, 'http://10.0.0.2:8080')
  t.equal(second1.presence.twin, 'http://10.0.0.1:8080')
  for (const { said } of [first, second1]) t.equal(said.filter(line => line === 'cluster.name_taken').length, 1)
  second1.process.alive = false
  await fleet.wait(55 * second)
  t.equal(first.presence.twin, 'http://10.0.0.2:8080', 'still')
  await fleet.wait(25 * second)
  t.equal(first.presence.twin, undefined)
  t.same(first.names(), ['p1'])
  t.equal((await open(fleet, 'p2')).presence.twin, undefined, 'a name of its own')
})
