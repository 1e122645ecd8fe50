// The whole program with its gRPC API on loopback, and clients that write to it until it is killed.
import { readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type RawClient, rawClient, tlsCredentials } from './grpc-appliance.js'
import type { Pair, Pki } from './pki.js'
import { Program } from './program.js'

const names = { ca: 'ca', server: 'server', client: 'client' } as const

/** Writes a configuration, certificates and an empty store below `folder`; answers the configuration's path. */
export function layOutProgram (folder: string, pki: Pki, http = '127.0.0.1:0'): string {
  for (const name of Object.values(names)) {
    const pair: Pair = pki[name]
    writeFileSync(join(folder, `${name}.crt`), pair.cert)
    writeFileSync(join(folder, `${name}.key`), pair.key)
  }
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data
assets_path: ""
state_path: ${folder}/state
control_socket: ${folder}/control.sock
http: { address: "${http}" }
tftp: { address: "" }
rpc: { address: "127.0.0.1:0", ca_file: ${folder}/ca.crt, cert_file: ${folder}/server.crt, key_file: ${folder}/server.key }
`)
  return file
}

export interface RunningProgram {
  readonly program: Program
  readonly address: string
  /** A connection of its own. */
  client: () => RawClient
}

export async function startProgram (config: string, pki: Pki): Promise<RunningProgram> {
  const program = new Program(['serve', '--config', config])
  const address = String((await program.logged('grpc.listen'))['address'])
  await program.logged('appliance.ready')
  return { program, address, client: () => rawClient(address, tlsCredentials(pki, pki.client)) }
}

/** What was said of each object: the last version that was acknowledged, and those sent after it. */
export interface Ledger { readonly acknowledged: Map<string, number>, readonly sent: Map<string, number> }

const objects = 40
const padding = 'x'.repeat(6000)

const textOf = (id: string, version: number): string => JSON.stringify({ id, version, padding })

/** Puts groups and configs from eight connections until `puts` are acknowledged or the program is gone. */
export async function write (running: RunningProgram, ledger: Ledger, puts: number, onPut: () => void): Promise<void> {
  let left = puts
  await Promise.all(Array.from({ length: 8 }, async (_, worker) => {
    const client = running.client()
    // A worker has its own objects, so that the order of its puts is the order of versions.
    for (let n = 0; left-- > 0; n++) {
      const id = `w${worker}-${n % (objects / 8)}`
      const version = (ledger.sent.get(id) ?? 0) + 1
      ledger.sent.set(id, version)
      const group = { id, profile: 'p', selector: { id }, metadata: Buffer.from(textOf(id, version)) }
      const answers = await Promise.all([
        client.call('GroupPut', { group }), client.call('IgnitionPut', { name: `${id}.json`, config: Buffer.from(textOf(id, version)) })
      ])
      if (!answers.every(answer => 'response' in answer)) break
      ledger.acknowledged.set(id, version)
      onPut()
    }
    client.close()
  }))
}

/** What is wrong on disk after a crash: torn files, and acknowledged writes that are gone. */
export function damage (dataPath: string, ledger: Ledger): string[] {
  const found: string[] = []
  const check = (id: string, file: string, read: (text: string) => unknown): void => {
    const least = ledger.acknowledged.get(id)
    let version: number | undefined
    try {
      const value = read(readFileSync(join(dataPath, file), 'utf8')) as { version: number }
      version = value.version
      if (!isDeepStrictEqual(value, JSON.parse(textOf(id, version)))) found.push(`${file} is torn`)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) found.push(`${file}: ${String(error)}`)
    }
    if (least !== undefined && (version === undefined || version < least)) found.push(`${file}: version ${least} was acknowledged, ${version} is there`)
    if (version !== undefined && version > (ledger.sent.get(id) ?? 0)) found.push(`${file}: version ${version} was never sent`)
  }
  for (const id of ledger.sent.keys()) {
    check(id, `groups/${id}.json`, text => (JSON.parse(text) as { metadata: unknown }).metadata)
    check(id, `ignition/${id}.json`, text => JSON.parse(text))
  }
  for (const folder of readdirSync(dataPath)) {
    for (const name of readdirSync(join(dataPath, folder))) {
      if (!name.startsWith('.core-provisioner-') && !ledger.sent.has(name.slice(0, -'.json'.length))) found.push(`${folder}/${name} is nobody's`)
    }
  }
  return found
}

/** Has what killed writers left look as old as it is when nobody can be writing it any more: only then it is removed. */
function age (folder: string): void {
  for (const name of readdirSync(folder).filter(name => name.startsWith('.'))) utimesSync(join(folder, name), 1, 1)
}

export interface CrashRun { readonly acknowledged: number, readonly damage: readonly string[] }

/**
 * Starts the program, kills it with SIGKILL after a random number of puts, and looks at the disk; `kills` times over the
 * same store, then once more to the end. What the program itself then answers is compared too.
 */
export async function crash (folder: string, pki: Pki, puts: number, kills: number, random: () => number): Promise<CrashRun> {
  const config = layOutProgram(folder, pki)
  const dataPath = join(folder, 'data')
  const ledger: Ledger = { acknowledged: new Map(), sent: new Map() }
  const found: string[] = []
  let acknowledged = 0
  for (let round = 0; round <= kills; round++) {
    const last = round === kills
    if (last) age(join(dataPath, 'groups'))
    const running = await startProgram(config, pki)
    const share = Math.ceil(puts / (kills + 1))
    let until = last ? Infinity : Math.max(1, Math.floor(random() * share))
    await write(running, ledger, share, () => {
      acknowledged++
      if (--until === 0) running.program.child.kill('SIGKILL')
    })
    if (last) {
      const client = running.client()
      for (const [id, version] of ledger.acknowledged) {
        const answer = await client.call('GroupGet', { id })
        const { group } = ('response' in answer ? answer.response : {}) as { group?: { metadata: Buffer } }
        const now = group === undefined ? undefined : (JSON.parse(group.metadata.toString()) as { version: number }).version
        if (now === undefined || now < version) found.push(`GroupGet ${id}: version ${version} was acknowledged, ${now} is answered`)
      }
      client.close()
      const left = readdirSync(join(dataPath, 'groups')).filter(name => name.startsWith('.'))
      if (left.length > 0) found.push(`left behind: ${left.join(' ')}`)
    }
    await running.program.end(last ? 'SIGTERM' : 'SIGKILL')
    found.push(...damage(dataPath, ledger))
  }
  return { acknowledged, damage: found }
}
