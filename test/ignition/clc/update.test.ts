// update.conf, and what may stand in a reboot window.
import t from 'tap'
import { transpileClc } from '../../helpers/transpile.js'
import { readDataUrl } from '../../../src/ignition/data-url.js'
import { jsonText } from '../../../src/go/json.js'

const problem = (start: string, length: string): string =>
  transpileClc(JSON.stringify({ locksmith: { window_start: start, window_length: length } })).report.map(entry => entry.message).join()

t.test('windows', t => {
  for (const start of ['04:00', '4:05', 'Thu 23:59', 'SUN 0:00', 'mon  1:00 more']) t.equal(problem(start, '1h'), '', start)
  for (const start of ['24:00', '4:5', '04:60', 'Fri', '04:00 Fri x', '4']) t.match(problem(start, '1h'), /window start/, start)
  t.equal(problem('Day 04:00', '1h'), 'unknown day in window start')
  for (const length of ['1h', '2h15m', '.5s', '1.5h', '-3m', '0', '1\u00b5s', '100ms']) t.equal(problem('04:00', length), '', length)
  for (const length of ['1d', '60', 'h', '1h ', '1h-2m', '.', '3000000h', '1.5']) {
    t.equal(problem('04:00', length), "couldn't parse window length", length)
  }
  t.end()
})

t.test('update.conf', t => {
  const { config } = transpileClc('update: {group: Beta, server: "https://u/"}\nlocksmith: {reboot_strategy: off, etcd_endpoints: "a\\"b"}\n')
  const source = JSON.parse(jsonText(config ?? null)).storage.files[0].contents.source as string
  t.same(readDataUrl(source), { ok: true, data: Buffer.from('GROUP=beta\nSERVER=https://u/\nREBOOT_STRATEGY="off"\nLOCKSMITHD_ENDPOINT="a\\"b"') })
  t.end()
})
