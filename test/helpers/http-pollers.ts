// Clients that fetch a URL again and again, each on a connection of its own as boot firmware makes them, until standard input
// ends; then prints how many answers there were and what failed. Run as a program of its own, in a client's namespace.
import { get } from 'node:http'
import { once } from 'node:events'

const [url = '', clients = '1'] = process.argv.slice(2)
const ended = new AbortController()
process.stdin.on('end', () => { ended.abort() }).resume()

const failures: string[] = []
let answers = 0

async function poll (): Promise<void> {
  while (!ended.signal.aborted) {
    try {
      const request = get(url, { agent: false, timeout: 60_000 })
      request.on('timeout', () => { request.destroy(new Error('no answer in a minute')) })
      const [response] = await once(request, 'response') as [NodeJS.ReadableStream & { statusCode: number }]
      response.resume()
      await once(response, 'end')
      if (response.statusCode === 200) answers++
      else failures.push(`status ${response.statusCode}`)
      if (answers === 1) process.stdout.write('polling\n')
    } catch (error) {
      failures.push(String(error))
    }
  }
}

await Promise.all(Array.from({ length: Number(clients) }, poll))
process.stdout.write(`${JSON.stringify({ answers, failures })}\n`)
