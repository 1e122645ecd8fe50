// `images sync` killed with SIGKILL at random points while its publisher goes from release to release: whatever machines
// can see has to be, to the byte, what was published, at every point.
import { mkdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { seenFiles } from './mirror.js'
import { Program } from './program.js'
import { makeKey, Publisher } from './publisher.js'

export interface KillResult {
  readonly kills: number
  /** Syncs that had ended before they were killed. */
  readonly ended: number
  /** Kills that found a download under way, and releases that came to be seen. */
  readonly duringDownload: number
  readonly published: number
  readonly resumed: number
  /** What was seen and should not have been. */
  readonly damage: readonly string[]
}

/** The configuration of a mirror of one Flatcar source, all below `folder`. */
export function writeConfig (folder: string, baseUrl: string, key: { readonly fingerprint: string, readonly publicKey: string }, more = ''): string {
  mkdirSync(join(folder, 'data'), { recursive: true })
  writeFileSync(join(folder, 'key.asc'), key.publicKey)
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data
assets_path: ${folder}/assets
state_path: ${folder}/state
control_socket: ${folder}/control.sock
http: { address: "127.0.0.1:0" }
tftp: { address: "" }
rpc: { address: "" }
images:
  sources: [{ os: flatcar, base_url: "${baseUrl}" }]
  keys: [{ file: ${folder}/key.asc, fingerprint: ${key.fingerprint} }]
  ${more}
`)
  return file
}

/** Kills `kills` syncs; `random` gives numbers of 0 to 1. */
export async function killAgainAndAgain (folder: string, kills: number, random: () => number, onKill: (result: KillResult) => void = () => {}): Promise<KillResult> {
  const key = await makeKey('publisher')
  const server = await Publisher.start()
  const config = writeConfig(folder, server.url, key)
  const releases = new Map<string, Map<string, Buffer>>()
  let [ended, duringDownload, published, resumed, number] = [0, 0, 0, 0, 0]
  const damage: string[] = []
  const look = (): string | undefined => {
    const seen = seenFiles(join(folder, 'assets/flatcar'))
    for (const version of new Set([...seen.keys()].map(path => path.split('/')[0] ?? ''))) {
      const files = releases.get(version)
      for (const [name, bytes] of files ?? []) {
        if (seen.get(`${version}/${name}`)?.equals(bytes) !== true) damage.push(`${version}/${name}`)
        const signature = server.files.get(`/amd64-usr/${version}/${name}.sig`)?.body
        if (signature === undefined || seen.get(`${version}/${name}.sig`)?.equals(signature) !== true) damage.push(`${version}/${name}.sig`)
      }
      if (files === undefined || !seen.has(`${version}/release.json`)) damage.push(version)
    }
    let alias: string | undefined
    try { alias = readlinkSync(join(folder, 'assets/flatcar/stable')) } catch { /* nothing has been published yet */ }
    if (alias !== undefined && !seen.has(`${alias}/release.json`)) damage.push(`stable -> ${alias}`)
    return alias
  }
  const next = async (): Promise<string> => {
    const version = `1.0.${++number}`
    // Signed anew for each: no two releases have a byte in common.
    releases.set(version, await server.flatcar(version, key, { bytes: 2 ** 20 }))
    return version
  }
  try {
    server.slow = 20
    let version = await next()
    for (let kill = 1; kill <= kills; kill++) {
      const asked = new Promise<void>(resolve => { server.onRequest = () => { resolve() } })
      const program = new Program(['images', 'sync', '--config', config])
      const over = program.end()
      // A little before it asks for the first time, or any time from then until it is done, more often near the end.
      if (random() < 0.1) await Promise.race([pause(random() * 1500), over])
      else await Promise.race([asked.then(() => pause(random() * 700)), over])
      if (server.now > 0) duringDownload++
      if (program.child.exitCode !== null) ended++
      program.child.kill('SIGKILL')
      await over
      if (look() === version) {
        published++
        version = await next()
      }
      resumed = server.requests.filter(request => / bytes=\d+-$/.test(request)).length
      onKill({ kills: kill, ended, duringDownload, published, resumed, damage })
    }
    const { status, stderr } = await new Program(['images', 'sync', '--config', config]).end()
    if (status !== 0 || look() !== version) damage.push(`the last sync: ${stderr}`)
    const verified = await new Program(['images', 'verify', '--config', config]).end()
    if (verified.status !== 0) damage.push(`verify: ${verified.stderr}`)
    return { kills, ended, duringDownload, published, resumed, damage }
  } finally {
    await server.close()
  }
}
