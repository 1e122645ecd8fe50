import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { compareCommand, differenceOf } from '../../src/cli/compare.js'
import { takeoverCommand } from '../../src/cli/takeover.js'
import type { Io } from '../../src/cli/command.js'
import { logLines } from '../helpers/log-lines.js'

t.test('what differs and what does not', t => {
  const ok = (body: string) => ({ status: 200, body })
  t.equal(differenceOf(ok('a'), ok('a')), undefined)
  t.equal(differenceOf(ok('{"a":1,"b":2}'), ok('{ "b": 2, "a": 1 }')), undefined, 'the same JSON in another order')
  t.equal(differenceOf({ status: 404, body: 'one' }, { status: 404, body: 'other' }), undefined)
  t.equal(differenceOf(ok('a'), { status: 404, body: '' }), 'Matchbox answers 200, this appliance 404')
  t.equal(differenceOf(ok('a\nb\n'), ok('a\nc\n')), 'line 2: "b" from Matchbox, "c" from this appliance')
  t.equal(differenceOf(ok('a'), ok('a\nb')), 'line 2: nothing from Matchbox, "b" from this appliance')
  t.match(differenceOf(ok('{"a":[1,2]}'), ok('{"a":[1,3]}')), /^line 4: " {4}2" from Matchbox, " {4}3"/)
  t.end()
})

async function serve (t: Test, answer: (path: string) => string | undefined): Promise<string> {
  const server: Server = createServer((request, response) => {
    const body = answer(request.url ?? '')
    response.writeHead(body === undefined ? 404 : 200).end(body)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Outcome { readonly code: number, readonly out: string, readonly err: string }

async function run (command: typeof compareCommand, args: readonly string[], input = ''): Promise<Outcome> {
  const [out, err] = [logLines(), logLines()]
  const io = { stdin: Readable.from([input]), stdout: out.stream, stderr: err.stream, terminal: false, journal: false, env: {} } as unknown as Io
  const code = await command.run(args, io)
  return { code, out: out.text(), err: err.text() }
}

t.test('both are asked for every document of every group', async t => {
  const folder = t.testdir({
    groups: {
      'a.json': '{"id":"a","profile":"p","selector":{"mac":"52:54:00:00:00:01","os":"installed & more"}}',
      'default.json': '{"id":"default","profile":"p"}'
    },
    profiles: { 'p.json': '{"id":"p"}' }
  })
  const paths: string[] = []
  const theirs = await serve(t, path => {
    paths.push(path)
    return path.startsWith('/cloud') ? undefined : 'same'
  })
  const ours = await serve(t, path => path.startsWith('/cloud') ? undefined : path.startsWith('/grub?') ? 'other' : 'same')
  const config = ['--set', `data_path=${folder}`, '--with', ours]
  const { code, out } = await run(compareCommand, ['--matchbox', theirs, ...config])
  t.equal(code, 1)
  t.match(out, /^a: \/grub\?\S*mac=52%3A54%3A00%3A00%3A00%3A01\S*: line 1: "same" from Matchbox, "other" from this appliance\n2 groups, 12 documents, 1 of them differs\n$/)
  t.ok(paths.includes('/metadata'))
  t.ok(paths.some(path => path.includes('os=installed%20%26%20more')))
  t.equal(paths.length, 12)
  const json = await run(compareCommand, ['--matchbox', theirs, ...config, '--json'])
  t.match(JSON.parse(json.out), { groups: 2, asked: 12, differences: [{ group: 'a' }] })
  t.equal((await run(compareCommand, ['--matchbox', theirs, '--set', `data_path=${folder}`, '--with', await serve(t, path => path.startsWith('/cloud') ? undefined : 'same')])).code, 0)

  await t.rejects(run(compareCommand, config), { code: 'usage' })
  await t.rejects(run(compareCommand, ['--matchbox', 'matchbox', ...config]), { code: 'usage' })
  await t.rejects(run(compareCommand, ['--matchbox', ours, ...config]), { code: 'usage', message: /which is this appliance/ })
  await t.rejects(run(compareCommand, ['--matchbox', 'http://127.0.0.1:1', ...config]), { code: 'read_failed', message: /ECONNREFUSED/ })
})

t.test('takeover writes what the service can read', async t => {
  const { code, out, err } = await run(takeoverCommand, [], 'Environment="MATCHBOX_PASSPHRASE=a pass phrase"\nExecStart={ path=/m ; argv[]=/m -log-level=Info -web-ssl=true ; ignore_errors=no }\n')
  t.equal(code, 0)
  t.equal(out, 'MATCHBOX_PASSPHRASE="a pass phrase"\nMATCHBOX_LOG_LEVEL=Info\n')
  t.match(err, /^note: MATCHBOX_WEB_SSL: HTTP over TLS/)
})

t.test('a server that leads to another protocol is an error, and not for ever', async t => {
  const server = createServer()
  // As a proxy before it might: with nothing behind the head.
  server.on('connection', socket => { socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n') })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close() })
  const folder = t.testdir({ groups: { 'a.json': '{"id":"a","profile":"p"}' }, profiles: { 'p.json': '{"id":"p"}' } })
  const theirs = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const asked = run(compareCommand, ['--matchbox', theirs, '--set', `data_path=${folder}`, '--with', await serve(t, () => 'same')])
  await t.rejects(asked, { code: 'read_failed', message: /the answer is 101, which leads to another protocol/ })
})
