// The test files of a run and the sources that they test, made into JavaScript at once. File by file, each source goes through the hooks
// of typescript-hooks.js, a thread that is asked twice for each: of what a short test file takes, a third. What several files share is in
// pieces of its own, so that each is read once by a test file, and is one module to it.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin, transform } from 'esbuild'

export interface BundledTests {
  /** What Node runs in place of a test file. */
  pathOf (file: string): string
  remove (): void
}

/** The same to a test file as to the runner's own hooks on it (typescript.js). */
const tap = fileURLToPath(new URL('./tap.js', import.meta.url))

/** Fewer are over before they are bundled. */
const worthIt = 12

/** Packages of many small files, which come with the tests; all others are loaded as anybody loads them. */
const packed = new Set(['fastify', 'yaml', 'node-forge', '@grpc/grpc-js', '@grpc/proto-loader', 'pino', 'prom-client'])

/** undefined where they run from their sources: they are few, or something in them can't be read, which then the file itself tells. */
export async function bundleTests (files: readonly string[], root: string, least = worthIt): Promise<BundledTests | undefined> {
  if (files.length < least) return undefined
  const folder = join(root, '.cache/tests')
  removeAbandoned(folder)
  const own = join(folder, String(process.pid))
  const remove = (): void => { rmSync(own, { recursive: true, force: true }) }
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [...files],
      outdir: own,
      outbase: root,
      bundle: true,
      splitting: true,
      chunkNames: 'pieces/[hash]',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'linked',
      sourcesContent: false,
      plugins: [asFromSource],
      // Packages in CommonJS ask for Node's own modules by `require`, which a module does not have.
      banner: { js: "import { createRequire as makeRequire } from 'node:module'\nconst require = makeRequire(import.meta.url)" },
      logLevel: 'silent'
    })
  } catch (error) {
    remove()
    console.error(`not bundled, which only takes longer: ${error instanceof Error ? error.message.split('\n', 2).join(' ') : String(error)}`)
    return undefined
  }
  return { pathOf: file => join(own, file.replace(/\.ts$/, '.js')), remove }
}

/** Sources find what lies beside them as if they still stood there. */
const asFromSource: Plugin = {
  name: 'as-from-source',
  setup ({ onLoad, onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      if (path === 'tap') return { path: tap, external: true }
      return kind === 'entry-point' || importer.includes('/node_modules/') || packed.has(path) ? undefined : { path, external: true }
    })
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (path.includes('/node_modules/') || !text.includes('import.meta')) return undefined
      const is = { url: pathToFileURL(path).href, dirname: dirname(path), filename: path }
      const define = Object.fromEntries(Object.entries(is).map(([name, value]) => [`import.meta.${name}`, JSON.stringify(value)]))
      const { code } = await transform(text, { loader: 'ts', target: 'node20', define, sourcefile: path, sourcemap: 'inline', sourcesContent: false })
      return { contents: code, loader: 'js' }
    })
  }
}

/** What tap says of places, without those in what was made: it gives both, one behind the other. */
export function inSources (output: string): string {
  return output
    .replace(/^ *generated:\n(?: +(?:fileName|lineNumber|columnNumber): .*\n)+/gm, '')
    .replace(/\(\.cache\/tests\/\d+\/\S+:\d+:\d+\)\s+(?=\(\S+:\d+:\d+\))/g, '')
    .replace(/\.cache\/tests\/\d+\/\S+:\d+:\d+\s+\((\S+:\d+:\d+)\)/g, '$1')
}

/** Of runs that were killed. */
function removeAbandoned (folder: string): void {
  let names: readonly string[] = []
  try { names = readdirSync(folder) } catch { /* the first run */ }
  for (const name of names) {
    try {
      process.kill(Number(name), 0)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') rmSync(join(folder, name), { recursive: true, force: true })
    }
  }
}
