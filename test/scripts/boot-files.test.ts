// scripts/boot-files where the distribution is CentOS or Fedora: which file of which package becomes what. The packages are not to be had
// here, so that yumdownloader and rpm are stand-ins which hand out trees with the paths that these distributions document.
import { type SpawnSyncOptionsWithStringEncoding, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runTool } from '../helpers/tools.js'

const scripts = fileURLToPath(new URL('../../scripts/', import.meta.url))
const skip = process.getuid?.() === 0 ? false : 'another /etc/os-release needs a mount namespace, and that root'
if (skip !== false && process.env['CI'] !== undefined) throw new Error(skip)

/** The files of each package, by its name and processor. */
type Packages = Readonly<Record<string, readonly string[]>>

const syslinux = ['pxelinux.0', 'menu.c32', 'chain.c32'].map(name => `/usr/share/syslinux/${name}`)
const efi = (folder: string, ...names: string[]): string[] => names.map(name => `${folder}/${name}`)

const centos7: Packages = {
  'ipxe-bootimgs.x86_64': ['undionly.kpxe', 'ipxe-x86_64.efi', 'ipxe.lkrn'].map(name => `/usr/share/ipxe/${name}`),
  'shim-x64.x86_64': [...efi('/boot/efi/EFI/centos', 'shimx64.efi', 'shimx64-centos.efi', 'mmx64.efi'), ...efi('/boot/efi/EFI/BOOT', 'BOOTX64.EFI', 'fbx64.efi')],
  'grub2-efi-x64.x86_64': efi('/boot/efi/EFI/centos', 'grubx64.efi'),
  'syslinux.x86_64': syslinux
}
const fedora: Packages = {
  'ipxe-bootimgs-x86.x86_64': ['undionly.kpxe', 'ipxe-snponly-x86_64.efi', 'ipxe-x86_64.efi', 'ipxe.lkrn'].map(name => `/usr/share/ipxe/${name}`),
  'shim-x64.x86_64': efi('/boot/efi/EFI/fedora', 'shimx64.efi', 'shimx64-fedora.efi', 'mmx64.efi'),
  'grub2-efi-x64.x86_64': efi('/boot/efi/EFI/fedora', 'grubx64.efi', 'gcdx64.efi'),
  'shim-aa64.aarch64': efi('/boot/efi/EFI/fedora', 'shimaa64.efi', 'mmaa64.efi'),
  'grub2-efi-aa64.aarch64': efi('/boot/efi/EFI/fedora', 'grubaa64.efi'),
  'syslinux.x86_64': syslinux
}
/** As bootupd has them since Fedora 43: below a folder of the package's version. */
const fedora43: Packages = {
  ...fedora,
  'shim-x64.x86_64': efi('/usr/lib/efi/shim/16.1-3/EFI/fedora', 'shimx64.efi', 'mmx64.efi'),
  'grub2-efi-x64.x86_64': efi('/usr/lib/efi/grub2/1:2.12-40.fc43/EFI/fedora', 'grubx64.efi')
}

const standIns = {
  // -q: what is installed, which is nothing; -qp: what a file says of itself.
  rpm: '[[ $1 == -q ]] && exit 1\necho "Version: 1.0-1"\necho "Source: $4.src.rpm" | sed "s#.*/#Source: #"\n',
  // The file is a list of what the package holds.
  yumdownloader: `processor=x86_64
while [[ $# -gt 1 ]]; do
  case $1 in --destdir) folder=$2; shift 2 ;; --forcearch) processor=$2; shift 2 ;; *) shift ;; esac
done
[[ -d $TREES/$1.$processor ]] || exit 1
echo "$1.$processor" > "$folder/$1-1.0-1.$processor.rpm"
`,
  rpm2cpio: 'cat "$1"\n',
  cpio: 'cp -a "$TREES/$(cat)/." .\n'
}

interface Fetched {
  readonly said: string
  /** The package that each file is from. */
  readonly names: Readonly<Record<string, string>>
  readonly content: (name: string) => string
}

interface Command {
  /** Where the files are put. */
  readonly to: string
  /** Of `unshare`. */
  readonly words: readonly string[]
  readonly options: SpawnSyncOptionsWithStringEncoding
}

