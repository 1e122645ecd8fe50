// A TCP port of loopback that nobody listens on at the moment, for programs that have to be told one. It lies below those that the
// kernel gives to whoever connects (32768 and above), or another test's connection could have it by the time its program listens.
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const [lowest, beyond] = [10_000, 32_768]

export async function freePort (): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(lowest, beyond)
    if (await canListen(port)) return port
  }
  throw new Error('a hundred ports of loopback that were tried are all taken')
}

async function canListen (port: number): Promise<boolean> {
  const listener = createServer().listen(port, '127.0.0.1')
  try {
    await once(listener, 'listening')
  } catch {
    return false
  }
  await new Promise(resolve => { listener.close(resolve) })
  return true
}
