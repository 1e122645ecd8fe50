// Where something is in a text that was read.

/** Both count from 1, columns in characters. */
export interface TextPosition { readonly line: number, readonly column: number }

/** The names of fields and indexes of lists that lead to a value, from the root on. */
export type ValuePath = ReadonlyArray<string | number>
