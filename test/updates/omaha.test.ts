// What update_engine sends and reads. The requests are written after its own code; the answers are read by XPath with libxml2, which
// is what the client has, where xmllint is there.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import t from 'tap'
import { DecodeError } from '../../src/base/errors.js'
import { decodeOmahaRequest } from '../../src/updates/omaha-request.js'
import { encodeOmahaResponse } from '../../src/updates/omaha-response.js'
import { describeError, meaningOf } from '../../src/updates/omaha-events.js'
import { omahaRequest } from '../helpers/update-nodes.js'
import { needs } from '../helpers/tools.js'

const decode = (text: string | Buffer): ReturnType<typeof decodeOmahaRequest> => decodeOmahaRequest(Buffer.from(text))

t.test('a check, with the event of a boot', t => {
  const [app, ...others] = decode(omahaRequest({ version: '4230.2.1', track: 'workers', machineId: 'ab'.repeat(16), check: true, event: { type: 3, result: 2, previous: '0.0.0.0' } }))
  t.same(others, [])
  t.match(app, {
    appId: '{e96281a6-d1af-4bde-9a0a-97b76e56dc57}',
    version: '4230.2.1',
    track: 'workers',
    board: 'amd64-usr',
    machineId: 'ab'.repeat(16),
    ping: true,
    updateCheck: true,
    events: [{ type: 3, result: 2, errorCode: 0, previousVersion: '0.0.0.0' }]
  })
  t.equal(meaningOf(app!.events[0]!), undefined, 'which tells nothing')
  t.end()
})

t.test('events and what they tell', t => {
  const told = (type: number, result: number, rest: { errorCode?: number, previousVersion?: string } = {}): unknown =>
    meaningOf({ type, result, errorCode: 0, previousVersion: '', ...rest })
  t.match(told(13, 1), { status: 'downloading' })
  t.match(told(14, 1), { status: 'downloaded' })
  t.match(told(3, 1), { status: 'installed' })
  t.match(told(800, 1), { status: 'installed' })
  t.match(told(3, 2, { previousVersion: '4230.2.1' }), { status: 'complete', previousVersion: '4230.2.1' })
  t.match(told(3, 0, { errorCode: 44 }), { status: 'error', error: /^error 44: it went back/ })
  t.equal(told(3, 9), undefined, 'deferred by its own policy')
  t.equal(describeError(2404), 'error 2404: the download got HTTP status 404')
  t.equal(describeError(0x10000000 + 10), 'error 10: the payload has another hash than the server said', 'flags do not count')
  t.equal(describeError(1999), 'error 1999')
  t.end()
})

t.test('what is not known is left out, and what is too long is cut', t => {
  const text = omahaRequest({ version: '1.2.3', track: 'x'.repeat(1000), machineId: '1', check: true })
    .replace('<updatecheck>', '<unknown deep="1"><er/></unknown><updatecheck targetversionprefix="4">')
    .replace('<os ', '<os from_track="beta" ')
  t.match(decode(text), [{ updateCheck: true, track: 'x'.repeat(255) }])
  t.end()
})

