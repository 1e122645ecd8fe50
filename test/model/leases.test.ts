// The lease protocol's model, searched whole by spin: what is promised holds, and with too short a grace it would not, so the search
// can find what it looks for.
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { shortFolder } from '../helpers/short-folder.js'
import { needs, runTool } from '../helpers/tools.js'

const model = fileURLToPath(new URL('leases.pml', import.meta.url))

interface Searched { readonly errors: number, readonly states: number, readonly complete: boolean, readonly said: string }

async function search (t: Test, ...defines: readonly string[]): Promise<Searched> {
  const cwd = shortFolder(t)
  copyFileSync(model, join(cwd, 'leases.pml'))
  const made = await runTool('spin', [...defines, '-a', 'leases.pml'], { cwd })
  t.equal(made.code, 0, `${made.stdout.toString()}${made.stderr}`)
  const compiled = await runTool('gcc', ['-O2', '-DSAFETY', '-DCOLLAPSE', '-o', 'pan', 'pan.c'], { cwd })
  t.equal(compiled.code, 0, compiled.stderr)
  const said = (await runTool(join(cwd, 'pan'), ['-m2000000'], { cwd })).stdout.toString()
  t.equal(existsSync(join(cwd, 'leases.pml.trail')), /errors: [1-9]/.test(said))
  return {
    errors: Number(/errors: (\d+)/.exec(said)?.[1]),
    states: Number(/(\d+) states, stored/.exec(said)?.[1]),
    complete: !/Search not completed|max search depth too small/.test(said),
    said
  }
}

t.test('no address bound twice, no acknowledged lease forgotten, a holder never told no', async t => {
  if (!needs(t, 'spin', 'gcc')) return
  const { errors, states, complete, said } = await search(t)
  t.equal(errors, 0, { said })
  t.ok(complete, { said })
  t.ok(states > 1_000_000, `${states} states`)
  t.notMatch(said, /leases\.pml:\d+, state \d+, "(?!-end-)/, 'every line of the model is reached')
})

t.test('with a grace as short as what is promised without etcd, two machines have the address', async t => {
  if (!needs(t, 'spin', 'gcc')) return
  const { errors, said } = await search(t, '-DGRACE=1')
  t.equal(errors, 1, { said })
  t.match(said, /assertion violated/)
})
