// Asks the running appliance over its control socket.
import { type IncomingMessage, request } from 'node:http'
import { AppError, errnoOf, isErrorCode, messageOf } from '../base/errors.js'

interface ControlRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** The answer to a request, or AppError `socket_failed` when nobody answers. */
async function ask (socketPath: string, { method, path, body, headers = {} }: ControlRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const typed = text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
    const sent = request({ socketPath, method, path, headers: { host: 'control', ...typed, ...headers } }, resolve)
    sent.once('error', error => {
      const why = {
        ENOENT: 'no appliance is running',
        ECONNREFUSED: 'no appliance is running',
        EACCES: 'this needs root, or the group of the service'
      }[errnoOf(error)] ?? messageOf(error)
      reject(new AppError('socket_failed', `nobody answers on ${socketPath} (control_socket): ${why}`))
    })
    sent.end(text)
  })
}

/** The JSON that the appliance answers, with its status; AppError `socket_failed` when it ends before. */
export async function askAny (socketPath: string, asked: ControlRequest): Promise<{ readonly status: number, readonly body: unknown }> {
  const answer = await ask(socketPath, asked)
  let text = ''
  try {
    for await (const chunk of answer.setEncoding('utf8')) text += chunk
    return { status: answer.statusCode ?? 0, body: JSON.parse(text) as unknown }
  } catch (error) {
    throw new AppError('socket_failed', `the appliance ended while it answered: ${messageOf(error)}`)
  }
}

/** The JSON that the appliance answers; AppError, `refused` where it has no other word for it, says why not. */
export async function askJson (socketPath: string, method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
  const answer = await askAny(socketPath, { method, path, body })
  if (answer.status === 200) return answer.body
  const { error = `answered ${answer.status}`, code } = Object(answer.body) as { readonly error?: unknown, readonly code?: unknown }
  throw new AppError(isErrorCode(code) && code !== 'usage' ? code : 'refused', String(error))
}

/** Whether an appliance answers there. */
export const controlAnswers = async (socketPath: string): Promise<boolean> =>
  await askJson(socketPath, 'GET', '/v1/leases').then(() => true, (error: unknown) => {
    if (error instanceof AppError) return false
    throw error
  })

export interface ServerEvent {
  /** '' where it has none. */
  readonly id: string
  /** `message` where it has no other. */
  readonly event: string
  readonly data: unknown
}

/** Each server-sent event after the one of id `last`, until `stop` or the appliance ends. */
export async function * events (socketPath: string, path: string, stop: Promise<unknown>, last = ''): AsyncGenerator<ServerEvent> {
  const answer = await ask(socketPath, { method: 'GET', path, headers: last === '' ? {} : { 'last-event-id': last } })
  let stopped = false
  void stop.then(() => {
    stopped = true
    answer.destroy()
  })
  let text = ''
  let [id, event] = ['', 'message']
  try {
    for await (const chunk of answer.setEncoding('utf8')) {
      const lines = (text + String(chunk)).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '') event = 'message'
        else if (line.startsWith('id: ')) id = line.slice('id: '.length)
        else if (line.startsWith('event: ')) event = line.slice('event: '.length)
        else if (line.startsWith('data: ')) yield { id, event, data: JSON.parse(line.slice('data: '.length)) as unknown }
      }
    }
  } catch (error) {
    // A killed appliance breaks the connection; whoever reads on asks again.
    if (!stopped && errnoOf(error) !== 'ECONNRESET') throw error
  }
}
