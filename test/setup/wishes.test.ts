// What install.sh may be told: every value that can be none, and every set of flags that makes no configuration.
import t from 'tap'
import { assertWhole, wishesIn, withImplied, type Wishes } from '../../src/setup/wishes.js'

t.test('values that can be none, wherever they would go', t => {
  const wrong: ReadonlyArray<readonly [RegExp, Wishes]> = [
    [/^--mode is server, proxy or off, not maybe$/, { mode: 'maybe' }],
    [/^--interface needs a value$/, { interface: '' }],
    [/^--domain can't be "lab'; reboot": letters, digits and /, { domain: "lab'; reboot" }],
    [/^--domain can't be "a\\nb": /, { domain: 'a\nb' }],
    [/^--interface can't be "-x": .*, and hyphens after the first of them$/, { interface: '-x' }],
    [/^--interface: no interface is called a-name-of-sixteen$/, { interface: 'a-name-of-sixteen' }],
    [/^--unknown-clients is allow or deny, not maybe$/, { 'unknown-clients': 'maybe' }]
  ]
  for (const [message, wishes] of wrong) t.throws(() => wishesIn(wishes), { code: 'usage', message })
  t.same(wishesIn({ interface: 'a-name-of-15-le', 'unknown-clients': 'allow', mode: 'proxy' }), { interface: 'a-name-of-15-le', 'unknown-clients': 'allow', mode: 'proxy' })
  t.same(wishesIn({ mode: 'off', first: true, config: 'x' }), { mode: 'off' }, 'other flags are none of its business')
  t.end()
})

t.test('flags that make no configuration', t => {
  const wrong: ReadonlyArray<readonly [RegExp, Wishes]> = [
    [/^--mode proxy needs --interface$/, { mode: 'proxy' }],
    [/^--mode server needs --interface$/, { subnet: '172.30.0.0/24' }],
    [/^--mode server needs --subnet$/, { mode: 'server', interface: 'br0' }],
    [/go with --mode server$/, { mode: 'off', dns: '172.30.0.1' }],
    [/go with --mode server$/, { mode: 'proxy', interface: 'br0', subnet: '172.30.0.0/24' }]
  ]
  for (const [message, wishes] of wrong) t.throws(() => { assertWhole(withImplied(wishes)) }, { code: 'usage', message })
  for (const name of ['range', 'router', 'domain', 'unknown-clients'] as const) t.throws(() => { assertWhole({ mode: 'off', [name]: 'x' }) }, { code: 'usage', message: /go with --mode server$/ }, name)
  t.same(withImplied({ mode: 'proxy', subnet: '172.30.0.0/24' }), { mode: 'proxy', subnet: '172.30.0.0/24' })
  t.same(withImplied({ interface: 'a' }), { interface: 'a' })
  t.same(withImplied({ subnet: '172.30.0.0/24' }), { subnet: '172.30.0.0/24', mode: 'server' })
  for (const wishes of [{ mode: 'off' }, { mode: 'proxy', interface: 'br0' }, { interface: 'br0', subnet: '172.30.0.0/24' }]) t.doesNotThrow(() => { assertWhole(withImplied(wishes)) })
  t.end()
})
