// What is wrong with a connection to etcd, in words for who configured it, and in one line.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { connectionWords } from '../../src/etcd/connection-words.js'
import { EtcdClient } from '../../src/etcd/etcd-client.js'
import { makeCertificate } from '../helpers/pki.js'

const [https, http] = ['https://10.0.0.11:2379', 'http://10.0.0.11:2379']
const past = { notBefore: Date.UTC(2020, 0), notAfter: Date.UTC(2021, 0) }
const pem = (dates: object): Buffer => Buffer.from(makeCertificate(undefined, { cn: 'p1', ...dates }).cert)
const tls = (cert: Buffer | null = null, ca: Buffer | null = Buffer.from('ca')) => ({ ca, cert, key: null })
const alert = (name: string): string =>
  `No connection established. Last error: 809CF0996F7F0000:error:0A000412:SSL routines:ssl3_read_bytes:${name}:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:1601:SSL alert number 42\n (2026-11-28T22:54:37.168Z)`

t.test('each says what is to be looked at', async t => {
  for (const [said, tried, words] of [
    [alert('sslv3 alert bad certificate'), { endpoint: https, tls: tls() }, 'it asks for a client certificate: cluster.etcd.cert_file and key_file are needed (TLS alert bad certificate)'],
    [alert('tlsv13 alert certificate required'), { endpoint: https, tls: tls() }, 'it asks for a client certificate: cluster.etcd.cert_file and key_file are needed (TLS alert certificate required)'],
    [alert('sslv3 alert bad certificate'), { endpoint: https, tls: tls(pem({})) }, 'it does not take the certificate in cluster.etcd.cert_file (TLS alert bad certificate)'],
    [alert('sslv3 alert bad certificate'), { endpoint: https, tls: tls(pem(past)) }, 'it does not take the certificate in cluster.etcd.cert_file, which expired on 2021-01-01 (TLS alert bad certificate)'],
    [alert('tlsv1 alert unknown ca'), { endpoint: https, tls: tls(Buffer.from('none')) }, 'it does not take the certificate in cluster.etcd.cert_file (TLS alert unknown ca)'],
    ['unable to verify the first certificate', { endpoint: https, tls: tls() }, 'its certificate is of none of the authorities in cluster.etcd.ca_file'],
    ['self-signed certificate in certificate chain', { endpoint: https, tls: tls(null, null) }, 'its certificate is of no authority that this system trusts: cluster.etcd.ca_file is needed'],
    ['No connection established. Last error: Error: certificate has expired. Resolution note: ', { endpoint: https, tls: tls() }, 'its certificate has expired, by the clock here'],
    ["Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: 10.0.0.1", { endpoint: https, tls: tls() }, "its certificate is for other names: IP: 127.0.0.1 is not in the cert's list: 10.0.0.1"],
    ['Client network socket disconnected before secure TLS connection was established', { endpoint: https, tls: tls() }, 'it hangs up before TLS has begun: http:// may be meant'],
    ['Failed to connect (2026-11-28T22:54:39.887Z)', { endpoint: http, tls: undefined }, 'it hangs up on what is not TLS: https:// may be meant'],
    ['Failed to connect (2026-11-28T22:54:39.887Z)', { endpoint: https, tls: tls() }, 'Failed to connect'],
    ['Deadline exceeded after 1.501s,name resolution: 0.005s,metadata filters: 0.013s,Waiting for LB pick', { endpoint: http, tls: undefined }, 'no answer within 1.5 s'],
    ['Deadline exceeded after 1.501s,waiting for name resolution', { endpoint: http, tls: undefined }, 'its name does not resolve (no answer within 1.5 s)'],
    ['etcd.invalid does not resolve (ENOTFOUND)', { endpoint: 'http://etcd.invalid:2379', tls: undefined }, 'etcd.invalid does not resolve (ENOTFOUND)'],
    ['No connection established. Last error: connect ECONNREFUSED 10.0.0.11:2379 (2026-11-28T22:54:39.887Z)', { endpoint: http, tls: undefined }, 'connect ECONNREFUSED 10.0.0.11:2379'],
    ['No connection established. Last error: Error: read ECONNRESET (2026-11-28T22:54:39.887Z)', { endpoint: https, tls: tls() }, 'it hangs up before TLS has begun: http:// may be meant'],
    ['No connection established. Last error: Error: read ECONNRESET (2026-11-28T22:54:39.887Z)', { endpoint: http, tls: undefined }, 'read ECONNRESET'],
    ['read ECONNRESET', { endpoint: https, tls: tls() }, 'read ECONNRESET'],
    ['one\n  two', { endpoint: http, tls: undefined }, 'one two']
  ] as const) t.equal(connectionWords(said, tried), words)
})

t.test('who ends the connection at the first words of TLS, in order or by a reset, is told as one without TLS', async t => {
  for (const how of ['end', 'resetAndDestroy'] as const) {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => { socket[how]() })
    }).listen(0, '127.0.0.1')
    t.teardown(() => { server.close() })
    await once(server, 'listening')
    const etcd = await EtcdClient.open({ endpoints: [`https://127.0.0.1:${(server.address() as AddressInfo).port}`], tls: () => tls(null, null), patience: 10_000 })
    await t.rejects(etcd.call('Status', {}), { message: /it hangs up before TLS has begun: http:\/\/ may be meant$/ }, how)
    etcd.close()
  }
})
