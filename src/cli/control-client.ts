// Asks the running appliance over its control socket.
import { type IncomingMessage, request } from 'node:http'
import { AppError, errnoOf, isErrorCode, messageOf } from '../base/errors.js'

interface ControlRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds without an octet after which the appliance counts as stuck. */
  readonly patience?: number
}

const usualPatience = 30_000

const notRunning = 'no appliance is running'

/** Nobody listens on the control socket. */
export class NotRunning extends AppError {}

/** The answer to a request, or AppError `socket_failed` when nobody answers. */
async function ask (
  socketPath: string, { method, path, body, headers = {}, patience = usualPatience }: ControlRequest
): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const typed = text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
    let answer: IncomingMessage | undefined
    const sent = request({ socketPath, method, path, headers: { host: 'control', ...typed, ...headers } }, response => {
      answer = response
      resolve(response)
    })
    const said = `the appliance on ${socketPath} (control_socket) has said nothing for ${patience / 1000} s`
    const stuck = new AppError('socket_failed', `${said}: it is stopped, or stuck`)
    sent.setTimeout(patience, () => { (answer ?? sent).destroy(stuck) })
    sent.on('error', error => {
      if (error === stuck) return reject(stuck)
      const errno = errnoOf(error)
      const nobody = `nobody answers on ${socketPath} (control_socket)`
      if (errno === 'ENOENT' || errno === 'ECONNREFUSED') return reject(new NotRunning('socket_failed', `${nobody}: ${notRunning}`))
      reject(new AppError('socket_failed', `${nobody}: ${errno === 'EACCES' ? 'this needs root, or the group of the service' : messageOf(error)}`))
    })
    sent.end(text)
  })
}

interface ControlAnswer { readonly status: number, readonly body: unknown }

/** The JSON that the appliance answers, with its status; AppError `socket_failed` when it ends before. */
export async function askAny (socketPath: string, asked: ControlRequest): Promise<ControlAnswer> {
  return await wholeAnswer(await ask(socketPath, asked))
}

async function wholeAnswer (answer: IncomingMessage): Promise<ControlAnswer> {
  let text = ''
  try {
    for await (const chunk of answer.setEncoding('utf8')) text += chunk
    return { status: answer.statusCode ?? 0, body: JSON.parse(text) as unknown }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError('socket_failed', `the appliance ended while it answered: ${messageOf(error)}`)
  }
}

/** The JSON that the appliance answers; AppError, `refused` where it has no other word for it, says why not. */
export async function askJson (socketPath: string, method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
  return bodyOf(await askAny(socketPath, { method, path, body }))
}

function bodyOf ({ status, body }: ControlAnswer): unknown {
  if (status === 200) return body
  const { error = `answered ${status}`, code } = Object(body) as { readonly error?: unknown, readonly code?: unknown }
  throw new AppError(isErrorCode(code) && code !== 'usage' ? code : 'refused', String(error))
}

/** Whether an appliance answers there. */
export const controlAnswers = async (socketPath: string): Promise<boolean> =>
  await askAny(socketPath, { method: 'GET', path: '/v1/leases', patience: 5000 }).then(() => true, (error: unknown) => {
    if (error instanceof AppError) return false
    throw error
  })

export interface ServerEvent {
  /** '' where it has none. */
  readonly id: string
  /** `message` where it has no other; `open`, without data, once what was missed is told and what comes is new. */
  readonly event: string
  readonly data: unknown
}

/** Three of its heartbeats. */
const eventPatience = 45_000

/** Each server-sent event after that of id `last`, until `stop` or the appliance ends. AppError when it refuses or falls silent. */
export async function * events (
  socketPath: string, path: string, stop: Promise<unknown>, { last = '', patience = eventPatience } = {}
): AsyncGenerator<ServerEvent> {
  const answer = await ask(socketPath, { method: 'GET', path, headers: last === '' ? {} : { 'last-event-id': last }, patience })
  if (answer.statusCode !== 200) bodyOf(await wholeAnswer(answer))
  let stopped = false
  void stop.then(() => {
    stopped = true
    answer.destroy()
  })
  let text = ''
  let [id, event, isAlone] = ['', 'message', false]
  try {
    for await (const chunk of answer.setEncoding('utf8')) {
      const lines = (text + String(chunk)).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '') {
          if (isAlone) yield { id, event: 'open', data: undefined }
          event = 'message'
          isAlone = false
          continue
        }
        isAlone = line.startsWith('id: ')
        if (line.startsWith('id: ')) id = line.slice('id: '.length)
        else if (line.startsWith('event: ')) event = line.slice('event: '.length)
        else if (line.startsWith('data: ')) yield { id, event, data: JSON.parse(line.slice('data: '.length)) as unknown }
      }
    }
  } catch (error) {
    // A killed appliance breaks the connection; whoever reads on asks again.
    if (!stopped && errnoOf(error) !== 'ECONNRESET') throw error
  }
}
