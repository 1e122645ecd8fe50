// Every command that stands in README.md and docs/*.md is run, on a machine as the documentation has it (test/helpers/docs-machine.ts).
// Those that are not are named below, each with its reason; a line there that no document has any more is a failure too.
import t, { type Test } from 'tap'
import { bundleProblem, theBundle } from '../helpers/bundle.js'
import { projectRoot } from '../helpers/project.js'
import { type DocBlock, blocksOf, commandsOf, documents } from '../helpers/doc-blocks.js'
import { DocsMachine, docsMachineProblem } from '../helpers/docs-machine.js'
import { askForAddress } from '../helpers/network-site.js'
import { able, findTool, needs } from '../helpers/tools.js'

t.setTimeout(1_200_000)

/** Commands that are not run here: how they begin, and why. */
const apart: ReadonlyArray<readonly [command: string, why: string]> = [
  ['./scripts/sandbox', 'boots virtual machines: test/interop/sandbox.test.ts runs it'],
  ['scripts/sandbox', 'boots virtual machines: test/interop/sandbox.test.ts and firmware.test.ts run it'],
  ['./scripts/test', 'runs this'],
  ['npm test -- --all', 'runs this'],
  ['npm ci', 'fetches packages: scripts/test runs it'],
  ['./scripts/boot-files', 'fetches packages: scripts/test runs it'],
  ['npm run soak', 'minutes to hours of the tests themselves'],
  ['CALENDAR=kolkata npm run soak', 'the tests themselves: scripts/test runs it'],
  ['npm run changed', 'the tests themselves: test/scripts/changed-tests.test.ts'],
  ['nmcli', 'NetworkManager of CentOS; the network is as it would leave it'],
  ['core-provisioner machines wait --all --stage ignition', 'waits for machines that boot: test/interop/first-hour.test.ts boots them'],
  ['terraform init', 'fetches the provider from its registry: test/interop/terraform.test.ts applies the example where a folder has the provider'],
  ['core-provisioner try --interface ens192 --image', 'fetches an image from its publisher: test/cli/try.test.ts does so from one of its own'],
  ['core-provisioner images keys add', 'needs the file of a publisher: test/cli/images.test.ts adds keys of its own'],
  ['core-provisioner images sync', 'fetches images from their publishers: test/cli/images.test.ts does so from one of its own']
]

/** Commands that go on until they are told to end: they are, once they said so, or after some seconds. */
const endless = /^core-provisioner (?:try|machines watch)\b/
const serving = /^(?:bin\/)?core-provisioner serve\b/

const mac = '00:0c:29:bd:7f:ec'
const group = (id: string, address: string, ip?: string): string =>
  JSON.stringify({ id, profile: 'node', selector: { mac: address }, metadata: { hostname: id, ...ip !== undefined && { ip }, update_group: 'workers' } })

const config = `dhcp:
  mode: server
  interface: ens192
  subnets: [{ subnet: 192.168.100.0/24, range: 192.168.100.100-192.168.100.150 }]
  unknown_clients: allow
  reservations: [{ mac: "${mac}", ip: 192.168.100.41, hostname: core-c1 }]
`

const dayTwo = `updates:
  groups:
    - { name: workers, os: flatcar, channel: stable, approval: true, reboot_slots: 2 }
    - { name: default, os: fedora-coreos, reboot_slots: 2 }
images: { interval: 0s, sources: [{ os: flatcar, channel: stable, updates: true }] }
`

interface Site { readonly t: Test, readonly machine: DocsMachine, readonly folder: string }

