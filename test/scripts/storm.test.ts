// The storm of scripts/bench: what its machines hold servers to, and ten of them through a whole appliance in namespaces of their own.
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { Invariants } from '../../scripts/bench/storm/invariants.js'
import { namespaceProblem } from '../helpers/netns.js'
import { surroundings } from '../helpers/program.js'

t.test('an address belongs to one machine at a time, and its holder is not refused it', t => {
  const seen = new Invariants()
  const [one, other] = ['52:54:00:00:00:01', '52:54:00:00:00:02']
  seen.see({ kind: 'ACK', mac: one, ip: '10.0.0.1', at: 0, lease: 1000 })
  seen.see({ kind: 'ACK', mac: one, ip: '10.0.0.1', at: 500, lease: 1000 })
  seen.see({ kind: 'NAK', mac: other, ip: '10.0.0.1', at: 600 })
  seen.see({ kind: 'ACK', mac: other, ip: '10.0.0.1', at: 1500, lease: 1000 })
  seen.release(other, '10.0.0.1')
  seen.see({ kind: 'NAK', mac: other, ip: '10.0.0.1', at: 1501 })
  t.same(seen.broken, [])
  seen.see({ kind: 'ACK', mac: one, ip: '10.0.0.1', at: 1600, lease: 1000 })
  seen.see({ kind: 'ACK', mac: other, ip: '10.0.0.1', at: 1700, lease: 1000 })
  t.same(seen.broken, ['10.0.0.1 was given to 52:54:00:00:00:02 while 52:54:00:00:00:01 holds it'])
  seen.see({ kind: 'NAK', mac: other, ip: '10.0.0.1', at: 1800 })
  t.same(seen.broken.slice(1), ['52:54:00:00:00:02, which holds 10.0.0.1, was refused it'])
  t.end()
})

const problem = namespaceProblem()
t.test('ten machines arrive, each with its own config', { skip: problem ?? false }, t => {
  const args = ['--import=./scripts/lib/typescript.js', 'scripts/bench.ts', 'storm', '--machines', '10', '--rewrite', '20', '--loss', '2', '--no-peers', '--json']
  const said = execFileSync('env', ['-u', 'NODE_OPTIONS', process.execPath, ...args], { encoding: 'utf8', env: surroundings() })
  const result = JSON.parse(said.trim().split('\n').at(-1)!) as { readonly broken: readonly string[], readonly rewritten: number, readonly serverMemory: number }
  t.match(result, { machines: 10, arrived: 10, failures: {}, broken: [] })
  t.ok(result.rewritten > 0 && result.serverMemory > 0)
  t.end()
})
