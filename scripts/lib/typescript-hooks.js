// Module hooks (https://nodejs.org/docs/latest-v20.x/api/module.html#hooks) for this project's own TypeScript: `./x.js` means
// x.ts where there is no x.js, and what is loaded is its JavaScript, kept in .cache/javascript for as long as the source stays.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../.cache/javascript', import.meta.url))

/** @type {string | undefined} */
let tap

/** @param {{ tap?: string }} data */
export function initialize (data) { tap = data?.tap }

/** @type {import('node:module').ResolveHook} */
export async function resolve (specifier, context, next) {
  if (specifier === 'tap' && tap !== undefined) return { url: tap, format: 'module', shortCircuit: true }
  if (!/^(?:\.{1,2}\/|file:).*\.js$/.test(specifier)) return await next(specifier, context)
  const url = new URL(specifier, context.parentURL)
  const source = new URL(url.href.replace(/\.js$/, '.ts'))
  return existsSync(url) || !existsSync(source) ? await next(specifier, context) : { url: source.href, format: 'module', shortCircuit: true }
}

/** @type {import('node:module').LoadHook} */
export async function load (url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return await next(url, context)
  const path = fileURLToPath(url)
  return { format: 'module', shortCircuit: true, source: await javascriptOf(path, readFileSync(path, 'utf8')) }
}

/** @param {string} path @param {string} source */
async function javascriptOf (path, source) {
  const kept = join(folder, `${hash(path)}.js`)
  const mark = `\n// of ${hash(source)}\n`
  try {
    const code = readFileSync(kept, 'utf8')
    if (code.endsWith(mark)) return code
  } catch { /* not there yet */ }
  // Started for the first look at a file only: it takes as long as a short test.
  const { transform } = await import('esbuild')
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node20', sourcefile: path, sourcemap: 'inline', sourcesContent: false })
  try {
    mkdirSync(folder, { recursive: true })
    const written = `${kept}.${process.pid}`
    writeFileSync(written, code + mark)
    renameSync(written, kept)
  } catch { /* where nothing can be kept, it is made again */ }
  return code
}

/** @param {string} text */
const hash = text => createHash('sha256').update(text).digest('hex').slice(0, 32)
