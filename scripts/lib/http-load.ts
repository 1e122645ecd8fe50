// Load on an HTTP server of this machine: many connections, each asking for one target after the other.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

export interface LoadOptions {
  readonly port: number
  /** Asked for in turn. */
  readonly targets: readonly string[]
  /** How long, or how often each target. */
  readonly seconds?: number
  readonly times?: number
  readonly connections: number
  /** Whether to let wrk do it, where it is for a time. */
  readonly wrk?: boolean
  /** Where wrk's script may be written. */
  readonly folder: string
}

export interface LoadResult { readonly perSecond: number, readonly answered: number, readonly failed: number }

export const load = (options: LoadOptions): Promise<LoadResult> => options.wrk === true ? loadByWrk(options) : loadHere(options)

async function loadByWrk ({ port, targets, seconds = 5, connections, folder }: LoadOptions): Promise<LoadResult> {
  const list = join(folder, 'targets.txt')
  const script = join(folder, 'wrk.lua')
  writeFileSync(list, targets.join('\n'))
  writeFileSync(script, `
local requests, at = {}, 0
function init(args)
  for line in io.lines("${list}") do requests[#requests + 1] = wrk.format("GET", line) end
  at = math.random(#requests)
end
function request()
  at = at % #requests + 1
  return requests[at]
end
`)
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, `http://127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (data: Buffer) => { text += data.toString() })
  await new Promise(resolve => { child.on('close', resolve) })
  const perSecond = Number(/Requests\/sec:\s*([\d.]+)/.exec(text)?.[1])
  if (Number.isNaN(perSecond)) throw new Error(`wrk said: ${text}`)
  const answered = Number(/(?<!\d)(\d+) requests in/.exec(text)?.[1])
  return { perSecond, answered, failed: Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) }
}

async function loadHere (
  { port, targets, seconds = Number.POSITIVE_INFINITY, times = Number.POSITIVE_INFINITY, connections }: LoadOptions
): Promise<LoadResult> {
  let [answered, failed, next] = [0, 0, 0]
  const start = Date.now()
  const end = start + seconds * 1000
  const most = targets.length * times
  const run = (): Promise<void> => new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const ask = (): void => {
      if (Date.now() > end || next >= most) socket.destroy()
      else socket.write(`GET ${targets[next++ % targets.length]!} HTTP/1.1\r\nHost: a\r\n\r\n`)
    }
    let rest = Buffer.alloc(0)
    socket.on('connect', ask)
    socket.on('data', data => {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data])
      const head = rest.indexOf('\r\n\r\n')
      if (head < 0) return
      const text = rest.toString('latin1', 0, head)
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
      if (rest.length < head + 4 + length) return
      rest = rest.subarray(head + 4 + length)
      answered++
      if (!text.startsWith('HTTP/1.1 2')) failed++
      ask()
    })
    socket.on('error', reject)
    socket.on('close', () => { resolve() })
  })
  await Promise.all(Array.from({ length: connections }, run))
  return { perSecond: answered / (Date.now() - start) * 1000, answered, failed }
}
