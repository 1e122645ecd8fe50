// Sizes in sectors.
import t from 'tap'
import { readSectors } from '../../../src/ignition/clc/partition-size.js'

t.test('sizes', t => {
  const cases: ReadonlyArray<readonly [text: string, result: bigint | string]> = [
    ['', 0n],
    ['0', 0n],
    ['0B', 0n],
    ['1MiB', 2048n],
    ['1MB', 2048n],
    ['513B', 2n],
    ['1.5KiB', 3n],
    ['.5KiB', 1n],
    ['1GiB512MiB', 3145728n],
    ['+5MiB', 10240n],
    ['7EiB', 7n << 51n],
    ['-5MiB', 'invalid dimension (negative): "-5MiB"'],
    ['8EiB', 'invalid dimension (negative): "8EiB"'],
    ['2048', 'units: unknown unit  in 2048'],
    ['10G', 'units: unknown unit G in 10G'],
    ['10gib', 'units: unknown unit gib in 10gib'],
    ['GiB', 'units: invalid GiB'],
    ['.GiB', 'units: invalid .GiB'],
    ['-', 'units: invalid -'],
    ['9000EiB', 'units: unknown unit EiB in 9000EiB'],
    ['9000EB', 'units: overflow parsing unit'],
    ['99999999999999999999B', 'units: invalid 99999999999999999999B']
  ]
  for (const [text, result] of cases) {
    t.same(readSectors(text), typeof result === 'bigint' ? { ok: true, sectors: result } : { ok: false, problem: result }, text)
  }
  t.end()
})
