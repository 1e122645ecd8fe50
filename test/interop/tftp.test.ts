// Other people's TFTP clients against the server, over real sockets on loopback: Debian's tftp-hpa and atftp, curl, and
// the npm package tftp, with every option they have.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { kernelUdp } from '../../src/net/udp.js'
import { Readers } from '../../src/disk/disk-file.js'
import { FileCache } from '../../src/disk/file-cache.js'
import { storedFiles } from '../../src/tftp/file-source.js'
import { randomBytes } from '../helpers/random.js'
import { readFile } from '../helpers/tftp-client.js'
import { serve, type Served } from '../helpers/tftp-server.js'
import { atftp, clients, curl, npmClient, tftpHpa } from '../helpers/tftp-tools.js'
import { needs, runTool } from '../helpers/tools.js'

const files = {
  empty: Buffer.alloc(0),
  whole: randomBytes(1, 512 * 6),
  loader: randomBytes(2, 73_728),
  text: Buffer.from('DEFAULT ipxe\nLABEL ipxe\r\n  KERNEL ipxe.lkrn\n\n\rend')
} as const
const large = randomBytes(4, 6_000_000)
const host = '127.0.0.1'

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const folder = t.testdir({ files: {}, got: {} })
const root = join(folder, 'files')
for (const [name, content] of Object.entries({ ...files, large })) writeFileSync(join(root, name), content)

let count = 0
const into = (): string => join(folder, 'got', String(count++))

async function start (singlePort = false): Promise<Served & { readonly port: number }> {
  const source = storedFiles({ roots: [root], cache: new FileCache({ memory: 1 << 22, largest: 1 << 20, clock: systemClock }), readers: new Readers(), clock: systemClock })
  const served = await serve(kernelUdp, systemClock, source, { singlePort })
  return { ...served, port: served.server.addresses[0]!.port }
}

for (const singlePort of [false, true]) {
  t.test(`every client and option${singlePort ? ', on a single port' : ''}`, async t => {
    const served = await start(singlePort)
    t.teardown(() => served.server.close(0))
    for (const { tools, name, get } of clients) {
      await t.test(name, async t => {
        if (!needs(t, ...tools)) return
        for (const [file, content] of Object.entries(files)) {
          // curl takes the answer "tsize 0" for an error, and asks for tsize unless told not to.
          if (file === 'empty' && /^curl(?!.*no options)/.test(name)) continue
          t.equal(digest(await get(served.port, file, into())), digest(content), file)
        }
      })
    }
    await served.server.close(1000)
    t.same(Object.keys(served.counts()).filter(type => type !== 'done'), [], 'nothing but files went over the wire')
  })
}

t.test('a file of megabytes', async t => {
  const served = await start()
  t.teardown(() => served.server.close(0))
  const gets = { curl: curl('--tftp-blksize', '1468'), atftp: atftp('blksize 1468', 'windowsize 32'), tftp: tftpHpa('-m', 'octet') }
  for (const [tool, get] of Object.entries(gets)) {
    if (needs(t, tool)) t.equal(digest(await get(served.port, 'large', into())), digest(large), tool)
  }
  const { content } = await readFile(kernelUdp, { server: { address: host, port: served.port }, file: 'large', options: [['windowsize', '32']], clock: systemClock })
  t.equal(digest(content), digest(large), 'the reference client, a window of 32')
})

t.test('netascii', async t => {
  const served = await start()
  t.teardown(() => served.server.close(0))
  if (needs(t, 'tftp')) t.equal(digest(await tftpHpa('-m', 'netascii')(served.port, 'text', into())), digest(files.text), 'tftp-hpa translates it back')
  const wire = 'DEFAULT ipxe\r\nLABEL ipxe\r\0\r\n  KERNEL ipxe.lkrn\r\n\r\n\r\0end'
  const { content, oack } = await readFile(kernelUdp, {
    server: { address: host, port: served.port }, file: 'text', mode: 'NetASCII', options: [['tsize', '0'], ['blksize', '8']], clock: systemClock
  })
  t.equal(content.toString('latin1'), wire)
  t.same(oack, [['blksize', '8']])
  if (needs(t, 'curl')) t.equal((await curl('--use-ascii')(served.port, 'text', into())).toString('latin1'), wire, 'curl leaves it as it is')
})

t.test('a missing file and a write are refused in a way the clients understand', async t => {
  const served = await start()
  t.teardown(() => served.server.close(0))
  const { port } = served
  const upload = join(folder, 'upload')
  writeFileSync(upload, 'x')
  if (needs(t, 'curl')) {
    t.equal((await runTool('curl', ['--silent', `tftp://${host}:${port}/none`])).code, 68, 'curl: file not found')
    t.equal((await runTool('curl', ['--silent', '--upload-file', upload, `tftp://${host}:${port}/new`])).code, 69, 'curl: access violation')
  }
  if (needs(t, 'tftp')) {
    t.match((await runTool('tftp', ['-4', host, String(port), '-c', 'get', 'none', into()])).stdout.toString(), /Error code 1: file not found/)
    t.match((await runTool('tftp', ['-4', host, String(port), '-c', 'put', upload, 'new'])).stdout.toString(), /Error code 2: this server is read-only/)
  }
  if (needs(t, 'atftp')) {
    t.match((await runTool('atftp', ['--get', '--remote-file', 'none', '--local-file', into(), host, String(port)])).stderr, /file not found/i)
  }
  await t.rejects(npmClient()(port, 'none', into()), { message: /file not found/i })
})
