// store: all objects of the configured store, a folder or etcd, carried to or from a folder or an archive. What becomes of each is worked
// out before anything is written; what is there and differs is replaced only when that is asked for.
import { resolve } from 'node:path'
import { AppError, errnoOf, messageOf } from '../base/errors.js'
import { counted } from '../base/units.js'
import type { Logger } from '../base/log.js'
import { visibleText } from '../base/visible-text.js'
import type { LoadedConfig } from '../config/load.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { readWhole } from '../disk/whole-file.js'
import { packArchive, readArchive } from '../store/archive.js'
import { assertWithin, isFolder } from '../store/folder-files.js'
import { assertStorable, isWritten, type Move, movesOf, type ObjectFiles } from '../store/moves.js'
import { openFolder, openShelf, type Shelf } from '../wiring/store-transfer.js'
import { configOptions, parse } from './arguments.js'
import { type Command, CommandError, type Io, print, printJson, table } from './command.js'
import { errorLog } from './error-log.js'
import { serviceConfig } from './service-config.js'

const actions = ['import', 'export', 'backup', 'restore'] as const

interface StoreArguments {
  readonly path: string
  readonly replace: boolean
  readonly dryRun: boolean
  readonly json: boolean
  readonly loaded: LoadedConfig
  readonly log: Logger
  readonly io: Io
}

export const storeCommand: Command = {
  name: 'store',
  run: async (args, io) => {
    const options = { ...configOptions, json: { type: 'boolean' }, replace: { type: 'boolean' }, 'dry-run': { type: 'boolean' } } as const
    const { values, positionals: [word, path = ''] } = parse(args, options, 2)
    const action = actions.find(name => name === word)
    if (action === undefined || path === '') throw new AppError('usage', 'expected import FOLDER|TARBALL, export FOLDER, backup FILE.tar.gz or restore FILE.tar.gz')
    await carry[action]({
      path: resolve(path),
      replace: values.replace === true,
      dryRun: values['dry-run'] === true,
      json: values.json === true,
      loaded: await serviceConfig(values, io),
      // What cannot be used is told below, in the place where it is.
      log: errorLog(io),
      io
    })
    return 0
  }
}

const carry: Readonly<Record<typeof actions[number], (asked: StoreArguments) => Promise<void>>> = {
  import: async asked => {
    const { path } = asked
    await fill(asked, await isFolder(path) ? await filesInFolder(asked) : await filesInArchive(asked), { whole: false })
  },

  restore: async asked => {
    if (await isFolder(asked.path)) throw new AppError('usage', `${asked.path} is a folder: store import takes it`)
    await fill(asked, await filesInArchive(asked), { whole: true })
  },

  export: async asked => {
    const { path, log } = asked
    const files = await filesConfigured(asked)
    await assertWithin(path, files.keys())
    await using(await openFolder(path, { log, fill: true }), async folder => {
      await make(asked, movesOf(files, folder.files, { whole: false }), folder)
    })
  },

  backup: async asked => {
    const { path, replace, dryRun } = asked
    const files = await filesConfigured(asked)
    const packed = packArchive(files)
    const there = await readWhole(path, 'state').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw new AppError('read_failed', `${path}: ${messageOf(error)}`, { cause: error })
    })
    const isSame = there?.equals(packed) === true
    const conflict = there !== undefined && !isSame && !replace && !dryRun
    if (conflict) throw new AppError('store_differs', `${path} is there and is something else: --replace replaces it`)
    // Configs may hold secrets.
    if (!isSame && !dryRun) await writeFileAtomic(path, packed, { mode: 0o600 })
    tell(asked, movesOf(files, isSame ? files : new Map(), { whole: false }))
  }
}

/** The store of the configuration gets `files`. */
async function fill (asked: StoreArguments, files: ObjectFiles, { whole }: { readonly whole: boolean }): Promise<void> {
  assertStorable(files)
  await using(await openShelf(asked.loaded, { log: asked.log, fill: !asked.dryRun }), async shelf => {
    await make(asked, movesOf(files, shelf.files, { whole }), shelf)
  })
}

/** All or, without leave to replace, nothing. */
async function make (asked: StoreArguments, moves: readonly Move[], shelf: Shelf): Promise<void> {
  const { replace, dryRun } = asked
  shelf.check(moves)
  const kept = moves.filter(({ fate }) => fate === 'changed' || fate === 'removed')
  const refused = kept.length > 0 && !replace && !dryRun
  if (!refused && !dryRun) await shelf.write(moves)
  if (refused) {
    if (!asked.json) tell(asked, moves)
    const message = `${shelf.where} has ${counted(kept.length, 'object')} that would be changed or removed, and nothing was written: --replace does it`
    throw new CommandError('store_differs', message, shownMoves(moves, false))
  }
  tell(asked, moves)
}

async function filesConfigured ({ loaded, log, io }: StoreArguments): Promise<ObjectFiles> {
  return await using(await openShelf(loaded, { log, fill: false }), ({ files, problems }) => {
    assertStorable(files)
    note(io, problems)
    return files
  })
}

async function filesInFolder ({ path, log, io }: StoreArguments): Promise<ObjectFiles> {
  return await using(await openFolder(path, { log, fill: false }), async ({ files, problems }) => {
    await assertWithin(path, files.keys())
    if (files.size === 0) throw new AppError('read_failed', `${path} has no object of a store: expected a folder with groups/, profiles/, ignition/`)
    note(io, problems)
    return files
  })
}

async function filesInArchive ({ path, io }: StoreArguments): Promise<ObjectFiles> {
  const { files, isStore, others } = await readArchive(path)
  if (!isStore) throw new AppError('archive_invalid', `${path} has no folder of a store: pack it with tar -C FOLDER -czf ${path} .`)
  note(io, others.map(file => `${file}: is no object of a store, and is left out`))
  return files
}

function note (io: Io, lines: readonly string[]): void {
  for (const line of lines) print(io.stderr, `core-provisioner store: ${visibleText(line)}`)
}

const shownMoves = (moves: readonly Move[], written: boolean): object =>
  ({ written, objects: moves.map(({ file, fate }) => ({ file, fate })) })

/** What became of each, or would have. */
function tell ({ json, dryRun, io }: StoreArguments, moves: readonly Move[]): void {
  if (json) return printJson(io.stdout, shownMoves(moves, !dryRun && moves.some(isWritten)))
  if (moves.length > 0) print(io.stdout, table(['object', ''], moves.map(({ file, fate }) => [file, fate])))
  const counts = (['added', 'changed', 'removed', 'same'] as const).map(fate => `${moves.filter(move => move.fate === fate).length} ${fate}`).join(', ')
  print(io.stdout, `${counts}${dryRun ? ' (nothing was written)' : ''}`)
}

async function using<T> (shelf: Shelf, work: (shelf: Shelf) => Promise<T> | T): Promise<T> {
  try {
    return await work(shelf)
  } finally {
    await shelf.close()
  }
}
