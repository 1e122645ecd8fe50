// Who signed Debian's boot loaders, as scripts/boot-files fetched them; and that nothing in a file breaks the reading of it.
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createLog } from '../../src/base/log.js'
import { loadConfig } from '../../src/config/load.js'
import { diagnoseLoaders, judgeBoots, judgeLoader, judgeNext, judgeTls } from '../../src/doctor/loaders.js'
import type { Machine } from '../../src/machines/machine.js'
import { readSignedProgram } from '../../src/tls/authenticode.js'
import { openGround } from '../../src/wiring/ground.js'
import { mac } from '../helpers/dhcp.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { logLines } from '../helpers/log-lines.js'
import { makeCertificate } from '../helpers/pki.js'

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
  const [signature] = readSignedProgram(grub)!.signatures
  t.equal(signature!.authorityName.toString('latin1').split('Debian Secure Boot CA').length, 2, 'the name of who vouches for it, and nothing else')
  t.equal(signature!.authorityName[0], 0x30)
  t.match(readSignedProgram(ipxe), { signatures: [], broken: 0 })

  t.match(judgeLoader('shimx64.efi', shim, 'x64'), [{ level: 'ok', text: /takes it, whichever/ }])
  t.match(judgeLoader('shimx64.efi', shim, 'aa64'), [{ level: 'problem', text: /is for x64, and given to machines of aa64/ }, {}])
  t.match(judgeLoader('snponly.efi', ipxe), [{ level: 'note', text: /signed by nobody/ }])
  t.match(judgeLoader('grubx64.efi', grub), [{ level: 'note', text: /only where that is among its own keys/ }])
  t.match(judgeNext('grubx64.efi', grub, { name: 'shimx64.efi', content: shim }), [{ level: 'ok', text: /whom shimx64\.efi knows/ }])
  t.match(judgeNext('grubx64.efi', grub, { name: 'a/shimx64.efi', content: shim }, 'by TFTP'), [{}, { level: 'ok', text: /has no HTTP: .*is given a\/shimx64\.img/ }])
  t.match(judgeNext('grubx64.efi', grub, { name: 'shimx64.efi', content: shim }, 'nowhere'), [{}, { level: 'warning', text: /turn TFTP on, or set boot\.http_boot: false/ }])
  t.match(judgeNext('grubx64.efi', Buffer.from('GRUB'), { name: 'shimx64.efi', content: shim }), [{ level: 'problem', text: /which shimx64\.efi loads, is no program for UEFI/ }])
  t.match(judgeNext('snponly.efi', ipxe, { name: 'shimx64.efi', content: shim }), [{ level: 'problem', text: /signed by nobody, whom shimx64\.efi does not know/ }])

  const changed = Buffer.from(grub)
  changed.writeUInt8(changed.readUInt8(changed.length >> 1) ^ 1, changed.length >> 1)
  t.match(readSignedProgram(changed), { signatures: [], broken: 1 })
  t.match(judgeLoader('grubx64.efi', changed), [{ level: 'problem', text: /is not over what the file holds/ }])

  const at = 1_000_000
  const facts = { mac: mac('52:54:00:00:00:01'), architecture: 'x64 UEFI', firstSeen: 0, lastSeen: 0, boots: 1 }
  const machine = (stages: ReadonlyArray<readonly [Machine['timeline'][number]['stage'], string]>): Machine =>
    ({ ...facts, stage: stages.at(-1)![0], timeline: stages.map(([stage, detail]) => ({ stage, at: 0, detail })) })
  t.match(judgeBoots('snponly.efi', ipxe, [machine([['discover', ''], ['loader', 'snponly.efi']])], at), [{ level: 'warning', text: /52:54:00:00:00:01.* came no further.*boot\.uefi_x64: shimx64\.efi/ }])
  const forArm = Buffer.from(ipxe)
  forArm.writeUInt16LE(0xaa64, forArm.readUInt32LE(0x3c) + 4)
  t.match(judgeBoots('arm64/snponly.efi', forArm, [machine([['loader', '/boot/arm64/snponly.efi']])], at), [{ text: /boot\.uefi_arm64: shimaa64\.efi/ }])
  t.same(judgeBoots('only.efi', ipxe, [machine([['loader', 'snponly.efi']])], at), [], 'a name that ends alike')
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

/** A program of nothing but headers, and behind them the table with `entries`: each a length, a type and what is there for it. */
function program (magic: number, entries: ReadonlyArray<readonly [length: number, type: number, octets: number]> = [], { tableLonger = 0 } = {}): Buffer {
  const [pe, optional] = [0x40, 0x58]
  const header = Buffer.alloc(optional + 160)
  header.write('MZ')
  header.writeUInt32LE(pe, 0x3c)
  header.write('PE\0\0', pe)
  header.writeUInt16LE(0xaa64, pe + 4)
  header.writeUInt16LE(magic, optional)
  const table = Buffer.concat(entries.map(([length, type, octets]) => {
    const entry = Buffer.alloc(octets)
    entry.writeUInt32LE(length)
    entry.writeUInt16LE(type, 6)
    return entry
  }))
  const place = optional + (magic === 0x20b ? 112 : 96) + 32
  header.writeUInt32LE(table.length === 0 ? 0 : header.length, place)
  header.writeUInt32LE(table.length + tableLonger, place + 4)
  return Buffer.concat([header, table])
}

