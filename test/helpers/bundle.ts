// The bundle as scripts/bundle makes it, for the tests that unpack and install it: made once, and anew when what it is made of
// has changed. And a root folder to run it in that holds nothing but a static busybox.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { projectRoot } from './project.js'
import { runTool } from './tools.js'

const sources = ['src', 'scripts', 'systemd', 'docs', 'examples', 'assets', 'package.json', 'package-lock.json', 'README.md', 'CHANGELOG.md']
const busybox = join(projectRoot, '.cache/packages/busybox-static/bin/busybox')

/** Why a bundle can't be made or run here, undefined when it can. */
export function bundleProblem (): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  if (process.arch !== 'x64' || !existsSync('/etc/debian_version')) return 'needs Debian on x86-64'
  return existsSync(busybox) ? undefined : 'not there: .cache/packages/busybox-static (scripts/test unpacks it)'
}

/** Runs scripts/bundle under another umask and in another time zone than it is mostly run; the path of the tarball. */
export async function makeBundleElsewhere (folder: string): Promise<string> {
  const { code, stderr } = await runTool('sh', ['-c', 'umask 077 && exec env TZ=Asia/Kolkata LC_ALL=C "$@"', 'sh', join(projectRoot, 'scripts/bundle'), '--out', folder], { timeout: 800_000 })
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

/** Changes a file of a bundle before its checksums are made; an edit that changes nothing is a mistake. */
export type ChangeFile = (file: string, by: (text: string) => string) => void

/** Builds of one bundle, unpacked once: each is links to the same files, but for those that are changed. */
export class BundleBuilds {
  readonly #whole: string

  /** `folder`: on the file system that the builds are to lie on. */
  constructor (tarball: string, folder: string) {
    this.#whole = folder
    unpack(tarball, folder)
  }

  /** The build of `version` at `to`, with its checksums. */
  place (to: string, version: string, edit: (change: ChangeFile) => void = () => {}): void {
    execFileSync('cp', ['--archive', '--link', this.#whole, to])
    const changed = new Set(['package.json'])
    const rewrite = (file: string, by: (text: string) => string): boolean => {
      const path = join(to, file)
      const before = readFileSync(path, 'utf8')
      const { mode } = statSync(path)
      const after = by(before)
      // Not into the file that others share.
      rmSync(path)
      writeFileSync(path, after)
      chmodSync(path, mode)
      return after !== before
    }
    rewrite('package.json', text => text.replace(/"version": "[^"]*"/, `"version": "${version}"`))
    edit((file, by) => {
      if (!rewrite(file, by)) throw new Error(`nothing to change in ${file}`)
      changed.add(file)
    })
    rewrite('SHA256SUMS', text => text.replace(/^\w{64}( [ *](.*))$/gm, (line, rest: string, name: string) =>
      changed.has(name) ? `${createHash('sha256').update(readFileSync(join(to, name))).digest('hex')}${rest}` : line))
  }
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
