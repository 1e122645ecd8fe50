// Asks the running appliance over its control socket.
import { type IncomingMessage, request } from 'node:http'
import { AppError, errnoOf, messageOf } from '../base/errors.js'

/** The answer to a request, or AppError when nobody answers or it is refused. */
async function ask (socketPath: string, method: 'GET' | 'POST', path: string): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { host: 'control' } }, resolve)
    sent.once('error', error => {
      const why = {
        ENOENT: 'no appliance is running',
        ECONNREFUSED: 'no appliance is running',
        EACCES: 'this needs root, or the group of the service'
      }[errnoOf(error)] ?? messageOf(error)
      reject(new AppError('socket_failed', `nobody answers on ${socketPath} (control_socket): ${why}`))
    })
    sent.end()
  })
}

/** The JSON that the appliance answers. */
export async function askJson (socketPath: string, method: 'GET' | 'POST', path: string): Promise<unknown> {
  const answer = await ask(socketPath, method, path)
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  const body: unknown = JSON.parse(text)
  if (answer.statusCode === 200) return body
  throw new AppError('refused', String(Object(body)['error'] ?? `answered ${answer.statusCode ?? ''}`))
}

/** The data of each server-sent event, until `stop` or the appliance ends. */
export async function * events (socketPath: string, path: string, stop: Promise<unknown>): AsyncGenerator<unknown> {
  const answer = await ask(socketPath, 'GET', path)
  void stop.then(() => { answer.destroy() })
  let text = ''
  try {
    for await (const chunk of answer.setEncoding('utf8')) {
      const lines = (text + String(chunk)).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length))
    }
  } catch (error) {
    if (!answer.destroyed) throw error
  }
}
