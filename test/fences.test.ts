// Errors outside a request: whatever runs later goes through a fence (src/base/fence.ts). Timers are the clock's, which is fenced; a
// promise that nobody waits for is `unwaited`, or has its `catch`. Who does otherwise stands here with the reason why that is well.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

const src = fileURLToPath(new URL('../src', import.meta.url))
/** Commands end with their work, and tell of what went wrong by their exit status. */
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts') && !name.startsWith('cli/') && name !== 'main.ts').sort()

const laterCalls = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'nextTick'])

/** File, how often, and what a throw there leaves: nothing that anybody waits for, and nothing that stays taken. */
const timers: Readonly<Record<string, readonly [times: number, why: string]>> = {
  'base/clock.ts': [2, 'the clock itself; serve has it fenced'],
  'base/errors.ts': [1, 'the way to the fence of the process'],
  'base/background-lines.ts': [1, 'a stream that was destroyed, to which nothing is left to be written'],
  'base/loop-share.ts': [1, 'a promise, which is awaited'],
  'base/pace.ts': [1, 'goes on with what waits, whatever a task throws'],
  'cluster/etcd-leases.ts': [2, 'a promise, which is awaited'],
  'cluster/etcd-updates.ts': [1, 'a promise, which is awaited'],
  'control/event-streams.ts': [2, 'a reader that can not be written to is destroyed, and gone from the list'],
  'control/machine-routes.ts': [1, 'aborts a wait'],
  'dhcp/inbox.ts': [1, 'goes on with what waits, whatever an answer throws'],
  'disk/disk-turns.ts': [1, 'hands a turn on, and nothing in it throws'],
  'disk/json-lines.ts': [1, 'a promise, which is awaited'],
  'grpc/carrier.ts': [1, 'hands on what came, as the event of its socket does'],
  'grpc/handshake.ts': [1, 'rejects a promise'],
  'grpc/grpc-server.ts': [1, 'closes a stream whose status has left, and nothing in it throws'],
  'http/client-error.ts': [1, 'destroys a connection'],
  'http/read-pace.ts': [1, 'has connections read again, and nothing in it throws'],
  'machines/told-later.ts': [1, 'goes on with what waits, whatever throws that is told'],
  'mirror/mirror-worker.ts': [1, 'in a thread of its own'],
  'mirror/patience.ts': [1, 'does nothing'],
  'mirror/remote-mirror.ts': [1, 'a promise, which is awaited'],
  'net/connections.ts': [1, 'gives places to those that wait: whatever the first does with its own, the next look gives the others theirs'],
  'net/conflict-probe.ts': [1, 'looks again, whatever a look throws'],
  'net/unread-connections.ts': [1, 'closes those that are broken, whose error nobody has to hear, and nothing in it throws'],
  'openpgp/verify.ts': [1, 'a promise, which is awaited'],
  'store/data-folder.ts': [1, 'a promise, which is awaited'],
  'store/first-reading.ts': [1, 'a promise, which is awaited'],
  'ui/live-rows.ts': [1, 'ends the looks of a page that nobody watches'],
  'disk/folder-amiss.ts': [1, 'a promise, which is awaited']
}

interface Found { readonly timers: number, readonly dropped: readonly string[] }

function found (name: string, text: string): Found {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
  const imported = new Map<string, string>()
  let count = 0
  const dropped: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportSpecifier(node) && laterCalls.has((node.propertyName ?? node.name).text)) imported.set(node.name.text, node.name.text)
    if (ts.isCallExpression(node)) {
      const { expression } = node
      const called = ts.isIdentifier(expression) ? expression.text : ts.isPropertyAccessExpression(expression) && expression.expression.getText() === 'process' ? expression.name.text : ''
      if (laterCalls.has(called) || imported.has(called)) count++
    }
    if (ts.isVoidExpression(node)) {
      const { expression } = node
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
      // fastify's are thenable, and wait to be.
      if (!ts.isAwaitExpression(expression) && !/^(?:app|reply)\b/.test(expression.getText())) dropped.push(`src/${name}:${line}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { timers: count, dropped }
}

const all = files.map(name => ({ name, ...found(name, readFileSync(join(src, name), 'utf8')) }))

t.test('timers are those of the clock, or stand in the list', t => {
  const here = Object.fromEntries(all.filter(({ timers }) => timers > 0).map(({ name, timers }) => [name, timers]))
  t.same(here, Object.fromEntries(Object.entries(timers).map(([name, [times]]) => [name, times])))
  t.end()
})

t.test('no promise is dropped', t => {
  t.same(all.flatMap(({ dropped }) => dropped), [])
  t.end()
})

t.test('the rules do bite', t => {
  t.same(found('x.ts', "import { setImmediate as turn } from 'node:timers/promises'\nawait turn()\nsetTimeout(f, 1)\nprocess.nextTick(f)\nsocket.setTimeout(1)"), { timers: 3, dropped: [] })
  t.same(found('x.ts', 'void work()\nvoid reply.send()\nvoid work().then(done)').dropped, ['src/x.ts:1', 'src/x.ts:3'])
  t.end()
})
