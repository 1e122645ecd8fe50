// The line of each call, and how loud it is: who changed what is told, who reads is not, and what is amiss is.
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { AppError } from '../../src/base/errors.js'
import { createLog } from '../../src/base/log.js'
import { startGrpcServer } from '../../src/grpc/grpc-server.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import { plainSerial } from '../../src/net/tls-identity.js'
import { rawClient, tlsCredentials } from '../helpers/grpc-appliance.js'
import { logLines } from '../helpers/log-lines.js'
import { MemoryStore } from '../helpers/memory-store.js'
import { makePki } from '../helpers/pki.js'

const pki = makePki()

t.test('each call by its kind and its end', async t => {
  const store = new MemoryStore()
  const { stream, entries } = logLines()
  const server = await startGrpcServer({
    provisioner: createProvisioner({ store }),
    listen: { host: '127.0.0.1', port: 0 },
    identity: () => ({ ca: pki.ca.cert, ...pki.server }),
    clock: systemClock,
    log: createLog({ level: 'debug', pretty: false, destination: stream })
  })
  const client = rawClient(`127.0.0.1:${server.address.port}`, tlsCredentials(pki, pki.client))
  t.teardown(async () => {
    client.close()
    await server.close()
  })
  const said = async (call: string, request: object): Promise<unknown> => {
    const before = entries().length
    await client.call(call, request)
    const { level, code, change, err } = entries().slice(before).find(({ msg }) => msg === 'grpc.call')!
    return [level, code, ...change === undefined ? [] : [change], ...err === undefined ? [] : [err]]
  }
  const group = { id: 'g', profile: 'p' }
  t.match(await said('GroupPut', { group }), ['info', 'OK', 'created'])
  t.match(entries().find(({ msg }) => msg === 'grpc.call'), {
    call: 'GroupPut', id: 'g', peer: /^127\.0\.0\.1:\d+$/, client: 'CN=client', serial: plainSerial(new X509Certificate(pki.client.cert).serialNumber), object: 'group g'
  })
  for (const [call, request, ...line] of [
    ['GroupPut', { group }, 'info', 'OK', 'unchanged'],
    ['GroupGet', { id: 'g' }, 'debug', 'OK'],
    ['GroupList', {}, 'debug', 'OK'],
    ['SelectGroup', { labels: {} }, 'debug', 'OK'],
    ['GroupGet', { id: 'none' }, 'debug', 'NOT_FOUND', 'there is no group "none"'],
    ['GroupDelete', { id: 'g' }, 'info', 'OK', 'deleted'],
    ['GroupDelete', { id: 'g' }, 'info', 'OK', 'was not there'],
    ['SelectGroup', { labels: {} }, 'debug', 'NOT_FOUND', /./],
    ['GroupGet', { id: '../g' }, 'warn', 'INVALID_ARGUMENT', /./],
    ['GroupPut', {}, 'warn', 'INVALID_ARGUMENT', 'GroupPut needs a group'],
    ['ProfilePut', {}, 'warn', 'INVALID_ARGUMENT', 'ProfilePut needs a profile']
  ] as const) t.match(await said(call, request), line, `${call} ${JSON.stringify(request)}`)
  store.putProfile = async () => { throw new AppError('write_failed', 'no space on /a/disk') }
  const failed = await said('ProfilePut', { profile: { id: 'p' } }) as readonly unknown[]
  t.match(failed.at(-1), 'no space on /a/disk', 'the log is told what the client is not')
  store.putProfile = async () => { throw new TypeError('a mistake of ours') }
  t.match(await said('ProfilePut', { profile: { id: 'p' } }), ['error', 'INTERNAL', 'a mistake of ours'])
})
