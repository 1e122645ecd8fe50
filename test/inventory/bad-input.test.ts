// What people hand over in place of a good list: cut off, in another encoding, with other line ends, another format, endless. Each is
// read as what it is, or refused with its place.
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { AppError } from '../../src/base/errors.js'
import { readFiles } from '../../src/inventory/read-files.js'
import { type ListFormat, readers } from '../../src/inventory/recognise.js'
import { decodeText } from '../../src/inventory/source-text.js'
import { formats, mac, sample } from '../helpers/list-samples.js'
import { listOf, shownHost } from '../helpers/lists.js'
import { shortFolder } from '../helpers/short-folder.js'

const hostsOf = (text: string | Uint8Array, format?: ListFormat): string[] => listOf(text, format).hosts.map(shownHost)

/** undefined when it is read; else what is said, which has to be a line with a place. */
function refusal (bytes: Uint8Array, format?: ListFormat): string | undefined {
  try {
    listOf(bytes, format)
    return undefined
  } catch (error) {
    if (error instanceof AppError && error.code === 'list_invalid' && /^list:\d+:\d+: [^\n]+$/.test(error.message)) return error.message
    throw error
  }
}

for (const format of formats) {
  t.test(format, t => {
    const text = sample(format, 3)
    const hosts = hostsOf(text)
    t.ok(hosts.length > 0, 'recognised by its content')
    t.same(hostsOf(text.replaceAll('\n', '\r\n')), hosts, 'CRLF')
    t.same(hostsOf(text.replaceAll('\n', '\r')), hosts, 'CR')
    t.same(hostsOf(`\ufeff${text}`), hosts, 'a byte order mark')
    t.same(hostsOf(text.trimEnd()), hosts, 'no new line at the end')
    if (format !== 'csv') t.same(hostsOf(text.replaceAll('  ', '\t ')), hosts, 'tabs')
    t.match(refusal(Buffer.from(text, 'utf16le'), format), /^list:1:/, 'UTF-16 without a mark')
    t.match(refusal(Buffer.from(`\ufeff${text}`, 'utf16le')), /^list:1:1: the file is UTF-16/)
    const bytes = Buffer.from(text)
    for (let end = 0; end < bytes.length; end++) refusal(bytes.subarray(0, end), format)
    const taken: string[] = []
    for (let at = 0; at < bytes.length; at++) {
      for (const odd of [0xe9, 0x00, 0x22, 0x7b, 0x0a]) {
        const broken = Buffer.from(bytes)
        broken[at] = odd
        const said = refusal(broken, format)
        if ((odd === 0xe9 || odd === 0x00) && said === undefined && bytes[at] !== odd) taken.push(`byte ${at} as ${odd}`)
      }
    }
    t.same(taken, [], 'bytes that are no text')
    t.not(refusal(Buffer.from('machines:\n  - mac: "02:00:00:00:00:01"\n    ip: 10.0.0.1\n'), format), undefined, 'YAML')
    t.not(refusal(Buffer.from('<?xml version="1.0"?>\n<network><host mac="02:00:00:00:00:01"/></network>\n'), format), undefined, 'XML')
    t.end()
  })
}

const folder = fileURLToPath(new URL('../fixtures/lists/broken', import.meta.url))

t.test('a folder of broken files of each format: what each says', t => {
  for (const name of formats) {
    for (const file of readdirSync(join(folder, name)).filter(file => extname(file) !== '.said').sort()) {
      const said = readFileSync(join(folder, name, `${file}.said`), 'utf8').trimEnd()
      t.throws(() => { readers[name](decodeText(basename(file), readFileSync(join(folder, name, file)))) }, { code: 'list_invalid', message: said }, `${name}/${file}`)
    }
  }
  t.end()
})

t.test('files that include one another', async t => {
  const here = shortFolder(t)
  const put = (name: string, text: string): string => {
    writeFileSync(join(here, name), text)
    return join(here, name)
  }
  const read = (file: string) => readFiles([file], undefined, () => Promise.reject(new Error('nobody asked')))
  // Each file includes the next one ten times: ten files would be ten thousand million.
  for (let i = 0; i < 10; i++) put(`laugh${i}.conf`, `# VMNET DHCP\nhost w${i} { hardware ethernet ${mac(i)}; }\n${`include "laugh${i + 1}.conf";\n`.repeat(10)}`)
  put('laugh10.conf', `host w10 { hardware ethernet ${mac(10)}; }\n`)
  t.equal((await read(join(here, 'laugh0.conf'))).files.length, 11, 'each is read once')

  for (let i = 0; i < 40; i++) put(`deep${i}.conf`, `include "deep${i + 1}.conf";\n`)
  put('deep40.conf', '')
  await t.rejects(read(put('deep.conf', '# VMNET DHCP\ninclude "deep0.conf";\n')), /deep31\.conf:1:1: more than 32 files include one another$/)
  await t.rejects(read(put('self.conf', `dhcp-host=${mac(1)},10.0.0.1\nconf-file=${here}/./self.conf\n`)), /self\.conf:2:11: \S+self\.conf includes itself$/)
  symlinkSync('again.conf', join(here, 'other.conf'))
  await t.rejects(read(put('again.conf', `dhcp-host=${mac(1)},10.0.0.1\n dhcp-hostsfile=other.conf\n`)), /again\.conf:2:17: \S+other\.conf includes itself$/, 'by another name')
  await t.rejects(read(put('zero.conf', '# VMNET DHCP\ninclude "/dev/zero";\n')), /zero\.conf:2:1: \/dev\/zero cannot be read: it is no plain file$/)
  mkdirSync(join(here, 'folder'))
  await t.rejects(read(put('folder.conf', '# VMNET DHCP\ninclude "folder";\n')), /folder\.conf:2:1: folder cannot be read|it is no plain file$/)
  put('part.json', '[ { "hw-address": "nonsense" } ]')
  await t.rejects(read(put('kea.json', '{ "Dhcp4": { "reservations": <?include "part.json"?> } }')), /part\.json:1:19: "nonsense" is no MAC address/)
})

t.test("Mayu's folder of machines, where a machine's own folder may hold anything", async t => {
  const here = shortFolder(t)
  const put = (...machines: ReadonlyArray<readonly [folder: string, macOf: string]>): void => {
    for (const [folder, address] of machines) {
      mkdirSync(join(here, folder), { recursive: true })
      writeFileSync(join(here, folder, 'conf.json'), JSON.stringify({ MacAddresses: [address], InternalAddr: '10.0.0.7' }))
    }
  }
  const read = () => readFiles([here], undefined, () => Promise.reject(new Error('nobody asked')))
  mkdirSync(join(here, 'cluster/empty'), { recursive: true })
  mkdirSync(join(here, 'cluster/odd/conf.json'), { recursive: true })
  writeFileSync(join(here, 'cluster/cluster.json'), '{}')
  await t.rejects(read(), { code: 'read_failed', message: `${here} is a folder without Mayu's cluster/*/conf.json: name the files` })
  put(['cluster/two', mac(2)], ['cluster/one', mac(1)], ['beside', mac(3)])
  const { files } = await read()
  t.same(files, ['one', 'two'].map(name => join(here, 'cluster', name, 'conf.json')), 'by name; what is no machine is passed over')
})