/** What a document takes for granted, or has done by somebody else meanwhile. `at` is the command before which it is so; else it is from the start. */
type Given = (site: Site) => Promise<void>
const given: Readonly<Record<string, { readonly first?: Given, readonly before?: ReadonlyArray<readonly [command: string, act: Given]> }>> = {
  'README.md': {
    first: async ({ machine, folder }) => { await machine.write(`${folder}/config.yaml`, yamlOf('README.md', '# config.yaml')) }
  },
  'docs/api.md': {
    first: async site => {
      await serve(site)
      await site.machine.sh('curl -sf "http://127.0.0.1:8080/ignition?mac=52:54:00:00:00:01" >/dev/null')
    }
  },
  'docs/assets.md': { first: async ({ machine }) => { await machine.sh('mkdir -p /var/lib/matchbox/assets/flatcar/4230.2.2') } },
  'docs/boot.md': { first: async site => { await serve(site) } },
  'docs/bundle.md': { first: async ({ machine, folder }) => { await machine.sh('cp "$1" "$2"', await theBundle(), folder) } },
  'docs/certificates.md': {
    before: [
      ['core-provisioner certs client ci', async ({ machine }) => { await machine.sh('rm -r /etc/matchbox && core-provisioner certs init --san DNS:matchbox.example.com') }],
      ['openssl s_client', async site => {
        await site.machine.sh('cp /etc/matchbox/ca.crt /etc/matchbox/client.* "$1/matchbox-certs/"', site.folder)
        await serve(site)
      }]
    ]
  },
  'docs/cluster.md': {
    first: async site => {
      await layOut(site, 'cluster: { name: p1, etcd: { endpoints: ["http://127.0.0.1:2379"] } }\n')
      site.machine.start('exec etcd --data-dir /run/etcd --logger zap --log-level error')
      await site.machine.sh('for i in $(seq 300); do if curl -sf http://127.0.0.1:2379/health >/dev/null; then exit; fi; sleep 0.1; done; exit 1')
    }
  },
  'docs/dhcp.md': {
    first: async site => {
      await serve(site)
      site.t.match(await askForAddress(site.machine.network.client('ens192', mac)), /lease of 192\.168\.100\.41 obtained/)
    }
  },
  'docs/discovery.md': { first: async site => { await serve(site) } },
  'docs/first-boot.md': {
    first: async ({ machine, folder }) => {
      await machine.sh('cd "$1" && echo kernel >vmlinuz && echo initrd >initrd.gz', folder)
      machine.network.bridge('ens193', '192.168.100.3/24')
      // A bridge has a carrier when something is plugged in.
      machine.network.client('ens192')
      machine.network.client('ens193')
    }
  },
  'docs/hosts.md': {
    first: async site => {
      await lists(site)
      await site.machine.sh('mkdir -p /etc/dhcp')
    }
  },
  'docs/images.md': { first: async site => { await serve(site, dayTwo) } },
  'docs/install.md': {
    first: async ({ machine, folder }) => {
      await machine.sh('cp "$1" "$2" && rm /usr/local/bin/core-provisioner && rm -r /var/lib/matchbox /var/lib/core-provisioner', await theBundle(), folder)
      await machine.sh('cd /media && touch flatcar_production_pxe.vmlinuz flatcar_production_pxe_image.cpio.gz')
    },
    before: [['core-provisioner machines watch', async ({ machine }) => { await ready(machine, machine.start('exec core-provisioner serve')) }]]
  },
  'docs/machines.md': {
    first: async site => {
      await serve(site)
      // Each speaks from the address that is its own.
      for (const n of [1, 2]) {
        const node = site.machine.network.client('ens192', `52:54:00:00:00:0${n}`)
        node.ip('address', 'add', `192.168.100.2${n}/24`, 'dev', 'eth0')
        node.exec('curl', '-sf', '--retry', '5', '--retry-connrefused', `http://192.168.100.2:8080/v1/installed?mac=52-54-00-00-00-0${n}`)
      }
      await site.machine.sh('curl -s "http://127.0.0.1:8080/ipxe?mac=52-54-00-00-00-07"')
    }
  },
  'docs/matchbox.md': { first: async ({ machine, folder }) => { await machine.write(`${folder}/config.bu`, 'variant: fcos\nversion: 1.5.0\n') } },
  'docs/signing.md': { first: async site => { await layOut(site) } },
  'docs/tectonic.md': {
    first: async site => {
      await lists(site)
      await serve(site)
      const node = site.machine.network.client('ens192', '52:54:00:00:00:01')
      node.ip('address', 'add', '192.168.100.21/24', 'dev', 'eth0')
      node.exec('curl', '-sf', '--retry', '5', '--retry-connrefused', 'http://192.168.100.2:8080/v1/installed?mac=52-54-00-00-00-01')
      await site.machine.sh('rm /var/lib/matchbox/groups/node-2.json')
    }
  },
  'docs/ui.md': { first: async ({ machine, folder }) => { await machine.sh('cd "$1" && core-provisioner certs init --dir ./matchbox-certs', folder) } },
  'docs/updates.md': {
    first: async site => {
      await site.machine.sh('mkdir -p /var/lib/matchbox/assets/flatcar/4230.2.3')
      await serve(site, dayTwo)
      const asked = '{"client_params": {"id": "c988d2509fdf4cdcbed39037c56406fb", "group": "default"}}'
      await site.machine.sh('curl -sf -H "fleet-lock-protocol: true" -d "$1" http://127.0.0.1:8080/fleetlock/v1/pre-reboot', asked)
    }
  }
}

/** cluster-builder's files, and certificates. */
async function lists ({ machine, folder }: Site): Promise<void> {
  await machine.sh('core-provisioner certs init --san DNS:matchbox.example.com')
  await machine.write(`${folder}/hosts`, `[all:vars]
cluster_name=lab
network_dn=lab.example
[coreos_controllers]
core-c1 ansible_host=192.168.100.41
[coreos_workers]
core-w1 ansible_host=192.168.100.51
`)
  await machine.write(`${folder}/manual-masters.csv`, `MASTER_MAC,HOST\n${mac},core-c1.lab.example\n`)
  await machine.write(`${folder}/manual-workers.csv`, 'WORKER_MAC,HOST\n00:0c:29:11:22:33,core-w1.lab.example\n')
}

const yamlOf = (doc: string, head: string): string => {
  const block = blocksOf(doc).find(({ language, text }) => language === 'yaml' && text.startsWith(head))
  if (block === undefined) throw new Error(`${doc} has no YAML that begins with ${head}`)
  return block.text
}

async function ready (machine: DocsMachine, running: { readonly line: (pattern: RegExp) => Promise<string> }): Promise<void> {
  await running.line(/appliance\.ready/)
  await machine.sh('curl -sf http://127.0.0.1:8080/healthz >/dev/null')
}

