// tap as tests import it, from one file, with what V8 made of it the last time (`cachedData` of https://nodejs.org/api/vm.html).
// It is two hundred modules, which take 0.2 s of CPU for each test file; in one file they take 0.07, and compiled before 0.03.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { constants, Script } from 'node:vm'
import { tapInOneFile } from './tap-file.js'

const path = await tapInOneFile()
/** Another V8 refuses it, and compiles. */
const kept = `${path}.${process.version}`

let cachedData
try { cachedData = readFileSync(kept) } catch { /* the first to ask */ }
const script = new Script(readFileSync(path, 'utf8'), { filename: path, cachedData, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER })
const module = { exports: {} }
script.runInThisContext()(module.exports, createRequire(path), module, pathToFileURL(path).href)
if (cachedData === undefined) process.on('exit', keep)

export const t = module.exports.t
export default t

/** With the functions that were called until now. */
function keep () {
  try {
    const written = `${kept}.${process.pid}`
    writeFileSync(written, script.createCachedData())
    renameSync(written, kept)
  } catch { /* where nothing can be kept, it is compiled again */ }
}