/** The program on a machine of that distribution, whose packages are those. */
function machine (t: Test, packages: Packages, id: string, ...flags: readonly string[]): Command {
  const folder = t.testdir({ scripts: {}, bin: {}, trees: {}, 'os-release': `ID="${id}"\nID_LIKE="rhel fedora"\n` })
  cpSync(join(scripts, 'boot-files'), join(folder, 'scripts/boot-files'))
  cpSync(join(scripts, 'lib/packages.sh'), join(folder, 'scripts/lib/packages.sh'))
  for (const [name, body] of Object.entries(standIns)) {
    writeFileSync(join(folder, 'bin', name), `#!/usr/bin/env bash\n${body}`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  for (const [name, paths] of Object.entries(packages)) {
    for (const path of paths) {
      mkdirSync(join(folder, 'trees', name, dirname(path)), { recursive: true })
      writeFileSync(join(folder, 'trees', name, path), `${name}:${path}`)
    }
  }
  const to = join(folder, 'boot')
  const words = ['--mount', 'bash', '-c', `mount --bind ${folder}/os-release /etc/os-release && exec "$@" 2>&1`, 'bash', join(folder, 'scripts/boot-files'), '--dir', to, ...flags]
  const env = { ...process.env, PATH: `${folder}/bin:${process.env['PATH'] ?? ''}`, TREES: join(folder, 'trees') }
  return { to, words, options: { env, encoding: 'utf8' } }
}

function fetch (t: Test, packages: Packages, id: string, ...flags: readonly string[]): Fetched {
  const { to, words, options } = machine(t, packages, id, ...flags)
  const { status, stdout: said } = spawnSync('unshare', words, options)
  if (status !== 0) throw new Error(said)
  const manifest = JSON.parse(readFileSync(join(to, 'MANIFEST.json'), 'utf8')) as ReadonlyArray<{ readonly name: string, readonly package: string }>
  return { said, names: Object.fromEntries(manifest.map(one => [one.name, one.package])), content: name => readFileSync(join(to, name), 'utf8') }
}

t.test('CentOS 7', { skip }, t => {
  const { said, names, content } = fetch(t, centos7, 'centos')
  t.match(names, { 'undionly.kpxe': 'ipxe-bootimgs', 'ipxe.efi': 'ipxe-bootimgs', 'shimx64.efi': 'shim-x64', 'mmx64.efi': 'shim-x64', 'grubx64.efi': 'grub2-efi-x64', 'pxelinux.0': 'syslinux' })
  t.equal(content('shimx64.efi'), 'shim-x64.x86_64:/boot/efi/EFI/centos/shimx64.efi', 'the one that loads grubx64.efi beside itself')
  t.equal(content('grubx64.efi'), 'grub2-efi-x64.x86_64:/boot/efi/EFI/centos/grubx64.efi')
  t.match(said, /no snponly\.efi in the package ipxe-bootimgs/, 'which CentOS 7 has none of')
  t.end()
})

t.test('Fedora, and for 64-bit ARM', { skip }, t => {
  const { names, content } = fetch(t, fedora, 'fedora', '--arm64')
  t.match(names, {
    'snponly.efi': 'ipxe-bootimgs-x86', 'shimx64.efi': 'shim-x64', 'grubx64.efi': 'grub2-efi-x64', 'shimaa64.efi': 'shim-aa64', 'grubaa64.efi': 'grub2-efi-aa64', 'mmaa64.efi': 'shim-aa64'
  })
  t.equal(content('shimaa64.efi'), 'shim-aa64.aarch64:/boot/efi/EFI/fedora/shimaa64.efi')
  t.end()
})

t.test('Fedora from 43 on', { skip }, t => {
  const { content } = fetch(t, fedora43, 'fedora')
  t.equal(content('shimx64.efi'), 'shim-x64.x86_64:/usr/lib/efi/shim/16.1-3/EFI/fedora/shimx64.efi')
  t.equal(content('grubx64.efi'), 'grub2-efi-x64.x86_64:/usr/lib/efi/grub2/1:2.12-40.fc43/EFI/fedora/grubx64.efi')
  t.end()
})

t.test('a package that is not to be had ends it, and leaves no list of files', { skip }, t => {
  const { 'shim-x64.x86_64': shim, ...rest } = centos7
  t.ok(shim)
  t.throws(() => fetch(t, rest, 'centos'), /could not download the package shim-x64/)
  t.end()
})

t.test('two at once: one fetches, the other finds what it put there', { skip }, async t => {
  const { to, words, options } = machine(t, fedora, 'fedora')
  const ended = await Promise.all([0, 1].map(async () => await runTool('unshare', words, { env: options.env! })))
  t.same(ended.map(({ code }) => code), [0, 0], ended.map(({ stdout }) => stdout.toString()).join('\n'))
  const said = ended.map(({ stdout }) => stdout.toString().trim().split('\n').at(-1) ?? '').sort()
  t.match(said, [/^\d+ boot files in/, /^boot files are in/])
  t.same(readdirSync(to).filter(name => name.startsWith('.')), [])
})
