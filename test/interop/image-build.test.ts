// The container's image as buildah makes it of the Dockerfile, and what it starts, as the user that it names. Minutes of fetching and building:
// `npm run soak -- image` runs it.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/project.js'
import { ImageBuilder } from '../helpers/image-builder.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { able, needs, needsRoot } from '../helpers/tools.js'

const tag = 'localhost/core-provisioner'
/** Of the image's user. */
const uid = 8069

// npm's packages are fetched and the program is built in it.
t.setTimeout(900_000)

const wanted = process.env['BUILD_IMAGE'] === '1'

t.test('the Dockerfile, built by buildah', { skip: wanted ? false : 'npm run soak -- image runs it' }, async t => {
  if (!needs(t, 'buildah', 'debootstrap', 'npm', 'curl') || !needsRoot(t) || !able(t, namespaceProblem())) return
  const builder = await ImageBuilder.make(t)
  const [base = ''] = [...new Set([...readFileSync(join(projectRoot, 'Dockerfile'), 'utf8').matchAll(/^FROM (\S+)/gm)].map(([, name]) => name))]
  t.equal(base, 'node:20-bookworm-slim')
  await builder.putBase(`docker.io/library/${base}`)
  await builder.build(projectRoot, tag)
  const { User, Entrypoint, Cmd, ExposedPorts, Volumes } = await builder.configOf(tag)
  t.equal(User, 'matchbox')
  t.same([...Entrypoint, ...Cmd], ['/opt/core-provisioner/bin/core-provisioner', 'serve'])
  t.same(Object.keys(ExposedPorts).sort(), ['67/udp', '69/udp', '4011/udp', '8080/tcp', '8081/tcp'].sort())
  t.same(Object.keys(Volumes).sort(), ['/var/lib/core-provisioner', '/var/lib/matchbox'])

  const network = new NetworkNamespace()
  t.teardown(async () => { await network.close() })
  network.bridge('ens192', '192.168.100.2/24')
  const config = join(builder.folder, 'config.yaml')
  writeFileSync(config, 'dhcp: { mode: server, interface: ens192, subnets: [{ subnet: 192.168.100.0/24 }] }\n')
  // As engines start it, with the capability that Podman leaves out.
  const options = ['--cap-add', 'CAP_NET_RAW', '--volume', `${config}:/etc/core-provisioner/config.yaml:ro`]
  const container = await builder.container(tag)
  const started = builder.start(network, container, options, [...Entrypoint, ...Cmd])
  await started.line(/appliance\.ready/)
  for (const [row, at] of [['dhcp', 'ens192:67/udp'], ['tftp', '0.0.0.0:69/udp'], ['http', '0.0.0.0:8080/tcp']] as const) {
    t.match(started.output(), new RegExp(`"at":"${at}".*"msg":"${row}\\.listen"`), row)
  }
  t.equal(network.exec('curl', '-sf', 'http://127.0.0.1:8080/readyz').split('\n')[0], 'ok')
  network.exec('curl', '-sf', '--output', join(builder.folder, 'loader'), 'tftp://192.168.100.2/undionly.kpxe')
  t.ok(readFileSync(join(builder.folder, 'loader')).length > 10_000, 'the loaders are in it')
  const pids = network.exec('ip', 'netns', 'pids', network.name).trim().split('\n')
  const uids = new Set(pids.map(pid => existsSync(`/proc/${pid}`) ? statSync(`/proc/${pid}`).uid : -1))
  t.ok(uids.has(uid), 'as the user that it names')
})
