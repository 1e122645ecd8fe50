// Why a document could not even be read, or not as what it says it is: each problem in an entry of its own, with its place.
import { YamlTypeError } from './decode.js'
import { shortened } from './report.js'
import type { YamlError } from '../yaml/yaml-error.js'
import type { Report } from './report.js'

/** go-yaml names lines in its messages; the place says it already. */
export const yamlReport = (error: YamlError): Report => {
  const problems = error instanceof YamlTypeError
    ? error.problems.map(({ line, column, text }) => ({ line, column, message: text }))
    : [{ line: error.line, column: error.column, message: error.message, ...error.words !== error.message && { words: error.words } }]
  return shortened(problems.map(problem => ({ kind: 'error', path: '$', ...problem })))
}
