// Where CPU time goes: profiles for the browser's developer tools (Performance, Load profile) and speedscope, of the bench itself and of
// the program that it starts.
import { mkdirSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'

const variable = 'BENCH_PROFILE'
let written = 0

/** Runs a bench whose profiles go into the folder. */
export async function withProfile (folder: string, run: () => Promise<void>): Promise<void> {
  mkdirSync(folder, { recursive: true })
  process.env[variable] = folder
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  try {
    await run()
  } finally {
    const { profile } = await session.post('Profiler.stop')
    writeFileSync(join(folder, 'bench.cpuprofile'), JSON.stringify(profile))
    console.log(`profiles are in ${folder}`)
  }
}

/**
 * Arguments of Node's for a program that is measured: it writes its profile when it ends by itself, or by a SIGTERM. Each of its
 * threads writes one, into a folder of the program's.
 */
export function profiled (name: string): readonly string[] {
  const folder = process.env[variable]
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(folder, `${name}-${++written}`)}`]
}
