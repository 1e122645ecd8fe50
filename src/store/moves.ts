// What becomes of a store that is given the objects of another, file by file: decided whole before anything is written.
import { AppError } from '../base/errors.js'
import { assertSafeName } from '../matchbox/store.js'
import { type StoreFolder, folders, placeOf } from './object-files.js'

/** Objects by their file below a data folder, `groups/a.json`, as bytes. */
export type ObjectFiles = ReadonlyMap<string, Buffer>

export interface Move {
  readonly file: string
  readonly fate: 'added' | 'changed' | 'same' | 'removed'
  /** What the file is to hold; undefined for one that is removed. */
  readonly bytes: Buffer | undefined
}

/** What a config needs comes before it: whoever looks meanwhile finds no group without its profile. */
const order: readonly StoreFolder[] = ['snippets', 'files', 'ignition', 'cloud', 'generic', 'profiles', 'groups']
const rankOf = (file: string): number => order.findIndex(folder => file.startsWith(`${folder}/`))
const inOrder = (a: string, b: string): number => rankOf(a) - rankOf(b) || (a < b ? -1 : Number(a > b))

/** In the order in which they are to be made. With `whole` what `to` has beyond `from` is removed. */
export function movesOf (from: ObjectFiles, to: ObjectFiles, { whole }: { readonly whole: boolean }): readonly Move[] {
  const kept = [...from].sort(([a], [b]) => inOrder(a, b)).map(([file, bytes]): Move => {
    const there = to.get(file)
    return { file, fate: there === undefined ? 'added' : there.equals(bytes) ? 'same' : 'changed', bytes }
  })
  const gone = whole ? [...to.keys()].filter(file => !from.has(file)).sort((a, b) => inOrder(b, a)) : []
  return [...kept, ...gone.map((file): Move => ({ file, fate: 'removed', bytes: undefined }))]
}

export const isWritten = ({ fate }: Move): boolean => fate !== 'same'

/** Throws AppError id_invalid for a file that no folder of a store can hold, and for one that would have to be a folder too. */
export function assertStorable (files: ObjectFiles): void {
  for (const file of files.keys()) {
    try {
      if (placeOf(file) === undefined) throw new AppError('id_invalid', `no folder of ${folders.join(', ')} can hold it`)
      const parts = file.split('/')
      for (const part of parts) assertSafeName(part, '')
      for (let depth = 1; depth < parts.length; depth++) {
        const above = parts.slice(0, depth).join('/')
        if (files.has(above)) throw new AppError('id_invalid', `${JSON.stringify(above)} is a file already and would have to be a folder`)
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      throw new AppError('id_invalid', `${JSON.stringify(file.slice(0, 200))}: ${error.message}`, { cause: error })
    }
  }
}
