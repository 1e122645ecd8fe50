import t from 'tap'
import { checkProxyUrl, checkUrl } from '../../../src/ignition/spec3/urls.js'
import type { Spec } from '../../../src/ignition/spec3/schema.js'

t.test('which spec takes which URL', t => {
  const [scheme, arn, version] = ['invalid url scheme', 'invalid S3 ARN format', 'invalid S3 object VersionId']
  for (const [url, spec, problem] of [
    ['http://a/b', 0, undefined], ['HTTPS://a', 0, undefined], ['tftp://a/b', 0, undefined], ['', 0, scheme], ['/a/b', 4, scheme],
    ['gs://a/b', 1, scheme], ['gs://a/b', 2, undefined], ['oem:///a', 4, scheme],
    ['s3://a/b', 0, undefined], ['s3://a/b?versionId=', 0, version], ['s3://a/b?versionId', 3, version], ['s3://a/b?versionId=x', 4, undefined],
    ['s3://a/b?versionid=', 4, undefined], ['s3://a/b?versionId=;', 4, undefined],
    ['arn:aws:s3:::a/b', 3, scheme], ['arn:aws:s3:::a/b', 4, undefined], ['arn:aws:s3:::a', 4, arn], ['arn:aws:ec2:::a/b', 4, arn], ['arn:aws:s3', 4, arn],
    ['arn:aws:s3:r:1:accesspoint/a', 4, arn], ['arn:aws:s3:r:1:accesspoint/a/object/b', 4, undefined], ['arn:aws:s3:::a/b?versionId=', 4, version],
    ['data:,a', 0, undefined], ['data:a', 0, 'missing media type slash'], ['http://a/%zz', 4, 'unable to parse url'], ['http://[::1', 4, 'unable to parse url']
  ] as ReadonlyArray<readonly [string, Spec, string | undefined]>) t.equal(checkUrl(url, spec), problem, `${url} in 3.${spec}`)
  t.end()
})

t.test('proxies', t => {
  t.same(checkProxyUrl('https://p'), { insecure: false })
  t.same(checkProxyUrl('http://p'), { insecure: true })
  t.same(checkProxyUrl('socks5://p'), { error: 'proxies must be http(s)' })
  t.same(checkProxyUrl('http://p:x'), { error: 'unable to parse url' })
  t.end()
})