t.test('hostile requests', t => {
  const request = omahaRequest({ version: '1.2.3', track: 'stable', machineId: '1', check: true })
  const laughs = `<!DOCTYPE lolz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>${request.replace(/^<\?xml.*\?>/, '').replace('stable', '&b;')}`
  for (const [what, bytes, code] of [
    ['nothing', '', 'not_omaha'],
    ['a DTD with entities', laughs, 'xml_doctype'],
    ['an external entity', `<!DOCTYPE x SYSTEM "file:///etc/passwd">${request}`, 'xml_doctype'],
    ['an entity of HTML', request.replace('stable', '&nbsp;'), 'xml_malformed'],
    ['depth', `<request><app>${'<a>'.repeat(5000)}`, 'xml_deep'],
    ['megabytes', request.replace('stable', 'x'.repeat(1_000_000)), 'too_large'],
    ['a cut request', request.slice(0, -20), 'xml_malformed'],
    ['another character set', request.replace('UTF-8', 'UTF-16'), 'not_utf8'],
    ['octets that are not UTF-8', Buffer.from(request.replace('stable', 'st\xe4ble'), 'latin1'), 'not_utf8'],
    ['apps without end', `<request>${'<app appid="1"></app>'.repeat(100)}</request>`, 'xml_many'],
    ['events without end', `<request><app>${'<event eventtype="3"></event>'.repeat(100)}</app></request>`, 'xml_many'],
    ['another document', '<html><body></body></html>', 'not_omaha'],
    ['JSON', '{"request":{}}', 'xml_malformed']
  ] as const) t.throws(() => decode(bytes), { name: 'DecodeError', code }, what)
  for (let at = 0; at < request.trimEnd().length; at++) {
    try {
      decode(request.slice(0, at))
      t.fail(`${at} letters of a request are taken for one`)
    } catch (error) {
      if (!(error instanceof DecodeError)) t.fail(`${at}: ${String(error)}`)
    }
  }
  t.end()
})

const payload = Buffer.from('CrAU and so on')
const digest = (kind: string): string => createHash(kind).update(payload).digest('base64')
const answer = encodeOmahaResponse([{
  appId: '{E96281A6-<&"}',
  status: 'ok',
  ping: true,
  events: 1,
  updateCheck: {
    version: '4230.2.2',
    codebase: 'http://192.168.100.2:8080/assets/flatcar/4230.2.2/',
    packages: [
      { name: 'flatcar_production_update.gz', bytes: payload.length, sha1: digest('sha1'), sha256: digest('sha256') },
      { name: 'oem-vmware.gz', bytes: 7, sha1: digest('sha1'), sha256: digest('sha256') }
    ]
  }
}])

t.test('the answer, as the client reads it', t => {
  if (!needs(t, 'xmllint')) return t.end()
  const xpath = (path: string): string => {
    const { status, stdout, stderr } = spawnSync('xmllint', ['--xpath', `string(${path})`, '-'], { input: answer, encoding: 'utf8' })
    t.equal(status, 0, `${path}: ${stderr}`)
    return stdout.replace(/\n$/, '')
  }
  t.equal(xpath('/response/app/updatecheck/@status'), 'ok')
  t.equal(xpath('/response/app/updatecheck/manifest/@version'), '4230.2.2')
  t.equal(xpath('/response/app/updatecheck/urls/url/@codebase'), 'http://192.168.100.2:8080/assets/flatcar/4230.2.2/')
  t.equal(xpath('/response/app/updatecheck/manifest/packages/package/@name'), 'flatcar_production_update.gz', 'the system first')
  t.equal(xpath('/response/app/updatecheck/manifest/packages/package/@size'), String(payload.length))
  t.equal(xpath('/response/app/updatecheck/manifest/packages/package[2]/@hash_sha256').length, 44)
  const sha256 = xpath('/response/app/updatecheck/manifest/actions/action[@event="postinstall"]/@sha256')
  t.match(sha256, /^[A-Za-z0-9+/]{43}=$/, 'base64, not hex')
  t.equal(Buffer.from(sha256, 'base64').toString('hex'), createHash('sha256').update(payload).digest('hex'))
  t.equal(xpath('/response/app/@appid'), '{E96281A6-<&"}', 'what the client said comes back, escaped')
  t.end()
})

t.test('no update, and what else a check may be told', t => {
  const tell = (updateCheck: 'noupdate' | 'error-internal' | undefined, status: 'ok' | 'error-unknownApplication' = 'ok'): string =>
    encodeOmahaResponse([{ appId: 'x\0\ud800', status, ping: false, events: 0, updateCheck }])
  t.match(tell('noupdate'), '<updatecheck status="noupdate"></updatecheck>')
  t.notMatch(tell(undefined, 'error-unknownApplication'), 'updatecheck')
  t.match(tell('noupdate'), 'appid="x\ufffd"', 'what XML can not hold is not in it')
  t.end()
})
