import t from 'tap'
import { decimalMode } from '../../../src/ignition/butane/modes.js'

t.test('modes that were meant in octal', t => {
  for (const mode of [644n, 755n, 600n, 400n, 640n, 4755n]) t.equal(decimalMode(mode, false), true, `file ${mode}`)
  for (const mode of [755n, 700n, 1777n, 2775n]) t.equal(decimalMode(mode, true), true, `directory ${mode}`)
  t.end()
})

t.test('modes that are as they should be, or odd either way', t => {
  for (const mode of [0o644n, 0o755n, 0o600n, 0o4755n, 0n, 420n, 493n, -1n, 9999n, 8n, 7n, 123n]) t.equal(decimalMode(mode, false), false, `file ${mode}`)
  for (const mode of [0o755n, 0o1777n, 0o2775n, 0n, 644n]) t.equal(decimalMode(mode, true), false, `directory ${mode}`)
  t.end()
})
