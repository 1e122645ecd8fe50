// The bundle as scripts/bundle makes it, for the tests that unpack and install it: made once, and anew when what it is made of
// has changed. And a root folder to run it in that holds nothing but a static busybox.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTool } from './tools.js'

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
const sources = ['src', 'scripts', 'systemd', 'docs', 'examples', 'assets', 'package.json', 'package-lock.json', 'README.md', 'CHANGELOG.md']
const busybox = join(projectRoot, '.cache/packages/busybox-static/bin/busybox')

/** Why a bundle can't be made or run here, undefined when it can. */
export function bundleProblem (): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  if (process.arch !== 'x64' || !existsSync('/etc/debian_version')) return 'needs Debian on x86-64'
  return existsSync(busybox) ? undefined : 'not there: .cache/packages/busybox-static (scripts/test unpacks it)'
}

/** Runs scripts/bundle; the path of the tarball. */
export async function makeBundle (folder: string, ...args: readonly string[]): Promise<string> {
  const { code, stderr } = await runTool(join(projectRoot, 'scripts/bundle'), ['--out', folder, ...args], { timeout: 800_000 })
  if (code !== 0) throw new Error(`scripts/bundle ended with ${code}:\n${stderr}`)
  return stderr.trim().split('\n').at(-1)?.replace(/ \(.*/, '') ?? ''
}

/** The tarball of the working tree. Tests that ask at the same time share one. */
export async function theBundle (): Promise<string> {
  const folder = join(projectRoot, '.cache/bundle')
  mkdirSync(folder, { recursive: true })
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }
  const tarball = join(folder, `core-provisioner-${version}-linux-x64.tar.gz`)
  const present = sources.filter(path => existsSync(join(projectRoot, path)))
  const { code, stderr } = await runTool('flock', [folder, 'sh', '-c',
    'out=$1; tarball=$2; shift 2; [ -f "$tarball" ] && [ -z "$(find "$@" -newer "$tarball" -print -quit)" ] || scripts/bundle --out "$out"',
    'sh', folder, tarball, ...present], { cwd: projectRoot, timeout: 800_000 })
  if (code !== 0) throw new Error(`scripts/bundle ended with ${code}:\n${stderr}`)
  return tarball
}

/** Unpacks a bundle as `to`. */
export function unpack (tarball: string, to: string): void {
  mkdirSync(to, { recursive: true })
  execFileSync('tar', ['--extract', '--gzip', '--file', tarball, '--directory', to, '--strip-components=1'])
}

/** The text of a file of a bundle, changed; throws when nothing is. */
export type ChangeFile = (file: string, by: (text: string) => string) => void

/** Unpacks a bundle as `to`, as another version; `edit` changes files of it before their checksums are made. */
export function unpackVersion (tarball: string, to: string, version: string, edit: (change: ChangeFile) => void = () => {}): void {
  unpack(tarball, to)
  const changed = new Set<string>()
  const rewrite: ChangeFile = (file, by) => { writeFileSync(join(to, file), by(readFileSync(join(to, file), 'utf8'))) }
  const change: ChangeFile = (file, by) => {
    const before = readFileSync(join(to, file), 'utf8')
    rewrite(file, by)
    if (readFileSync(join(to, file), 'utf8') === before) throw new Error(`nothing to change in ${file}`)
    changed.add(file)
  }
  changed.add('package.json')
  rewrite('package.json', text => text.replace(/"version": "[^"]*"/, `"version": "${version}"`))
  edit(change)
  rewrite('SHA256SUMS', text => text.replace(/^\w{64}( [ *](.*))$/gm, (line, rest: string, name: string) =>
    changed.has(name) ? `${createHash('sha256').update(readFileSync(join(to, name))).digest('hex')}${rest}` : line))
}

/** A root folder for chroot: busybox, the files that tell users apart, and nothing else: no library, no /dev, no /proc. */
export async function busyboxRoot (folder: string): Promise<void> {
  for (const name of ['bin', 'etc', 'tmp', 'var', 'usr/local/bin']) mkdirSync(join(folder, name), { recursive: true })
  await copyFile(busybox, join(folder, 'bin/busybox'))
  const applets = execFileSync('chroot', [folder, '/bin/busybox', '--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(folder, 'bin', applet))
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nmatchbox:x:990:990::/var/lib/matchbox:/sbin/nologin\n')
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nmatchbox:x:990:\n')
}
