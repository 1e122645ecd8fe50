// The program and its npm packages as they are installed: app/main.js, and the pieces that it loads when they are asked for.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const koffi = '@koromix/koffi-linux-x64'
/** Below the folder: the addon of koffi, which can't be in the program, where koffi looks for it. */
export const addonFile = join('app/node_modules', koffi, 'koffi.node')

/** How the program becomes a few files: the bundle's, and those that tests start. */
export const bundleOptions = (root: string) => ({
  absWorkingDir: root,
  // As deep below the root as src/main.ts, for the files that the program finds relative to itself; threads, which have
  // programs of their own, right beside it.
  entryPoints: [{ in: 'src/main.ts', out: 'main' }, { in: 'src/mirror/mirror-worker.ts', out: 'mirror-worker' }, { in: 'src/rendering/render-thread.ts', out: 'render-thread' }, { in: 'src/assets/image-thread.ts', out: 'image-thread' }, { in: 'src/disk/link-thread.ts', out: 'link-thread' }],
  bundle: true,
  // In one piece, `--version` would read everything: 0.18 s of CPU and 73 MB instead of 0.07 and 43.
  splitting: true,
  chunkNames: 'pieces-[hash]',
  platform: 'node',
  format: 'esm',
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  // Packages in CommonJS ask for Node's own modules by `require`, which a module does not have.
  banner: { js: "import { createRequire as makeRequire } from 'node:module'\nconst require = makeRequire(import.meta.url)" }
}) satisfies BuildOptions

/** Writes it below the folder; gives the packages that are in it, by their folders here. */
export async function bundleProgram (folder: string): Promise<readonly string[]> {
  const { outputFiles, metafile } = await build({ ...bundleOptions(root), outdir: 'app', write: false, metafile: true, target: 'node24', logLevel: 'warning' })
  mkdirSync(join(folder, 'app'), { recursive: true })
  for (const { path, contents } of outputFiles) writeFileSync(join(folder, relative(root, path)), contents)

  const addon = join(folder, addonFile)
  mkdirSync(join(addon, '..'), { recursive: true })
  copyFileSync(join(root, 'node_modules', koffi, 'linux_x64/koffi.node'), addon)
  writeFileSync(join(addon, '../package.json'), `${JSON.stringify({ name: koffi, main: 'koffi.node' })}\n`)

  const packages = new Set(Object.keys(metafile.inputs).flatMap(input => /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []))
  return [...packages, `node_modules/${koffi}`]
}