/** A configuration, and a store with two machines. */
async function layOut ({ machine }: Site, more = ''): Promise<void> {
  await machine.write('/etc/core-provisioner/config.yaml', `${config}${more}`)
  await machine.write('/var/lib/matchbox/assets/vmlinuz', 'kernel')
  await machine.write('/var/lib/matchbox/profiles/node.json', '{"id": "node", "boot": {"kernel": "/assets/vmlinuz"}, "ignition_id": "node.ign"}')
  await machine.write('/var/lib/matchbox/ignition/node.ign', '{"ignition": {"version": "3.3.0"}}')
  await machine.write('/var/lib/matchbox/groups/node-1.json', group('node-1', '52:54:00:00:00:01', '192.168.100.21'))
  await machine.write('/var/lib/matchbox/groups/node-2.json', group('node-2', '52:54:00:00:00:02', '192.168.100.22'))
}

/** The service runs. */
async function serve (site: Site, more = ''): Promise<void> {
  await layOut(site, more)
  const { machine } = site
  await ready(machine, machine.start('exec core-provisioner serve'))
  // What it made is the service's, which is not root where systemd starts it.
  await machine.sh('chown -R matchbox: /var/lib/matchbox /var/lib/core-provisioner')
}

t.test('what stands in a block is a command, or is not, and nothing is listed in vain', t => {
  const blocks = documents().flatMap(blocksOf)
  const commands = blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf)
  for (const [start] of apart) t.ok(commands.some(command => command.startsWith(start)), `${start} stands somewhere`)
  const programs = new Set(commands.map(command => command.split(/[ \n]/)[0] ?? ''))
  for (const { doc, line, text, language } of blocks) {
    if (language !== '') continue
    const first = text.trimStart().split(/[ \n]/)[0] ?? ''
    t.notOk(programs.has(first) || first === '$' || first === '#' || findTool(first) !== undefined, `${doc}:${line} has no command without saying so`)
  }
  for (const doc of Object.keys(given)) t.ok(documents().includes(doc), doc)
  t.end()
})

async function runBlocks (site: Site, blocks: readonly DocBlock[]): Promise<void> {
  const { t, machine } = site
  const { first, before = [] } = given[site.t.name] ?? {}
  await first?.(site)
  for (const block of blocks) {
    for (const command of commandsOf(block)) {
      const at = `${block.doc}:${block.line}: ${command.split('\n')[0]}`
      const reason = apart.find(([start]) => command.startsWith(start))?.[1]
      if (reason !== undefined) {
        t.pass(at, { skip: reason })
        continue
      }
      for (const [start, act] of before) if (command.startsWith(start)) await act(site)
      if (serving.test(command)) {
        await ready(machine, machine.start(remembering(`exec ${command}`)))
        t.pass(at)
        continue
      }
      if (endless.test(command)) {
        // What it says on its way it says at once; what is amiss with it ends it.
        const running = machine.start(remembering(`exec timeout --signal=INT 8 ${command}`))
        t.match(await running.ended, 124, `${at}\n${running.output()}`)
        continue
      }
      const { code, out } = await machine.run(remembering('eval "$command"'), command)
      t.equal(code, 0, `${at}\n${out.slice(-2000)}`)
    }
  }
}

/** In the folder, and with the variables, of the command before; a secret is typed in, twice, for whoever asks. */
const remembering = (script: string): string => `mkdir -p /run/docs; set -a -o pipefail; command=$1
if [ -f /run/docs/variables ]; then . /run/docs/variables; fi
cd "$(cat /run/docs/folder)"
{ ${script}
} <<<$'secret\\nsecret'; status=$?
pwd >/run/docs/folder
declare -px | grep -v '^declare -x \\(command\\|PWD\\|OLDPWD\\|SHLVL\\)=' >/run/docs/variables
exit $status`

const problem = docsMachineProblem()
t.test('a command has nothing of what root has set up for itself on the machine below', async t => {
  if (!able(t, problem)) return
  const machine = await DocsMachine.make(t)
  await machine.sh("echo 'exit 9' >/root/.bashrc")
  t.equal((await machine.run('true')).code, 0)
  await machine.stop()
})
for (const doc of documents()) {
  const blocks = blocksOf(doc).filter(({ language }) => language === 'sh')
  if (blocks.length === 0) continue
  t.test(doc, async t => {
    if (!able(t, problem) || !needs(t, 'curl', 'openssl', 'gpg', 'gpgv', 'grub-mkimage', 'udhcpc', 'etcd')) return
    if (/bundle|install/.test(doc) && !able(t, bundleProblem())) return
    const machine = await DocsMachine.make(t)
    t.teardown(async () => { await machine.stop() })
    const folder = '/root/docs'
    await machine.sh(`mkdir -p $1 /run/docs && echo $1 >/run/docs/folder && cd $1
for name in examples scripts bin; do ln -s "$2/$name" "$1/$name"; done`, folder, projectRoot)
    await runBlocks({ t, machine, folder }, blocks)
  })
}
