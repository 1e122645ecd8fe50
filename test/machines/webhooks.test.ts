import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import pino from 'pino'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { JsonLines } from '../../src/disk/json-lines.js'
import { post, postWithin } from '../../src/machines/webhook-post.js'
import { deliveriesLeft, type Delivery, parseDelivery, parseWebhookSecret, type Post, type Webhook, Webhooks } from '../../src/machines/webhooks.js'
import { FakeClock } from '../helpers/fake-clock.js'

const log = pino({ level: 'silent' })
const secret = Buffer.alloc(32, 5)
const source = 'http://192.168.100.2:8080'
const hook = (url: string, on: Webhook['on'] = ['installed', 'stuck']): Webhook => ({ url, secret, on })

interface Sent { readonly url: string, readonly headers: Readonly<Record<string, string>>, readonly body: string }

/** A receiver that answers what it is told to, one status a request; a receiver that is gone answers nothing. */
interface Receiver { readonly post: Post, readonly sent: Sent[], readonly kept: Map<string, Delivery>, readonly settled: () => Promise<void> }

function receiver (...statuses: Array<number | Error>): Receiver {
  const sent: Sent[] = []
  const kept = new Map<string, Delivery>()
  return {
    sent,
    kept,
    post: async (url, headers, body) => {
      sent.push({ url, headers, body })
      const status = statuses.length > 1 ? statuses.shift()! : statuses[0]!
      if (status instanceof Error) throw status
      return status
    },
    settled: async () => { for (let turn = 0; turn < 20; turn++) await Promise.resolve() }
  }
}

const open = (hooks: readonly Webhook[], r: Receiver, clock: FakeClock, pending: readonly Delivery[] = []): Webhooks => new Webhooks({
  hooks,
  pending,
  source,
  clock,
  steady: clock.now,
  log,
  post: r.post,
  keep: {
    append: async delivery => {
      if (delivery.done === true) r.kept.delete(delivery.id)
      else r.kept.set(delivery.id, delivery)
    }
  }
})

