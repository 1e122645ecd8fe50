// What a translator answers.
import type { JsonWritable } from '../go/json.js'
import type { Report } from './report.js'

export interface Transpiled {
  readonly ok: boolean
  /** The Ignition config, set when `ok`; jsonText makes it text. */
  readonly config?: JsonWritable
  readonly report: Report
}
