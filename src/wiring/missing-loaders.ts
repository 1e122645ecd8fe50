// Loaders that machines are to be given and that are not there, or can't go on: found at the start, and looked at again.
import { bootFolders } from '../base/bundled.js'
import type { LoadedConfig } from '../config/load.js'
import { type Finding, note, problem, warning } from '../doctor/finding.js'
import { followChain } from '../loaders/boot-chain.js'
import type { FileSource } from '../tftp/file-source.js'
import type { Ground } from './ground.js'
import { loadersOnDisk } from './loader-files.js'
import { namedLoaders } from './named-loaders.js'

export interface LoadersFound {
  /** The names of those that can be had. */
  readonly there: readonly string[]
  readonly findings: readonly Finding[]
}

type LoadersGround = Pick<Ground, 'loaded' | 'config' | 'clock' | 'homes' | 'store'>

export async function lookAtLoaders (ground: LoadersGround, files: FileSource): Promise<LoadersFound> {
  const { loaded, config } = ground
  const folders = [config.tftp.root, ...bootFolders()]
  const chains = await Promise.all(namedLoaders(ground).map(async name => ({ name, ...await followChain(name, files) })))
  return {
    there: chains.filter(({ found }) => found).map(({ name }) => name),
    findings: chains.flatMap(({ name, found, problems }) => [
      ...found || !isWanted(name, loaded) ? [] : [(isNamed(name, loaded) ? warning : note)('loaders', `boot loader ${name} is in none of ${folders.join(', ')}; scripts/boot-files fetches those that the distribution has`)],
      ...problems.map(text => problem('loaders', text))
    ])
  }
}

/** What of them is amiss, each time it is asked; undefined where no loader is served. */
export function loadersNow (ground: LoadersGround): (() => Promise<readonly string[]>) | undefined {
  if (ground.config.tftp.address === null) return undefined
  const files = loadersOnDisk(ground.config, ground.clock, 0)
  return async () => (await lookAtLoaders(ground, files)).findings.filter(({ level }) => level !== 'note').map(({ text }) => text)
}

/** The distribution of an x86 server has no loader for ARM: it is missed by who has such machines, and says so. */
const isWanted = (name: string, { config: { boot }, isWritten }: LoadedConfig): boolean => name !== boot.uefi_arm64 || isWritten(['boot', 'uefi_arm64'])

/** Whether the configuration names it, rather than leaves it to the defaults: who wrote it meant one that is there. */
const isNamed = (name: string, { config: { boot }, isWritten }: LoadedConfig): boolean =>
  (['bios', 'uefi_x64', 'uefi_arm64'] as const).some(key => boot[key] === name && isWritten(['boot', key])) || boot.overrides.some(({ file }) => file === name)