t.test('an event is a CloudEvent, signed, for those who asked for it', async t => {
  const [clock, r] = [new FakeClock(), receiver(204)]
  const webhooks = open([hook('http://a/x'), hook('http://b/y', ['enrolled'])], r, clock)
  webhooks.tell('installed', '52:54:00:00:00:01', { group: 'g' })
  await r.settled()
  t.equal(r.sent.length, 1)
  const { url, headers, body } = r.sent[0]!
  t.equal(url, 'http://a/x')
  t.match(JSON.parse(body), {
    specversion: '1.0',
    type: 'core-provisioner.machine.installed',
    source,
    subject: '52:54:00:00:00:01',
    time: '2023-11-14T22:13:20.000Z',
    datacontenttype: 'application/json',
    data: { group: 'g' }
  })
  t.equal(JSON.parse(body).id, headers['webhook-id'])
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  t.equal(headers['webhook-signature'], `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
  t.equal(r.kept.size, 0)
  await webhooks.close()
})

t.test('a receiver that fails is asked again, later and later, for an hour; then it is given up', async t => {
  const [clock, r] = [new FakeClock(), receiver(new Error('connect ECONNREFUSED'))]
  const webhooks = open([hook('http://a/')], r, clock)
  webhooks.tell('stuck', 'm', {})
  const times: number[] = []
  for (let minute = 0; minute < 70 * 12; minute++) {
    await r.settled()
    while (times.length < r.sent.length) times.push(minute * 5)
    clock.advance(5000)
  }
  t.same(times.slice(0, 7), [0, 5, 20, 50, 110, 230, 530], 'seconds')
  t.equal(webhooks.waiting, 0)
  t.equal(r.kept.size, 0)
  t.ok(times.at(-1)! <= 3600 + 300, `the last attempt after ${times.at(-1)} s`)
  t.equal(new Set(r.sent.map(({ headers }) => headers['webhook-id'])).size, 1, 'the same event, by its id')
  t.ok(new Set(r.sent.map(({ headers }) => headers['webhook-timestamp'])).size > 5, 'each attempt has its own time')
  await webhooks.close()
  t.equal(clock.pending, 0)
})

t.test('the hour is that of a clock that nobody sets', async t => {
  const [clock, r] = [new FakeClock(), receiver(503)]
  let set = 0
  const webhooks = new Webhooks({
    hooks: [hook('http://a/')],
    pending: [],
    source,
    clock: { now: () => clock.now() + set, after: clock.after, every: clock.every },
    steady: clock.now,
    log,
    post: r.post,
    keep: { append: async () => {} }
  })
  webhooks.tell('installed', 'm', {})
  await r.settled()
  for (const jump of [86_400_000, -30 * 86_400_000]) {
    set += jump
    clock.advance(20_000)
    await r.settled()
    t.equal(webhooks.waiting, 1, `set by ${jump} ms`)
  }
  for (let minute = 0; minute < 70; minute++) {
    clock.advance(60_000)
    await r.settled()
  }
  t.equal(webhooks.waiting, 0)
  await webhooks.close()
})

t.test('one slow receiver does not hold up another, and 410 is the end', async t => {
  const clock = new FakeClock()
  const r = receiver(410)
  const never: Post = async (url, headers, body) => url === 'http://slow/' ? await new Promise(() => {}) : await r.post(url, headers, body)
  const webhooks = new Webhooks({ hooks: [hook('http://slow/'), hook('http://b/')], pending: [], source, clock, steady: clock.now, log, post: never, keep: { append: async () => {} } })
  for (let i = 0; i < 5000; i++) webhooks.tell('installed', `m${i}`, {})
  for (let turn = 0; turn < 100_000 && r.sent.length < 1000; turn++) await Promise.resolve()
  t.ok(r.sent.length >= 1000)
  t.ok(webhooks.waiting <= 2000, 'what waits is bounded')
  await webhooks.close()
})

t.test('what was not delivered survives a restart, on disk', async t => {
  const path = join(t.testdir(), 'webhooks.jsonl')
  const clock = new FakeClock()
  const lines = (current: () => Iterable<Delivery>): JsonLines<Delivery> =>
    new JsonLines({ path, kind: 'webhook', version: 1, log, format: delivery => JSON.stringify(delivery), parse: parseDelivery, current })
  const holder: { webhooks?: Webhooks } = {}
  const file = lines(() => holder.webhooks?.pending() ?? [])
  await file.load()
  const down = receiver(503)
  const first = holder.webhooks = new Webhooks({ hooks: [hook('http://a/')], pending: [], source, clock, steady: clock.now, log, post: down.post, keep: file })
  first.tell('installed', 'm', { n: 1 })
  first.tell('installed', 'm', { n: 2 })
  await down.settled()
  await first.close()
  await file.close()

  const again = lines(() => [])
  const pending = deliveriesLeft(await again.load())
  t.equal(pending.length, 2)
  const up = receiver(200)
  const second = new Webhooks({ hooks: [hook('http://a/')], pending, source, clock, steady: clock.now, log, post: up.post, keep: again })
  for (let turn = 0; turn < 1000 && second.waiting > 0; turn++) await Promise.resolve()
  t.same(up.sent.map(({ body }) => JSON.parse(body).data.n), [1, 2])
  await second.close()
  t.same(deliveriesLeft(await again.load()), [])
  await again.close()
})

t.test('over a real socket: a receiver that answers, one that hangs up, and secrets as people keep them', async t => {
  const requests: Array<{ request: IncomingMessage, body: string }> = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => { body += text }).once('end', () => {
      requests.push({ request, body })
      if (request.url === '/silent') return
      if (request.url === '/hang-up') request.socket.destroy()
      else if (request.url === '/other') request.socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n')
      else response.writeHead(202).end('x'.repeat(100_000))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.equal(await post(systemClock)(`${base}/events?token=x`, { 'webhook-id': 'msg_1' }, '{"é":1}'), 202)
  t.match(requests[0], { request: { method: 'POST', url: '/events?token=x', headers: { 'webhook-id': 'msg_1' } }, body: '{"é":1}' })
  await t.rejects(post(systemClock)(`${base}/hang-up`, {}, ''))
  await t.rejects(post(systemClock)(`${base}/other`, {}, ''), /closed without an answer/)
  await t.rejects(postWithin(50, systemClock)(`${base}/silent`, {}, ''), /no answer within 0\.05 s/)
  t.same(parseWebhookSecret(`whsec_${secret.toString('base64')}\n`), secret)
  t.same(parseWebhookSecret('a long enough passphrase\n'), Buffer.from('a long enough passphrase'))
  t.equal(parseWebhookSecret('short'), undefined)
  t.same([15, 16].map(octets => parseWebhookSecret('x'.repeat(octets))?.length), [undefined, 16])
})

t.test('a line of the file that is no whole delivery is none', t => {
  const whole = { id: 'msg_1', url: 'http://10.0.0.1/', at: 1000, body: '{}' }
  t.same(parseDelivery(JSON.stringify(whole)), whole)
  for (const key of ['id', 'url', 'at', 'body']) t.equal(parseDelivery(JSON.stringify({ ...whole, [key]: undefined })), undefined, `without ${key}`)
  for (const [key, value] of [['id', 1], ['url', null], ['at', '1000'], ['body', {}]] as const) t.equal(parseDelivery(JSON.stringify({ ...whole, [key]: value })), undefined, `${key}: ${JSON.stringify(value)}`)
  for (const line of ['', 'null', '[]', '{', '"msg_1"']) t.equal(parseDelivery(line), undefined, line)
  t.end()
})
