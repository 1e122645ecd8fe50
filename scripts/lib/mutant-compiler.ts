// Whether the compiler takes a source with a change in it. Each change is a file of its own beside the source, so that one compilation
// looks at all of them, and what they import is read and checked once. It looks at the changed file alone, not at those that import it.
import { join } from 'node:path'
import ts from 'typescript'

/** A source as a change makes it; `path` is absolute. */
export interface ChangedSource { readonly path: string, readonly text: string }

export class MutantCompiler {
  readonly #options: ts.CompilerOptions
  readonly #fileNames: readonly string[]
  readonly #parsed = new Map<string, ts.SourceFile | undefined>()
  #program: ts.Program | undefined

  /** `folder` has a tsconfig.json whose files do not change meanwhile. */
  constructor (folder: string) {
    const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), ts.sys.readFile) as { config: unknown }
    const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, folder)
    this.#options = options
    this.#fileNames = fileNames
  }

  /** Of each whether it is taken. */
  take (changed: readonly ChangedSource[]): boolean[] {
    const copies = new Map(changed.map(({ path, text }, at) => [path.replace(/\.ts$/, `.mutant${at}.ts`), text]))
    const host = ts.createCompilerHost(this.#options)
    const read = host.getSourceFile.bind(host)
    host.getSourceFile = (path, languageVersion, ...rest) => {
      const text = copies.get(path)
      if (text !== undefined) return ts.createSourceFile(path, text, languageVersion, true)
      if (!this.#parsed.has(path)) this.#parsed.set(path, read(path, languageVersion, ...rest))
      return this.#parsed.get(path)
    }
    host.fileExists = path => copies.has(path) || ts.sys.fileExists(path)
    const program = ts.createProgram([...this.#fileNames, ...copies.keys()], this.#options, host, this.#program)
    this.#program = program
    return [...copies.keys()].map(path => {
      const file = program.getSourceFile(path)
      return program.getSyntacticDiagnostics(file).length === 0 && program.getSemanticDiagnostics(file).length === 0
    })
  }
}
