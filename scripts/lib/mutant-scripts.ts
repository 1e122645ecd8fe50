// Test files and the sources that they run, each test file in one script that can be run many times in a process (mutant-tests.js): an
// asynchronous function of the packages it uses, its `t`, and which change is in force.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin, transform } from 'esbuild'

export interface TestScript { readonly script: string, readonly packages: readonly string[] }

/** `sources` stand in place of those on disk, by path from `root`; the script is written below `into`. undefined where it cannot be one. */
export async function testScript (
  root: string, into: string, test: string, sources: ReadonlyMap<string, string>
): Promise<TestScript | undefined> {
  const packages = new Set<string>()
  let text: string
  try {
    const { outputFiles: [file] } = await build({
      absWorkingDir: root,
      entryPoints: [test],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      plugins: [standIn(root, sources, packages)],
      logLevel: 'silent'
    })
    text = file!.text
  } catch {
    return undefined
  }
  const script = join(into, `${test.replaceAll('/', '+')}.js`)
  mkdirSync(dirname(script), { recursive: true })
  writeFileSync(script, `(async function ($packages, $tap, $mutant) {\n${text}\n})`)
  return { script, packages: [...packages] }
}

const names = new Map<string, readonly string[]>()

/** What a package exports, by asking it. */
async function namesOf (name: string): Promise<readonly string[]> {
  let known = names.get(name)
  if (known === undefined) {
    known = Object.keys(await import(name) as object).filter(each => /^[\w$]+$/.test(each))
    names.set(name, known)
  }
  return known
}

function standIn (root: string, sources: ReadonlyMap<string, string>, packages: Set<string>): Plugin {
  return {
    name: 'stand-in',
    setup ({ onLoad, onResolve }) {
      onResolve({ filter: /^[^./]/ }, ({ path, kind }) => kind === 'entry-point' ? undefined : { path, namespace: path === 'tap' ? 'tap' : 'package' })
      onLoad({ filter: /.*/, namespace: 'tap' }, () => ({ contents: 'export default $tap; export const t = $tap' }))
      onLoad({ filter: /.*/, namespace: 'package' }, async ({ path }) => {
        packages.add(path)
        const own = `$packages[${JSON.stringify(path)}]`
        const exports = (await namesOf(path)).map((name, at) => name === 'default' ? `export default ${own}.default` : `const e${at} = ${own}[${JSON.stringify(name)}]; export { e${at} as ${name} }`)
        return { contents: exports.join('\n') }
      })
      onLoad({ filter: /\.[jt]s$/, namespace: 'file' }, async ({ path }) => {
        const text = sources.get(path.slice(root.length + 1)) ?? readFileSync(path, 'utf8')
        if (!text.includes('import.meta')) return { contents: text, loader: 'ts' }
        const is = { url: pathToFileURL(path).href, dirname: dirname(path), filename: path }
        const define = Object.fromEntries(Object.entries(is).map(([name, value]) => [`import.meta.${name}`, JSON.stringify(value)]))
        const { code } = await transform(text, { loader: 'ts', target: 'node20', define })
        return { contents: code, loader: 'js' }
      })
    }
  }
}
