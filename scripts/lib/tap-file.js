// Where tap is in one file, made when it is first asked for.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The path of a script that is a function of `exports, require, module` and its own URL. */
export async function tapInOneFile () {
  const packages = new URL('../../node_modules/', import.meta.url)
  const { version } = JSON.parse(readFileSync(new URL('tap/package.json', packages), 'utf8'))
  // tap leaves its own frames out of what it says of a failure, and knows them by this path.
  const path = fileURLToPath(new URL(`../../.cache/javascript/node_modules/@tapjs/tap-${version}.cjs`, import.meta.url))
  if (existsSync(path)) return path
  const { build } = await import('esbuild')
  const { outputFiles: [made] } = await build({
    entryPoints: [fileURLToPath(new URL('tap/dist/esm/index.js', packages))],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    define: { 'import.meta.url': 'ownUrl' },
    banner: { js: '(function (exports, require, module, ownUrl) {' },
    footer: { js: '})' },
    logLevel: 'silent'
  })
  mkdirSync(new URL('../../.cache/javascript/node_modules/@tapjs/', import.meta.url), { recursive: true })
  const written = `${path}.${process.pid}`
  writeFileSync(written, made.contents)
  renameSync(written, path)
  return path
}
