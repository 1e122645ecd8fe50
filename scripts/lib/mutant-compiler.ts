// Whether the compiler takes a source with a change in it: its own language service keeps every other file parsed, so that a change costs a
// fraction of a second and not a whole compilation. It looks at the changed file alone, not at those that import it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

export class MutantCompiler {
  readonly #changed = new Map<string, { readonly text: string, readonly version: number }>()
  readonly #service: ts.LanguageService
  #version = 0

  /** `folder` has a tsconfig.json whose files do not change meanwhile. */
  constructor (folder: string) {
    const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), ts.sys.readFile) as { config: unknown }
    const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, folder)
    this.#service = ts.createLanguageService({
      getCompilationSettings: () => options,
      getScriptFileNames: () => fileNames,
      getScriptVersion: path => String(this.#changed.get(path)?.version ?? 0),
      getScriptSnapshot: path => {
        if (!ts.sys.fileExists(path)) return undefined
        return ts.ScriptSnapshot.fromString(this.#changed.get(path)?.text ?? readFileSync(path, 'utf8'))
      },
      getCurrentDirectory: () => folder,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: ts.sys.fileExists,
      readFile: ts.sys.readFile,
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories
    })
  }

  /** `path` is absolute. */
  takes (path: string, text: string): boolean {
    this.#changed.set(path, { text, version: ++this.#version })
    const faults = [...this.#service.getSyntacticDiagnostics(path), ...this.#service.getSemanticDiagnostics(path)]
    this.#changed.set(path, { text: readFileSync(path, 'utf8'), version: ++this.#version })
    return faults.length === 0
  }
}
