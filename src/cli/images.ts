// images: the image mirror by hand, whether the service runs or not.
import { readdir } from 'node:fs/promises'
import { systemClock } from '../base/clock.js'
import type { LoadedConfig } from '../config/load.js'
import { openStore } from '../wiring/looking.js'
import { AppError, errnoOf, type ErrorCode } from '../base/errors.js'
import { didYouMean } from '../base/nearest.js'
import { formatBytes } from '../base/units.js'
import { forgetKey, importKey, keysIn, parseFingerprint, type PinnedKey } from '../mirror/key-store.js'
import { type ImagesShown, keyFolder, type Mirror } from '../mirror/mirror.js'
import type { SyncResult } from '../mirror/sync.js'
import type { OpenpgpCertificate } from '../openpgp/certificate.js'
import { openMirror } from '../wiring/open-mirror.js'
import { mayNameMore, storeTexts } from '../matchbox/store-texts.js'
import { configOptions, parse } from './arguments.js'
import { errorLog } from './error-log.js'
import { serviceConfig } from './service-config.js'
import { type Command, errorJson, Interrupted, type Io, print, printJson, shownTime, table } from './command.js'
import { formatSeconds, ProgressDisplay } from './progress.js'
import { becomeOwner } from './services-user.js'

/** As many as sources are worth naming. */
const mostOperands = 100

interface Request {
  readonly loaded: LoadedConfig
  readonly mirror: Mirror
  readonly json: boolean
  readonly allowOlder: boolean
  readonly dryRun: boolean
  /** What the file of `keys add` holds. */
  readonly keyFile: readonly OpenpgpCertificate[]
  readonly io: Io
}

export const imagesCommand: Command = {
  name: 'images',
  endsInOrder: args => args.includes('sync'),
  run: async (args, io, hold) => {
    const options = { ...configOptions, json: { type: 'boolean' }, fingerprint: { type: 'string' }, 'allow-older': { type: 'boolean' }, 'dry-run': { type: 'boolean' } } as const
    const { values, positionals: [action = '', ...operands] } = parse(args, options, mostOperands)
    const act = Object.hasOwn(actions, action) ? actions[action as keyof typeof actions] : undefined
    if (act === undefined) throw new AppError('usage', `expected one of ${Object.keys(actions).join(', ')}${action === '' ? '' : `, not ${JSON.stringify(action)}`}`)
    if (action !== 'keys' && action !== 'sync' && operands.length > 0) throw new AppError('usage', `${action} takes no ${JSON.stringify(operands[0])}`)
    if (values['dry-run'] === true && action !== 'prune') throw new AppError('usage', '--dry-run goes with prune')
    const loaded = await serviceConfig(values, io)
    // Read by whoever may: a key file of root's own is no business of the service's.
    const keyFile = operands[0] === 'add' && operands[1] !== undefined ? await keysIn(operands[1]) : []
    await becomeOwner(loaded.config.state_path, io)
    const { assets_path: assets, state_path: state } = loaded.config
    for (const folder of [state, keyFolder(state), ...assets === '' ? [] : [assets]]) await assertListed(folder)
    const mirror = openMirror(loaded, { clock: systemClock, env: io.env })
    // A key's file is written in a moment, and is there whole.
    if (action === 'keys' && (operands[0] === 'add' || operands[0] === 'remove')) hold?.()
    return await act({ loaded, mirror, json: values.json === true, allowOlder: values['allow-older'] === true, dryRun: values['dry-run'] === true, keyFile, io }, operands, values.fingerprint)
  }
}

/** What may not be listed would look like a mirror without releases or keys. */
async function assertListed (folder: string): Promise<void> {
  await readdir(folder).catch((error: unknown) => { if (errnoOf(error) !== 'ENOENT') throw error })
}

