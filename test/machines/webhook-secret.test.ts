import { join } from 'node:path'
import t from 'tap'
import { readWebhookSecret } from '../../src/machines/webhook-secret.js'

t.test('a secret as it is written, and what can be none, by the key that names it', async t => {
  const folder = t.testdir({ good: `whsec_${Buffer.alloc(24, 7).toString('base64')}\n`, short: 'abc\n' })
  const path = (name: string): string => join(folder, name)
  t.same(await readWebhookSecret(path('good'), 'webhooks.0'), Buffer.alloc(24, 7))
  await t.rejects(readWebhookSecret(path('short'), 'webhooks.0'), { code: 'config_invalid', message: `webhooks.0: ${path('short')} holds no secret: whsec_ and base64, or at least 16 octets of text` })
  await t.rejects(readWebhookSecret(path('none'), 'webhooks.0'), { code: 'config_invalid', message: /^webhooks\.0: .*none can't be read: / })
})
