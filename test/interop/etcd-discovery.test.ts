// Discovery as etcd itself speaks it: real members bootstrap through the program, which is killed while they wait for one another.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { EtcdMember } from '../helpers/etcd-members.js'
import { freePort } from '../helpers/free-port.js'
import { type HttpSite, httpSite } from '../helpers/http-site.js'
import { shortFolder } from '../helpers/short-folder.js'
import { needs } from '../helpers/tools.js'

interface Site extends HttpSite {
  readonly member: (name: string, discovery: string) => Promise<EtcdMember>
}

async function site (t: Test): Promise<Site> {
  const made = await httpSite(t)
  return {
    ...made,
    member: async (name, discovery) => {
      const member = new EtcdMember({ name, folder: made.folder, discovery, clientPort: await freePort(), peerPort: await freePort() })
      t.teardown(() => member.kill())
      return member
    }
  }
}

const memberNames = async ({ clientUrl }: EtcdMember): Promise<string[]> => {
  const { members } = await (await fetch(`${clientUrl}/v2/members`)).json() as { members: Array<{ name: string }> }
  return members.map(({ name }) => name).sort()
}

t.test('three members of etcd find each other over a kill of the service, and the fourth becomes a proxy', async t => {
  if (!needs(t, 'etcd')) return
  const { folder, url, start, member } = await site(t)
  writeFileSync(join(folder, 'data/generic/e.tmpl'), '{{.etcd_discovery}}')
  writeFileSync(join(folder, 'data/profiles/p.json'), JSON.stringify({ id: 'p', generic_id: 'e.tmpl' }))
  writeFileSync(join(folder, 'data/groups/g.json'), JSON.stringify({ id: 'g', profile: 'p', metadata: { etcd_cluster: '{"name":"main","size":"3"}' } }))
  const first = await start()
  const told = await (await fetch(`${url}/generic?mac=52:54:00:00:00:01`)).text()
  t.match(told, new RegExp(`^${url}/etcd/[0-9a-f]{32}$`), 'what the template says')

  const one = await member('m1', told)
  await one.says(/found self|waiting for other nodes|found peer/)
  await first.end('SIGKILL')
  await start()
  t.equal(await (await fetch(`${url}/generic?mac=52:54:00:00:00:02`)).text(), told, 'the same cluster after a kill')
  const two = await member('m2', told)
  const three = await member('m3', told)
  await Promise.all([one, two, three].map(async etcd => { await etcd.says(/ready to serve client requests/) }))
  t.same(await memberNames(three), ['m1', 'm2', 'm3'])
  t.same(await (await fetch(`${two.clientUrl}/health`)).json(), { health: 'true' })

  const four = await member('m4', told)
  await four.says(/discovery cluster full, falling back to proxy/)
  await four.says(/proxy started listening on client requests/)
  t.same(await memberNames(four), ['m1', 'm2', 'm3'], 'asked through the proxy')
  t.same(await memberNames(one), ['m1', 'm2', 'm3'])
})

t.test('a token that nobody made, and two members of one name, end as they do with etcd itself', async t => {
  if (!needs(t, 'etcd')) return
  const { url, start, member } = await site(t)
  await start()
  const unknown = await member('m1', `${url}/etcd/${'0'.repeat(32)}`)
  t.not(await unknown.ended(), 0)
  t.match(unknown.said, /size key not found|Key not found/i)

  const token = await (await fetch(`${url}/etcd/new?size=2`, { method: 'PUT' })).text()
  const twins = [await member('twin', token)]
  await twins[0]!.says(/found self|waiting/)
  const other = new EtcdMember({ name: 'twin', folder: shortFolder(t), discovery: token, clientPort: await freePort(), peerPort: await freePort() })
  t.teardown(() => other.kill())
  twins.push(other)
  for (const twin of twins) {
    t.not(await twin.ended(), 0)
    t.match(twin.said, /duplicate|couldn't find local name|error setting up initial cluster/i)
  }
})