async function sync ({ mirror, json, allowOlder, io }: Request, wanted: readonly string[]): Promise<number> {
  if (mirror.sources.length === 0) throw new AppError('config_invalid', 'no image source is configured (images.sources)')
  const ids = mirror.sources.map(({ id }) => id)
  const odd = wanted.find(name => idsOf(name, ids).length === 0)
  if (odd !== undefined) throw new AppError('usage', `no image source is called ${JSON.stringify(odd)}, of ${ids.join(', ')}${didYouMean(odd, ids.flatMap(namesOf))}`)
  const stopping = new AbortController()
  let endedBy: string | undefined
  void io.stop.then(signal => {
    endedBy = signal
    stopping.abort()
  })
  const display = new ProgressDisplay(io.stdout, io.terminal, () => performance.now())
  const results = await mirror.sync({
    signal: stopping.signal,
    allowOlder,
    ...wanted.length > 0 && { only: new Set(wanted.flatMap(name => idsOf(name, ids))) },
    onProgress: ({ source, version, file, received, total }) => { if (!json) display.report({ name: `${source} ${version} ${file}`, received, total }) },
    onResult: result => {
      if (json) return
      display.clear()
      if (result.error === undefined) print(io.stdout, resultLine(result))
      for (const text of result.unproven ?? []) print(io.stdout, `  not proven: ${text}`)
    }
  })
  const asked = wanted.length === 0 ? ids.length : new Set(wanted.flatMap(name => idsOf(name, ids))).size
  const isDone = results.length === asked && results.every(({ error }) => error === undefined)
  // What was fetched by then is whole and published, or waits in .partial for the next time.
  if (endedBy !== undefined && endedBy !== 'SIGPIPE' && !isDone) throw new Interrupted(endedBy)
  const failures = results.flatMap(({ source, error }) => error === undefined ? [] : [`${source}: ${error.text}`])
  return concluded({ json, io }, { action: 'sync', results, failures, code: results.find(({ error }) => error !== undefined)?.error?.code ?? 'image_download_failed' })
}

/** `flatcar`, `flatcar/stable` and `flatcar/stable/amd64`: a source goes by its id, or by where that begins. */
const namesOf = (id: string): readonly string[] => id.split('/').map((_, n, parts) => parts.slice(0, n + 1).join('/'))
const idsOf = (name: string, ids: readonly string[]): readonly string[] => ids.filter(id => namesOf(id).includes(name))

const outcomes = { published: 'published and verified', mended: 'fetched again and verified what was missing or damaged', present: 'up to date', failed: 'failed' } as const

const resultLine = ({ source, version = '', outcome }: SyncResult): string => `${source}: ${version} ${outcomes[outcome]}`

interface Concluded {
  readonly action: string
  readonly results: unknown
  readonly failures: readonly string[]
  /** Of the first of them. */
  readonly code: ErrorCode
}

/** Each failure in one line on stderr; as JSON the results, or an error beside them. */
function concluded ({ json, io }: Pick<Request, 'json' | 'io'>, { action, results, failures, code }: Concluded): number {
  if (json) printJson(io.stdout, failures.length === 0 ? results : { ...errorJson(code, failures.join('; ')), results })
  for (const failure of failures) print(io.stderr, `core-provisioner images ${action}: ${failure}`)
  return failures.length === 0 ? 0 : 1
}

async function list ({ mirror, json, io }: Request): Promise<number> {
  const shown = await mirror.list()
  if (json) printJson(io.stdout, shown)
  else print(io.stdout, asTables(shown, io))
  return 0
}

function asTables ({ sources, releases }: ImagesShown, io: Io): string {
  const ofReleases = table(['release', 'aliases', 'size', 'age', 'key', 'verified', ''], releases.map(release => [
    release.path,
    release.aliases.join(' ') || '-',
    formatBytes(release.bytes),
    formatSeconds(release.ageSeconds),
    release.keys.map(key => key.slice(-16)).join(' ') || '-',
    release.verified,
    Object.keys(release.problems).length === 0 ? '' : `DAMAGED: ${Object.keys(release.problems).join(' ')}`
  ]))
  const ofSources = table(['source', 'release', 'up to date at', 'last error'], sources.map(({ source, version = '-', succeeded = 'never', error }) =>
    [source, version, shownTime(succeeded, io, systemClock.now()), error === undefined ? '-' : `${shownTime(error.at, io, systemClock.now())}: ${error.text}`]))
  return `${ofSources}\n\n${ofReleases}`
}

