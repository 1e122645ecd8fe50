// The file that holds what a webhook's events are signed with.
import { AppError, messageOf } from '../base/errors.js'
import { remedyForSecret } from '../disk/denied.js'
import { readWhole } from '../disk/whole-file.js'
import { parseWebhookSecret } from './webhooks.js'

/** `key` is where the configuration names the file. AppError `config_invalid`: it can't be used. */
export async function readWebhookSecret (path: string, key: string): Promise<Buffer> {
  const text = await readWhole(path, 'credentials').catch((error: unknown) => {
    throw new AppError('config_invalid', `${key}: ${path} can't be read: ${messageOf(error)}${remedyForSecret(path, error)}`, { cause: error })
  })
  const secret = parseWebhookSecret(text.toString())
  if (secret === undefined) throw new AppError('config_invalid', `${key}: ${path} holds no secret: whsec_ and base64, or at least 16 octets of text`)
  return secret
}
