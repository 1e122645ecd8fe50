// The container's image without an engine: the Dockerfile's last stage carried out step by step on an overlay of this machine, in place of
// node:20-bookworm-slim; then what it starts, as the user that it names. The files for Compose and Kubernetes by their schemas.
// `npm run soak -- image` has buildah build it (image-build.test.ts).
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import t, { type Test } from 'tap'
import typescript from 'typescript'
import { parse, parseAllDocuments } from 'yaml'
import { builtProgram } from '../helpers/built.js'
import { projectRoot } from '../helpers/project.js'
import { DocsMachine, docsMachineProblem } from '../helpers/docs-machine.js'
import { Program } from '../helpers/program.js'
import { able, needs } from '../helpers/tools.js'

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8')
/** Of the image's user: what the files for engines name. */
const uid = 8069

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

const schemaOfCompose = join(projectRoot, '.cache/packages/docker-compose/usr/lib/python3/dist-packages/compose/config/compose_spec.json')

t.test('Compose', t => {
  interface Service { readonly build: { readonly context: string }, readonly volumes: string[] }
  const compose = parse(read('examples/container/compose.yaml')) as { readonly services: Readonly<Record<string, Service>>, readonly volumes: object }
  if (able(t, existsSync(schemaOfCompose) ? undefined : 'not there: .cache/packages/docker-compose (scripts/test unpacks it)')) {
    const ajv = new Ajv2019({ strict: false, validateFormats: false })
    // It names itself as drafts before 2019 do.
    const validate = ajv.compile(JSON.parse(readFileSync(schemaOfCompose, 'utf8'), (key, value: unknown) => ['$schema', 'id'].includes(key) && typeof value === 'string' ? undefined : value) as object)
    t.ok(validate(compose), ajv.errorsText(validate.errors))
    t.notOk(validate({ services: { a: { image: 'a', network_mod: 'host' } } }), 'what it does not know is told')
  }
  const service = compose.services['core-provisioner']
  t.match(service, { network_mode: 'host', cap_drop: ['ALL'], cap_add: ['NET_BIND_SERVICE', 'NET_RAW'] })
  t.ok(existsSync(join(projectRoot, 'examples/container', service?.build.context ?? '', 'Dockerfile')))
  for (const volume of service?.volumes ?? []) {
    const name = volume.split(':')[0] ?? ''
    t.ok(name.startsWith('./') || name in compose.volumes, volume)
  }
  t.end()
})

interface Pod {
  readonly hostNetwork?: boolean
  readonly volumes?: Array<{ name: string }>
  readonly containers: Array<{
    readonly args?: readonly string[]
    readonly securityContext?: object
    readonly volumeMounts: Array<{ name: string, mountPath: string }>
  }>
}
interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: { readonly replicas?: number, readonly template: { readonly spec: Pod }, readonly volumeClaimTemplates?: Array<{ metadata: { name: string } }> }
}

const manifestsOf = (name: string): readonly Manifest[] => parseAllDocuments(read(`examples/container/${name}`)).map(document => {
  if (document.errors.length > 0) throw new Error(document.errors.join())
  return document.toJS() as Manifest
})