t.test('what is a program, to the octet', async t => {
  for (const magic of [0x10b, 0x20b]) {
    t.same(readSignedProgram(program(magic)), { processor: 'aa64', signatures: [], broken: 0 })
    t.equal(readSignedProgram(program(magic).subarray(0, -1)), undefined, 'an octet short')
    t.match(readSignedProgram(program(magic, [[16, 2, 16]])), { broken: 1 }, 'the table is found')
  }
  t.equal(readSignedProgram(program(0x107)), undefined, 'the header of a ROM')
  for (const [what, change] of [['no MZ', (file: Buffer) => file.write('ZM')], ['no PE', (file: Buffer) => file.write('NE', 0x40)], ['far away', (file: Buffer) => file.writeUInt32LE(0xffffffff, 0x3c)]] as const) {
    const file = program(0x20b)
    change(file)
    t.equal(readSignedProgram(file), undefined, what)
  }
  const strange = program(0x20b)
  strange.writeUInt16LE(0x5064, 0x44)
  t.match(readSignedProgram(strange), { processor: '0x5064' })
})

t.test('each entry of the table, up to its end', async t => {
  const broken = (...args: Parameters<typeof program> extends [number, ...infer R] ? R : never): number | undefined => readSignedProgram(program(0x20b, ...args))?.broken
  t.equal(broken([[9, 2, 16], [8, 2, 8]]), 2, 'each begins at a multiple of eight, and the last ends with the table')
  t.equal(broken([[8, 1, 8], [8, 2, 8]]), 1, 'what is no PKCS #7 is passed over')
  t.equal(broken([[8, 2, 8], [7, 2, 8], [8, 2, 8]]), 1, 'after one of no length there is nothing to go by')
  t.equal(broken([[8, 2, 8], [9, 2, 8]]), 1, 'longer than the table')
  t.equal(broken([[8, 2, 8]], { tableLonger: 1 }), 0, 'a table longer than the file is none')
})

function withOctet (file: Buffer, at: number): Buffer {
  const changed = Buffer.from(file)
  changed.writeUInt8(changed.readUInt8(at) ^ 0x55, at)
  return changed
}

t.test('HTTPS Boot: who has to be known, and that something listens', async t => {
  const { config } = loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: ['http.https.address=0.0.0.0:8443', 'http.https.cert_file=/c/server.crt', 'http.https.key_file=/c/server.key'] })
  t.match(judgeTls('https://10.0.0.2:8443/boot/snponly.efi', config), [{ level: 'note', text: /knows who signed \/c\/server\.crt/ }])
  t.match(judgeTls('https://10.0.0.2/boot/snponly.efi', config), [{ level: 'problem', text: /port 443 with TLS, http\.https\.address has port 8443: name that port/ }])
  t.same(judgeTls('snponly.efi', config), [])

  const certificate = new X509Certificate(makeCertificate(undefined, { names: [{ dns: 'boot.example' }, { ip: '10.0.0.3' }] }).cert)
  t.match(judgeTls('https://10.0.0.2:8443/boot/snponly.efi', config, certificate), [{ level: 'problem', text: /is not for 10\.0\.0\.2 \(but for boot\.example, 10\.0\.0\.3\).*certs init --san IP:10\.0\.0\.2/ }])
  for (const host of ['boot.example', '10.0.0.3']) t.match(judgeTls(`https://${host}:8443/boot/snponly.efi`, config, certificate), [{ level: 'note' }])
  t.match(judgeTls('https://other.example:8443/boot/snponly.efi', config, certificate), [{ level: 'problem', text: /--san DNS:other\.example/ }])
})

t.test('what a configuration and groups name is looked at: names, URLs of ours, images, what shims load', async t => {
  const folder = t.testdir({
    data: { groups: { 'a.json': JSON.stringify({ id: 'a', profile: 'p', selector: { mac: '52:54:00:00:00:01' }, metadata: { boot_file: 'own/shimx64.efi' } }) }, profiles: {} },
    tftp: { 'by-url.efi': 'MZ', own: { 'shimx64.efi': 'MZ', 'grubx64.efi': 'no MZ' }, image: { 'shimaa64.efi': 'MZ' }, 'elsewhere.efi': 'MZ', 'other.0': 'MZ' }
  })
  const overrides = ['http://127.0.0.1:8080/boot/by%2Durl.efi', 'http://127.0.0.1:8080/boot/image/shimaa64.img', 'http://192.0.2.1/boot/elsewhere.efi', 'http://127.0.0.1/boot/%ff', 'other.0']
  const loaded = loadConfig({
    file: undefined,
    env: {},
    set: [
      `data_path=${folder}/data`, `state_path=${folder}`, `tftp.root=${folder}/tftp`, 'assets_path=', 'http.address=127.0.0.1:8080',
      `boot.overrides=${JSON.stringify(overrides.map((file, index) => ({ arch: index, file })))}`
    ]
  })
  const { stream } = logLines()
  const log = createLog({ level: 'info', pretty: false, destination: stream })
  const ground = await openGround(loaded, { log, clock: new FakeClock(), passphrase: '', env: {}, live: false, onProblem: error => { throw error } })
  t.teardown(ground.close)
  const said = (await diagnoseLoaders(ground)).map(({ text }) => text).filter(text => text.includes('no program'))
  t.same(said.sort(), [
    'by-url.efi is no program for UEFI', 'image/shimaa64.efi is no program for UEFI', 'own/shimx64.efi is no program for UEFI',
    'own/grubx64.efi, which own/shimx64.efi loads, is no program for UEFI: take both from one distribution (scripts/boot-files)'
  ].sort())
})
