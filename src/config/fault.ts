// One thing that is wrong with a configuration.
import type { ValuePath } from '../base/positions.js'

export interface Fault { readonly path: ValuePath, readonly message: string }