/** What is wrong with manifests by the schemas of Kubernetes, and by its types: those know which keys there are. */
async function faultsOf (manifests: readonly Manifest[]): Promise<readonly string[]> {
  const faults: string[] = []
  const lines: string[] = []
  for (const [n, manifest] of manifests.entries()) {
    const { apiVersion, kind } = manifest
    const path = `kubernetes-models/${apiVersion}/${kind}`
    const model = await import(path) as Readonly<Record<string, new (fields: object) => { validate: () => void }>>
    try {
      new model[kind]!(manifest).validate()
    } catch (error) {
      faults.push(`${kind}: ${String(error)}`)
    }
    lines.push(`import type { I${kind} as T${n} } from '${path}'`, `export const m${n}: T${n} = ${JSON.stringify(manifest)}`)
  }
  const file = join(projectRoot, 'test/interop/manifests.ts')
  const options = { module: typescript.ModuleKind.NodeNext, moduleResolution: typescript.ModuleResolutionKind.NodeNext, strict: true, skipLibCheck: true, noEmit: true, types: [] }
  const host = typescript.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  const text = lines.join('\n')
  host.getSourceFile = (name, ...rest) => name === file ? typescript.createSourceFile(name, text, typescript.ScriptTarget.ESNext) : getSourceFile(name, ...rest)
  host.fileExists = name => name === file || fileExists(name)
  host.readFile = name => name === file ? text : readFile(name)
  const program = typescript.createProgram([file], options, host)
  return [...faults, ...typescript.getPreEmitDiagnostics(program).map(({ messageText }) => typescript.flattenDiagnosticMessageText(messageText, ' '))]
}

function everyMountIsThere (t: Test, { volumes = [], containers }: Pod, more: readonly string[] = []): void {
  const names = new Set([...volumes.map(({ name }) => name), ...more])
  const mounts = containers[0]?.volumeMounts ?? []
  t.ok(mounts.every(({ name }) => names.has(name)))
  // What the program writes to is a volume, since the rest is read-only.
  for (const path of ['/var/lib/matchbox', '/var/lib/core-provisioner', '/run/core-provisioner']) t.ok(mounts.some(({ mountPath }) => mountPath === path), path)
}

const expectedPod = { hostNetwork: true, containers: [{ securityContext: { runAsUser: uid, capabilities: { add: ['NET_BIND_SERVICE', 'NET_RAW'] } } }] }

t.test('Kubernetes, one replica', async t => {
  const manifests = manifestsOf('kubernetes.yaml')
  t.same(await faultsOf(manifests), [])
  const deployment = manifests.find(({ kind }) => kind === 'Deployment')
  t.match(deployment, { spec: { replicas: 1, strategy: { type: 'Recreate' }, template: { spec: expectedPod } } })
  everyMountIsThere(t, deployment!.spec.template.spec)
  t.match(read('Dockerfile'), new RegExp(`--uid ${uid}\\b`), 'whose number is the one that the files name')
})

t.test('Kubernetes, three replicas that share etcd', async t => {
  const manifests = manifestsOf('kubernetes-cluster.yaml')
  t.same(await faultsOf(manifests), [])
  const sets = manifests.filter(({ kind }) => kind === 'StatefulSet')
  t.same(sets.map(({ metadata, spec }) => [metadata.name, spec.replicas]), [['etcd', 3], ['core-provisioner', 3]])
  const { spec } = sets[1]!
  t.match(spec.template.spec, expectedPod)
  everyMountIsThere(t, spec.template.spec, spec.volumeClaimTemplates?.map(({ metadata }) => metadata.name))
  // What it is started with is what the program takes; each pod by its own name.
  const args = spec.template.spec.containers[0]?.args?.map(arg => arg.replaceAll('$(POD_NAME)', 'core-provisioner-1')) ?? []
  t.equal(args[0], 'serve')
  const { stdout, stderr } = await new Program(['check', '--json', ...args.slice(1), '--set', `data_path=${t.testdir({})}`]).end()
  t.notMatch(stdout + stderr, /unknown key|expected/)
  t.match(args.join(' '), /cluster\.name=core-provisioner-1/)
})

t.test('a manifest that is wrong is told', async t => {
  const [, deployment] = manifestsOf('kubernetes.yaml')
  const change = (edit: (pod: Record<string, unknown>) => void): Manifest => {
    const copy = structuredClone(deployment!)
    edit(copy.spec.template.spec as unknown as Record<string, unknown>)
    return copy
  }
  t.match(await faultsOf([change(pod => { pod['hostNetwrk'] = true })]), [/hostNetwrk/])
  t.match((await faultsOf([change(pod => { pod['terminationGracePeriodSeconds'] = '20' })]))[0], /terminationGracePeriodSeconds must be integer/)
})
