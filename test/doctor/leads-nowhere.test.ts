// What a configuration names that may lead nowhere: told by check and doctor, and never by the bytes that machines get.
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { loadConfig } from '../../src/config/load.js'
import { diagnoseLeads } from '../../src/doctor/leads-nowhere.js'
import { parseIpv4 } from '../../src/net/ipv4.js'
import { planFor } from '../../src/doctor/plan.js'
import { createLog } from '../../src/base/log.js'

const load = (...set: string[]) => loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set })

async function told (set: readonly string[], sources: ReadonlyArray<{ os: string, channel: string }> = [], cluster?: object): Promise<string[]> {
  const loaded = load(...set)
  const ownAddresses = () => [{ ip: parseIpv4('192.0.2.1') }]
  const found = await diagnoseLeads({ loaded, config: loaded.config, clock: systemClock, ownAddresses, sources, cluster } as never)
  return found.map(({ level, about, text }) => `${level} ${about} ${text.replace(/^--set \S+: /, '')}`)
}

const groups = 'updates.groups=[{ name: a, os: flatcar, channel: betta }, { name: b, os: flatcar, channel: beta }, { name: c, os: flatcar, version: 1.0.0 }]'
const proxy = ['dhcp.mode=proxy', 'dhcp.interface=lo']

for (const [what, set, found, sources] of [
  ['a receiver that resolves, by name and by address', ['webhooks=[{ url: "http://localhost:1/" }, { url: "http://[::1]:1/" }, { url: "http://192.0.2.5/" }]'], []],
  ['receivers that do not', ['webhooks=[{ url: "http://127.0.0.1/" }, { url: "http://x.invalid/a" }]'], [/^warning webhooks webhooks\.1\.url names x\.invalid, which does not resolve here \(.+\): it is told of nothing until it does$/]],
  ['channels', [groups], [/^warning updates updates\.groups\.0\.channel is betta, which no source of images\.sources mirrors \(of flatcar: beta, stable\): its machines hear of no new release$/],
    [{ os: 'flatcar', channel: 'beta' }, { os: 'flatcar', channel: 'stable' }, { os: 'coreos', channel: 'betta' }]],
  ['channels where nothing is mirrored', [groups], [/groups\.0\.channel is betta, which no source of images\.sources mirrors: /, /groups\.1\.channel is beta, /]],
  ['an own address, a name, and one that no machine reaches, which is told elsewhere', ['advertise=192.0.2.1'], []],
  ['a name', ['advertise=boot.example'], []],
  ['each machine itself', ['advertise=127.0.0.2'], []],
  ['many', ['advertise=224.0.0.1'], []],
  ['another machine\'s address', ['advertise=192.0.2.9'], [/^note advertise advertise is 192\.0\.2\.9, which is no address of this machine: machines boot only where it leads here/]],
  ['ports that firmware asks at', [...proxy, 'tftp.address=0.0.0.0:69'], []],
  ['others', [...proxy, 'tftp.address=0.0.0.0:6969', 'dhcp.port=1067', 'dhcp.boot_server_port=5011'],
    [/^note tftp tftp\.address has port 6969: firmware asks at 69 alone/, /^note dhcp dhcp\.port has port 1067: firmware asks at 67 alone/, /^note dhcp dhcp\.boot_server_port has port 5011: firmware asks at 4011 alone/]],
  ['of what does not listen', ['tftp.address=""', 'dhcp.port=1067', 'dhcp.boot_server_port=5011'], []]
] as ReadonlyArray<readonly [string, readonly string[], readonly RegExp[], Array<{ os: string, channel: string }>?]>) {
  t.test(what, async t => {
    const said = await told(set, sources)
    t.match(said, found)
    t.equal(said.length, found.length, said.join('\n'))
  })
}

t.test('an address that floats between the provisioners of a fleet is looked at with them', async t => {
  t.same(await told(['advertise=192.0.2.9'], [], {}), [])
})

t.test('check says it', async t => {
  const log = createLog({ level: 'error', pretty: false, destination: process.stderr })
  const dir = t.testdir({ data: {} })
  const loaded = load(`data_path=${dir}/data`, 'assets_path=""', `state_path=${dir}/state`, 'rpc.address=""', 'tftp.address=127.0.0.1:6969', 'ui.address=127.0.0.1:0', 'ui.allow=[]')
  const { findings } = await planFor(loaded, { clock: systemClock, log, passphrase: '', env: {} })
  t.match(findings.find(({ about }) => about === 'tftp'), { level: 'note', text: /has port 6969/ })
  t.match(findings.find(({ about }) => about === 'ui'), { level: 'warning', text: 'ui.allow is empty: nobody may look' })
})
