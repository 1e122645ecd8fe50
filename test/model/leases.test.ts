// The lease protocol's models, searched whole by spin: what is promised holds, and with too short a grace or a key that is not compared it would
// not, so the searches can find what they look for.
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { shortFolder } from '../helpers/short-folder.js'
import { needs, runTool } from '../helpers/tools.js'

type Model = 'leases' | 'bindings'

interface Searched { readonly errors: number, readonly states: number, readonly complete: boolean, readonly said: string }

/** `whole`: to the last of some million states, for which it pays to compile with more care than for a few thousand. */
async function search (t: Test, model: Model, { whole = false, defines = [] }: { readonly whole?: boolean, readonly defines?: readonly string[] }): Promise<Searched> {
  const cwd = shortFolder(t)
  copyFileSync(fileURLToPath(new URL(`${model}.pml`, import.meta.url)), join(cwd, `${model}.pml`))
  const made = await runTool('spin', [...defines, '-a', `${model}.pml`], { cwd })
  t.equal(made.code, 0, `${made.stdout.toString()}${made.stderr}`)
  const compiled = await runTool('gcc', [whole ? '-O1' : '-O0', '-DSAFETY', '-o', 'pan', 'pan.c'], { cwd })
  t.equal(compiled.code, 0, compiled.stderr)
  const said = (await runTool(join(cwd, 'pan'), ['-m3000000'], { cwd })).stdout.toString()
  t.equal(existsSync(join(cwd, `${model}.pml.trail`)), /errors: [1-9]/.test(said))
  return {
    errors: Number(/errors: (\d+)/.exec(said)?.[1]),
    states: Number(/(\d+) states, stored/.exec(said)?.[1]),
    complete: !/Search not completed|max search depth too small/.test(said),
    said
  }
}

t.test('no address bound twice, no acknowledged lease forgotten, a holder never told no', async t => {
  if (!needs(t, 'spin', 'gcc')) return
  const { errors, states, complete, said } = await search(t, 'leases', { whole: true })
  t.equal(errors, 0, { said })
  t.ok(complete, { said })
  t.ok(states > 1_000_000, `${states} states`)
  t.notMatch(said, /leases\.pml:\d+, state \d+, "(?!-end-)/, 'every line of the model is reached')
})

t.test('with a grace as short as what is promised without etcd, two machines have the address', async t => {
  if (!needs(t, 'spin', 'gcc')) return
  const { errors, said } = await search(t, 'leases', { defines: ['-DGRACE=1'] })
  t.equal(errors, 1, { said })
  t.match(said, /assertion violated/)
})

t.test('a machine is never bound to two addresses of a subnet', async t => {
  if (!needs(t, 'spin', 'gcc')) return
  const { errors, states, complete, said } = await search(t, 'bindings', { whole: true })
  t.equal(errors, 0, { said })
  t.ok(complete, { said })
  t.ok(states > 500_000, `${states} states`)
})

for (const [name, define] of [['is not compared', '-DNO_KEY'], ['is not written again when its offer becomes a lease', '-DREWRITTEN=false']] as const) {
  t.test(`a machine whose key ${name} has two`, async t => {
    if (!needs(t, 'spin', 'gcc')) return
    const { errors, said } = await search(t, 'bindings', { defines: [define] })
    t.equal(errors, 1, { said })
    t.match(said, /assertion violated/)
  })
}
