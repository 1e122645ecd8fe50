// What profiles boot from /assets/ and is not there, by the paths that scripts would name.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { resolveAsset } from '../assets/aliases.js'
import { Links } from '../disk/links.js'
import { pinAssets } from '../matchbox/pin-assets.js'
import type { Ground } from '../wiring/ground.js'
import { isOwnHost } from '../wiring/own-hosts.js'
import { type Finding, problem } from './finding.js'

export function diagnoseAssets ({ config, own, store }: Pick<Ground, 'config' | 'own' | 'store'>): readonly Finding[] {
  const { assets_path: root } = config
  if (root === '' || !existsSync(root)) return []
  const links = new Links(root)
  const isOwn = isOwnHost(config, own)
  const findings: Finding[] = []
  for (const { id, boot } of store.snapshot.profiles.values()) {
    if (boot === undefined) continue
    const named = new Set<string>()
    pinAssets(boot, { isOwn, resolve: path => { named.add(path); return path } })
    for (const path of named) {
      // Settings of iPXE and of templates are known to the machine alone.
      if (/[${}]/.test(path) || path.endsWith('/') || isThere(root, resolveAsset(links, path))) continue
      findings.push(problem('assets', `profile ${id} boots ${path}, which is not there: machines get 404`))
    }
  }
  return findings
}

function isThere (root: string, path: string): boolean {
  try {
    return existsSync(join(root, decodeURIComponent(path.slice('/assets/'.length))))
  } catch {
    return false
  }
}
