import t from 'tap'
import { proxyFor } from '../../src/mirror/proxy.js'

const proxy = { http_proxy: 'http://proxy:3128' }
const chosen = (url: string, env: Readonly<Record<string, string>>): string | undefined => proxyFor(new URL(url), env)?.href

t.test('the variable by the scheme, small letters first, with and without a scheme of its own', t => {
  t.equal(chosen('http://a.example/', { http_proxy: 'proxy.example:3128' }), 'http://proxy.example:3128/')
  t.equal(chosen('http://a.example/', { HTTP_PROXY: 'http://big:1', http_proxy: 'http://small:1' }), 'http://small:1/')
  t.equal(chosen('https://a.example/', { HTTPS_PROXY: 'https://u:p@tls:1', http_proxy: 'http://plain:1' }), 'https://u:p@tls:1/')
  t.equal(chosen('https://a.example/', { all_proxy: 'any:1' }), 'http://any:1/')
  t.equal(chosen('http://a.example/', { https_proxy: 'http://tls:1' }), undefined)
  t.equal(chosen('http://a.example/', { http_proxy: ' ' }), undefined)
  for (const bad of ['socks5://proxy:1', 'http://', 'proxy:99999', 'http://secret@@:x']) {
    t.throws(() => proxyFor(new URL('http://a.example/'), { HTTP_PROXY: bad }), { code: 'config_invalid', message: /^HTTP_PROXY in the environment names no HTTP proxy/ })
  }
  t.end()
})

t.test('NO_PROXY: names and what is below them, addresses, prefixes, ports', t => {
  const rows: ReadonlyArray<readonly [list: string, url: string, direct: boolean]> = [
    ['example.com', 'http://example.com/', true],
    ['example.com', 'http://www.Example.com./', true],
    ['.example.com', 'http://www.example.com/', true],
    ['.example.com', 'http://example.com/', true],
    ['*.example.com', 'http://www.example.com/', true],
    ['example.com', 'http://notexample.com/', false],
    ['a.example, example.org b.example', 'http://b.example/', true],
    ['*', 'http://anything/', true],
    ['10.0.0.0/8', 'http://10.20.30.40/', true],
    ['10.0.0.0/8', 'http://11.20.30.40/', false],
    ['192.168.1.130/25', 'http://192.168.1.200/', true],
    ['10.0.0.0/33', 'http://10.0.0.1/', false],
    ['10.0.0.1/32', 'http://10.0.0.1/', true],
    ['10.0.0.1/32', 'http://10.0.0.2/', false],
    ['fd00::1/128', 'http://[fd00::1]/', true],
    ['fd00::1/129', 'http://[fd00::1]/', false],
    ['fd00::/33', 'http://[fd00::1]/', true],
    ['0.0.0.0/0', 'http://[fd00::1]/', false],
    ['10.0.0.1', 'http://10.0.0.1/', true],
    ['0.0.1', 'http://10.0.0.1/', false],
    ['fd00::/8', 'http://[fd00::1]/', true],
    ['[::1]', 'http://[::1]/', true],
    ['::1', 'http://[::1]/', true],
    ['example.com:8080', 'http://example.com:8080/', true],
    ['example.com:8080', 'http://example.com/', false],
    ['example.com:80', 'http://example.com/', true],
    ['[::1]:8080', 'http://[::1]:8080/', true],
    ['', 'http://example.com/', false]
  ]
  for (const [list, url, direct] of rows) {
    t.equal(chosen(url, { ...proxy, NO_PROXY: list }) === undefined, direct, `${list}: ${url}`)
  }
  t.end()
})
