// The container's image without an engine: the Dockerfile's last stage carried out step by step on an overlay of this machine, in place of
// node:20-bookworm-slim; then what it starts, as the user that it names. The files for Compose and Kubernetes beside it.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { builtProgram } from '../helpers/built.js'
import { projectRoot } from '../helpers/bundle.js'
import { DocsMachine, docsMachineProblem } from '../helpers/docs-machine.js'
import { able, needs } from '../helpers/tools.js'

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8')

/** Instructions, continued lines joined, by stages. */
function stagesOf (text: string): ReadonlyArray<ReadonlyArray<readonly [instruction: string, rest: string]>> {
  const lines = text.split('\n').filter(line => !line.startsWith('#')).join('\n').replaceAll(/\\\n\s*/g, '').split('\n').filter(line => line !== '')
  const stages: Array<Array<readonly [string, string]>> = []
  for (const line of lines) {
    const [, instruction = '', rest = ''] = /^(\w+) (.*)$/.exec(line) ?? []
    if (instruction === 'FROM') stages.push([])
    stages.at(-1)?.push([instruction, rest])
  }
  return stages
}

/** Steps that fetch packages, or take away what was fetched: this machine has them. */
const fetches = /^(?:apt-get |rm -rf \/var\/lib\/apt\/lists)/

t.test('the Dockerfile', async t => {
  if (!able(t, docsMachineProblem()) || !needs(t, 'setcap', 'setpriv', 'curl')) return
  builtProgram()
  const [build = [], image = []] = stagesOf(read('Dockerfile'))
  t.match(build.map(([instruction]) => instruction), ['FROM', 'RUN', 'WORKDIR', 'COPY', 'RUN', 'COPY', 'RUN'])
  t.match(build.at(-1)?.[1], /^npm run build && scripts\/boot-files && npm prune --omit=dev$/)
  const ignored = read('.dockerignore').split('\n').filter(line => line !== '')
  const machine = await DocsMachine.make(t)
  t.teardown(async () => { await machine.stop() })
  await machine.sh(`userdel matchbox 2>/dev/null || true; groupdel matchbox 2>/dev/null || true
rm -rf /etc/core-provisioner /etc/matchbox /var/lib/matchbox /var/lib/core-provisioner /run/core-provisioner /usr/local/bin/core-provisioner
cp --dereference "$1" /usr/local/bin/node`, process.execPath)
  let user = 'root'
  let command: readonly string[] = []
  for (const [instruction, rest] of image) {
    if (instruction === 'FROM') t.match(rest, /^node:20-bookworm-slim$/)
    else if (instruction === 'RUN') {
      for (const step of rest.split(' && ').filter(step => !fetches.test(step.trim()))) {
        const { code, out } = await machine.run(step)
        t.equal(code, 0, `RUN ${step} ${out}`)
      }
    } else if (instruction === 'COPY') {
      const [, from = '', to = ''] = /^--from=build \/build\/(\S+) (\S+)$/.exec(rest) ?? []
      t.ok(existsSync(join(projectRoot, from)), `COPY ${from}`)
      // What the first stage makes (dist, node_modules) need not come with the context; all else has to.
      if (!['dist', 'node_modules'].includes(from)) t.notOk(ignored.includes(from), `${from} is in the context`)
      await machine.sh('mkdir -p "$2" && cp -r "$1" "$3"', join(projectRoot, from), to.endsWith('/') ? to : dirname(to), to)
    } else if (instruction === 'USER') user = rest
    else if (instruction === 'ENTRYPOINT' || instruction === 'CMD') command = [...command, ...JSON.parse(rest) as string[]]
    else t.match(instruction, /^(?:VOLUME|EXPOSE)$/)
  }
  t.same(command, ['/opt/core-provisioner/bin/core-provisioner', 'serve'])
  const exposed = image.find(([instruction]) => instruction === 'EXPOSE')?.[1].split(' ').sort()
  t.same(exposed, ['67/udp', '69/udp', '4011/udp', '8080/tcp', '8081/tcp'].sort())

  await machine.write('/etc/core-provisioner/config.yaml', `dhcp: { mode: server, interface: ens192, subnets: [{ subnet: 192.168.100.0/24 }] }
`)
  // As an engine starts it: that user, and of the capabilities those that it leaves to containers.
  const started = machine.start(`exec setpriv --reuid=${user} --regid=${user} --init-groups --inh-caps=-all --bounding-set=-all,+net_bind_service,+net_raw -- ${command.join(' ')}`)
  await started.line(/appliance\.ready/)
  for (const [row, at] of [['dhcp', 'ens192:67/udp'], ['tftp', '0.0.0.0:69/udp'], ['http', '0.0.0.0:8080/tcp']] as const) {
    t.match(started.output(), new RegExp(`"at":"${at}".*"msg":"${row}\\.listen"`), row)
  }
  t.equal((await machine.sh('curl -sf http://127.0.0.1:8080/readyz')).split('\n')[0], 'ok')
  t.match(await machine.sh('curl -sf tftp://192.168.100.2/undionly.kpxe | wc -c'), /^[1-9]\d{4}/, 'the loaders are in it')
  t.match(await machine.sh('ps -o args= -u matchbox'), /core-provisioner/, 'as the user that it names')
})

t.test('Compose and Kubernetes', t => {
  const uid = 8069
  interface Service { readonly build: { readonly context: string }, readonly volumes: string[] }
  const compose = parse(read('examples/container/compose.yaml')) as { readonly services: Readonly<Record<string, Service>>, readonly volumes: object }
  const service = compose.services['core-provisioner']
  t.match(service, { network_mode: 'host', cap_drop: ['ALL'], cap_add: ['NET_BIND_SERVICE', 'NET_RAW'] })
  t.ok(existsSync(join(projectRoot, 'examples/container', service?.build.context ?? '', 'Dockerfile')))
  for (const volume of service?.volumes ?? []) {
    const name = volume.split(':')[0] ?? ''
    t.ok(name.startsWith('./') || name in compose.volumes, volume)
  }
  const [claim, deployment] = parseAllDocuments(read('examples/container/kubernetes.yaml')).map(document => {
    t.same(document.errors, [])
    return document.toJS() as Readonly<Record<string, unknown>>
  })
  t.match(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'core-provisioner' } })
  t.match(deployment, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: { app: 'core-provisioner' } },
      template: {
        metadata: { labels: { app: 'core-provisioner' } },
        spec: { hostNetwork: true, containers: [{ securityContext: { runAsUser: uid, capabilities: { add: ['NET_BIND_SERVICE', 'NET_RAW'] } } }] }
      }
    }
  })
  interface Pod { readonly volumes: Array<{ name: string }>, readonly containers: Array<{ volumeMounts: Array<{ name: string, mountPath: string }> }> }
  const { template: { spec: pod } } = deployment?.['spec'] as { readonly template: { readonly spec: Pod } }
  const names = new Set(pod.volumes.map(({ name }) => name))
  const mounts = pod.containers[0]?.volumeMounts ?? []
  t.ok(mounts.every(({ name }) => names.has(name)))
  // What the program writes to is a volume, since the rest is read-only.
  for (const path of ['/var/lib/matchbox', '/var/lib/core-provisioner', '/run/core-provisioner']) t.ok(mounts.some(({ mountPath }) => mountPath === path), path)
  t.match(read('Dockerfile'), new RegExp(`--uid ${uid}\\b`), 'whose number is the one that the files name')
  t.end()
})