async function verify ({ mirror, json, io }: Request): Promise<number> {
  const results = await mirror.verify(({ folder, version, bytes, keys, problems, notes }) => {
    if (json) return
    const bad = Object.keys(problems).length
    print(io.stdout, `${folder}/${version}: ${bad === 0 ? `good, ${formatBytes(bytes)}, ${keys.join(' ') || 'by digest'}` : `${bad} bad`}`)
    for (const note of notes) print(io.stdout, `  ${note}`)
  })
  return concluded({ json, io }, { action: 'verify', results, failures: results.flatMap(({ problems }) => Object.values(problems)), code: 'images_damaged' })
}

async function prune ({ loaded, mirror, json, dryRun, io }: Request): Promise<number> {
  const store = await openStore(loaded.config, errorLog(io))
  try {
    const reason = mayNameMore(store)
    if (reason !== undefined) throw new AppError('read_failed', `nothing is removed: ${reason}`)
    const results = await mirror.prune([...storeTexts(store.snapshot)], { dryRun })
    if (json) printJson(io.stdout, results)
    else for (const { folder, version, bytes, kept } of results) print(io.stdout, `${folder}/${version}: ${kept === undefined ? `${dryRun ? 'would be removed' : 'removed'}, ${formatBytes(bytes)}` : `kept, ${kept}`}`)
    return 0
  } finally {
    await store.close()
  }
}

async function keys (request: Request, [action, operand]: readonly string[], pin: string | undefined): Promise<number> {
  const { loaded, mirror, json, keyFile, io } = request
  const folder = keyFolder(loaded.config.state_path)
  const tell = (list: readonly PinnedKey[], problems: readonly string[] = []): number => {
    const shown = list.map(({ fingerprint, file, users, expires, signer }) => ({
      fingerprint,
      file,
      users,
      ...expires !== undefined && { expires: new Date(expires).toISOString() },
      ...signer?.expires !== undefined && { signsUntil: new Date(signer.expires).toISOString() }
    }))
    if (!json) {
      const rows = shown.map(key => [key.fingerprint, key.expires ?? 'no end', key.signsUntil ?? 'no end', key.users.join(', '), key.file])
      print(io.stdout, table(['fingerprint', 'until', 'signs until', 'of', 'file'], rows))
    }
    return concluded({ json, io }, { action: 'keys', results: shown, failures: problems, code: 'key_invalid' })
  }
  if (action === 'list' && operand === undefined) {
    const { keys: pinned, problems } = await mirror.keys()
    return tell(pinned, problems)
  }
  if (action === 'add' && operand !== undefined) {
    if (pin === undefined) {
      const found = keyFile.map(({ fingerprint, users }) => `${fingerprint} (${users.join(', ')})`)
      throw new AppError('usage', `compare the fingerprint with the one that the publisher tells elsewhere, and give it with --fingerprint; ${operand} holds ${found.join('; ')}`)
    }
    const fingerprint = parseFingerprint(pin)
    if (fingerprint === undefined) throw new AppError('usage', `${JSON.stringify(pin)} is not a whole fingerprint of 40 or 64 hex digits`)
    return tell([await importKey(folder, operand, keyFile, fingerprint)])
  }
  const fingerprint = parseFingerprint(operand ?? '')
  if (action !== 'remove' || fingerprint === undefined) throw new AppError('usage', 'expected keys list, keys add FILE --fingerprint FINGERPRINT, or keys remove FINGERPRINT')
  await forgetKey(folder, fingerprint)
  if (json) printJson(io.stdout, { fingerprint, removed: true })
  else print(io.stdout, `removed ${fingerprint}`)
  return 0
}

const actions = { sync, list, verify, prune, keys } as const
