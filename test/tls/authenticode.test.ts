// Who signed Debian's boot loaders, as scripts/boot-files fetched them; and that nothing in a file breaks the reading of it.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { judgeBoots, judgeLoader, judgeNext, judgeTls } from '../../src/doctor/loaders.js'
import type { Machine } from '../../src/machines/machine.js'
import { readSignedProgram } from '../../src/tls/authenticode.js'
import { mac } from '../helpers/dhcp.js'

const path = (name: string): string => fileURLToPath(new URL(`../../assets/boot/${name}`, import.meta.url))
const names = ['shimx64.efi', 'grubx64.efi', 'snponly.efi']
const missing = names.filter(name => !existsSync(path(name)))
if (missing.length > 0 && process.env['CI'] !== undefined) throw new Error(`scripts/boot-files did not fetch ${missing.join(', ')}`)
const skip = missing.length > 0 && `scripts/boot-files fetches ${missing.join(', ')}`

t.test('Debian\'s shim, GRUB and iPXE', { skip }, async t => {
  const [shim, grub, ipxe] = names.map(name => readFileSync(path(name))) as [Buffer, Buffer, Buffer]
  t.match(readSignedProgram(shim), {
    processor: 'x64',
    broken: 0,
    signatures: [{ signer: 'Microsoft Windows UEFI Driver Publisher', authority: 'Microsoft Corporation UEFI CA 2011' }, { authority: 'Microsoft UEFI CA 2023' }]
  })
  t.match(readSignedProgram(grub), { signatures: [{ signer: /^Debian Secure Boot Signer \d+ - grub2$/, authority: 'Debian Secure Boot CA' }] })
  t.match(readSignedProgram(ipxe), { signatures: [], broken: 0 })

  t.match(judgeLoader('shimx64.efi', shim, 'x64'), [{ level: 'ok', text: /takes it, whichever/ }])
  t.match(judgeLoader('shimx64.efi', shim, 'aa64'), [{ level: 'problem', text: /is for x64, and given to machines of aa64/ }, {}])
  t.match(judgeLoader('snponly.efi', ipxe), [{ level: 'note', text: /signed by nobody/ }])
  t.match(judgeLoader('grubx64.efi', grub), [{ level: 'note', text: /only where that is among its own keys/ }])
  t.match(judgeNext('grubx64.efi', grub, { name: 'shimx64.efi', content: shim }), [{ level: 'ok', text: /whom shimx64\.efi knows/ }, { level: 'note', text: /has no HTTP/ }])
  t.match(judgeNext('snponly.efi', ipxe, { name: 'shimx64.efi', content: shim }), [{ level: 'problem', text: /signed by nobody, whom shimx64\.efi does not know/ }])

  const changed = Buffer.from(grub)
  changed.writeUInt8(changed.readUInt8(changed.length >> 1) ^ 1, changed.length >> 1)
  t.match(readSignedProgram(changed), { signatures: [], broken: 1 })
  t.match(judgeLoader('grubx64.efi', changed), [{ level: 'problem', text: /is not over what the file holds/ }])

  const at = 1_000_000
  const facts = { mac: mac('52:54:00:00:00:01'), architecture: 'x64 UEFI', firstSeen: 0, lastSeen: 0, boots: 1 }
  const machine = (stages: ReadonlyArray<readonly [Machine['timeline'][number]['stage'], string]>): Machine =>
    ({ ...facts, stage: stages.at(-1)![0], timeline: stages.map(([stage, detail]) => ({ stage, at: 0, detail })) })
  t.match(judgeBoots('snponly.efi', ipxe, [machine([['discover', ''], ['loader', 'snponly.efi']])], at), [{ level: 'warning', text: /52:54:00:00:00:01.* came no further/ }])
  t.same(judgeBoots('snponly.efi', ipxe, [machine([['loader', 'snponly.efi'], ['script', '/ipxe']])], at), [])
  t.same(judgeBoots('snponly.efi', ipxe, [machine([['loader', 'snponly.efi']])], 30_000), [], 'half a minute is none')
  t.match(judgeBoots('shimx64.efi', shim, [machine([['script', '/ipxe'], ['loader', 'shimx64.efi'], ['script', 'grub/grub.cfg']])], at), [{ level: 'note', text: /romfile=/ }])
  t.same(judgeBoots('shimx64.efi', shim, [machine([['loader', 'shimx64.efi'], ['script', 'grub/grub.cfg']])], at), [])
})

t.test('whatever stands in a file, it is read to an end', { skip }, async t => {
  const shim = readFileSync(path('shimx64.efi'))
  const pe = shim.readUInt32LE(0x3c)
  const ends = [0, 1, 0x3f, 0x40, pe, pe + 4, pe + 24, pe + 160, pe + 184, 4096, shim.length - 9000, shim.length - 100, shim.length - 1]
  for (const end of ends) readSignedProgram(shim.subarray(0, end))
  const start = shim.readUInt32LE(pe + 24 + 112 + 32)
  for (let at = 0; at < pe + 300; at += 5) readSignedProgram(withOctet(shim, at))
  for (let at = start; at < start + 3000; at += 61) t.ok(readSignedProgram(withOctet(shim, at))!.signatures.length <= 2)
  for (let at = pe + 300; at < start; at += Math.ceil(start / 20)) t.match(readSignedProgram(withOctet(shim, at)), { signatures: [], broken: 2 }, `octet ${at} is signed`)
  for (const length of [1, 7, 8, 0xffff, 0xffffffff]) {
    const changed = Buffer.from(shim)
    changed.writeUInt32LE(length, start)
    t.ok(readSignedProgram(changed)!.signatures.length <= 2, `a signature of ${length} octets`)
  }
})

function withOctet (file: Buffer, at: number): Buffer {
  const changed = Buffer.from(file)
  changed.writeUInt8(changed.readUInt8(at) ^ 0x55, at)
  return changed
}

t.test('HTTPS Boot: who has to be known, and that something listens', async t => {
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['http.https.address=0.0.0.0:8443', 'http.https.cert_file=/c/server.crt', 'http.https.key_file=/c/server.key'] })
  t.match(judgeTls('https://10.0.0.2:8443/boot/snponly.efi', config), [{ level: 'note', text: /knows who signed \/c\/server\.crt/ }])
  t.match(judgeTls('https://10.0.0.2/boot/snponly.efi', config), [{ level: 'problem', text: /port 443 with TLS: http\.https\.address is port 8443/ }])
  t.same(judgeTls('snponly.efi', config), [])
})
