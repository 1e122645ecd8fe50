import { readFileSync } from 'node:fs'
import t from 'tap'
import { type Elf, readElf, unresolved } from '../../scripts/lib/elf.js'
import { needs, runTool } from '../helpers/tools.js'

const node = process.execPath

t.test('a program: what it needs is what readelf says', async t => {
  if (!needs(t, 'readelf')) return
  const elf = readElf(readFileSync(node))
  const dynamic = (await runTool('readelf', ['-d', node])).stdout.toString()
  t.same(elf.needed, [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name))
  const said = (await runTool('readelf', ['-V', '-W', node])).stdout.toString().split('.gnu.version_r')[1] ?? ''
  t.same([...elf.versionsNeeded.values()].flat(), [...said.matchAll(/Name: (\S+) {2}Flags/g)].map(([, name]) => name))
  t.match(elf, { soname: '', versionsDefined: [], interpreter: /ld-linux/, kernel: /^\d+\.\d+\.\d+$/ })
})

t.test('a library: what it defines is what readelf says', async t => {
  if (!needs(t, 'readelf', 'ldd')) return
  const path = /libc\.so\.6 => (\S+)/.exec((await runTool('ldd', [node])).stdout.toString())?.[1] ?? ''
  const elf = readElf(readFileSync(path))
  const said = (await runTool('readelf', ['-V', '-W', path])).stdout.toString().split('.gnu.version_d')[1]?.split('.gnu.version_r')[0] ?? ''
  const defined = [...said.matchAll(/Flags: (?!BASE)\S+ .*Name: (\S+)/g)].map(([, name]) => name)
  t.ok(defined.includes('GLIBC_2.17'))
  t.same(elf.versionsDefined, defined)
  t.equal(elf.soname, 'libc.so.6')
})

t.test('what is no ELF file is refused', async t => {
  t.throws(() => readElf(Buffer.from('#!/bin/sh\n')), { message: 'not an ELF file' })
  const small = Buffer.alloc(64)
  small.write('\x7fELF\x01\x01', 'latin1')
  t.throws(() => readElf(small), { message: /64 bits/ })
  t.throws(() => readElf(readFileSync(node).subarray(0, 100)), RangeError, 'one that ends early')
})

t.test('what is missing among files is told, libraries and versions', async t => {
  const elf = (parts: Partial<Elf>): Elf => ({ soname: '', needed: [], versionsNeeded: new Map(), versionsDefined: [], interpreter: undefined, kernel: undefined, ...parts })
  const program = elf({ needed: ['libc.so.6', 'libm.so.6'], versionsNeeded: new Map([['libc.so.6', ['GLIBC_2.17', 'GLIBC_2.28']]]) })
  const libc = elf({ soname: 'libc.so.6', versionsDefined: ['GLIBC_2.17'] })
  t.same(unresolved(new Map([['node', program], ['lib/libc.so.6', libc]])), ['node needs libm.so.6', 'node needs GLIBC_2.28 of libc.so.6'])
  t.same(unresolved(new Map([['lib/libc.so.6', libc]])), [])
})
