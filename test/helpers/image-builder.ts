// Images of containers by buildah, in a storage of a test's own and without a registry: the base image is the Debian that debootstrap
// makes for other tests, with the Node.js and npm of this machine. Steps run in a chroot, so no engine and no kernel feature is asked for.
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, statfs, symlink, writeFile } from 'node:fs/promises'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { descriptorLimit } from '../../src/net/descriptors.js'
import { debianRoot } from './container.js'
import type { NetworkNamespace, Running } from './netns.js'
import { findTool, runTool } from './tools.js'

const overlayfs = 0x794c7630

/** What an image says of itself, as the OCI's image specification has it. */
export interface ImageConfig {
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly ExposedPorts: Readonly<Record<string, object>>
  readonly Volumes: Readonly<Record<string, object>>
}

export class ImageBuilder {
  readonly folder: string
  readonly #options: readonly string[]

  private constructor (folder: string, driver: string) {
    this.folder = folder
    this.#options = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', driver]
  }

  static async make (t: Test): Promise<ImageBuilder> {
    const folder = await mkdtemp(join(tmpdir(), 'image-'))
    // One overlay does not lie on another.
    const builder = new ImageBuilder(folder, (await statfs(folder)).type === overlayfs ? 'vfs' : 'overlay')
    t.teardown(async () => {
      await builder.#run('umount', '--all').catch(() => '')
      await rm(folder, { recursive: true, force: true })
    })
    return builder
  }

  async #run (...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runTool('buildah', [...this.#options, ...args], { timeout: 800_000 })
    if (code !== 0) throw new Error(`buildah ${args.join(' ')}: ${code}: ${stdout.toString().slice(-3000)}${stderr.slice(-3000)}`)
    return stdout.toString().trim()
  }

  /** Puts what a Dockerfile calls `name` into the storage. */
  async putBase (name: string): Promise<void> {
    const made = await this.#run('from', 'scratch')
    const root = await this.#run('mount', made)
    await runTool('cp', ['--archive', '--reflink=auto', `${await debianRoot()}/.`, root])
    await cp(realpathSync(process.execPath), join(root, 'usr/local/bin/node'))
    const npm = dirname(dirname(realpathSync(findTool('npm') ?? 'npm')))
    await mkdir(join(root, 'usr/local/lib/node_modules'), { recursive: true })
    await cp(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'))
    await this.#run('umount', made)
    await this.#run('commit', '--quiet', '--rm', made, name)
  }

  /** Builds the Dockerfile of a folder. Packages come from where this machine has them from. */
  async build (context: string, tag: string): Promise<void> {
    const npm = (key: string): string => execFileSync('npm', ['config', 'get', key], { encoding: 'utf8' }).trim()
    const own = join(this.folder, 'npmrc')
    const settings = ['registry', 'cafile'].map(key => [key, npm(key)] as const).filter(([, value]) => !['', 'null', 'undefined'].includes(value))
    await writeFile(own, ['prefer-offline=true', ...settings.map(pair => pair.join('=')), ''].join('\n'))
    const cache = join(npm('cache'), '_cacache')
    await mkdir(cache, { recursive: true })
    const volumes = ['/etc/apt:/etc/apt:ro', '/etc/ssl/certs:/etc/ssl/certs:ro', `${own}:/root/.npmrc:ro`, `${cache}:/root/.npm/_cacache:O`]
    // npm opens a thousand files at once: all that this process may have open, the build may.
    const most = descriptorLimit()
    await this.#run('build', '--isolation', 'chroot', '--ulimit', `nofile=${most}:${most}`, '--pull-never', ...volumes.flatMap(volume => ['--volume', volume]), '--tag', tag, context)
  }

  async configOf (tag: string): Promise<ImageConfig> {
    return (JSON.parse(await this.#run('inspect', '--type', 'image', tag)) as { readonly OCIv1: { readonly config: ImageConfig } }).OCIv1.config
  }

  /** A container of an image; its name. */
  async container (tag: string): Promise<string> { return await this.#run('from', '--pull-never', tag) }

  /** Starts a command in a container, as the user that its image names, on the network of a namespace. */
  start (network: NetworkNamespace, container: string, options: readonly string[], command: readonly string[]): Running {
    return network.join('buildah', ...this.#options, 'run', '--isolation', 'chroot', ...options, container, '--', ...command)
  }
}
