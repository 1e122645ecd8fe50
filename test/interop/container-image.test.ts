// The container's image as buildah makes it of the Dockerfile, and what it starts, as the user that it names; the files for Compose and
// Kubernetes by their schemas.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import t, { type Test } from 'tap'
import typescript from 'typescript'
import { parse, parseAllDocuments } from 'yaml'
import { projectRoot } from '../helpers/bundle.js'
import { ImageBuilder } from '../helpers/image-builder.js'
import { namespaceProblem, NetworkNamespace } from '../helpers/netns.js'
import { Program } from '../helpers/program.js'
import { able, needs, needsRoot } from '../helpers/tools.js'

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8')
const tag = 'localhost/core-provisioner'
/** Of the image's user: what the files for engines name. */
const uid = 8069

// npm's packages are fetched and the program is built in it.
t.setTimeout(900_000)

t.test('the Dockerfile, built by buildah', async t => {
  if (!needs(t, 'buildah', 'debootstrap', 'npm', 'curl') || !needsRoot(t) || !able(t, namespaceProblem())) return
  const builder = await ImageBuilder.make(t)
  const [base = ''] = [...new Set([...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, name]) => name))]
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
