// A place for the log to go to, whose lines a test reads.
import { Writable } from 'node:stream'

export function logLines (): { readonly stream: Writable, readonly text: () => string, readonly entries: () => ReadonlyArray<Readonly<Record<string, unknown>>> } {
  let text = ''
  const stream = new Writable({
    write (chunk: Buffer, _, done) {
      text += chunk.toString()
      done()
    }
  })
  return { stream, text: () => text, entries: () => text.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Record<string, unknown>) }
}
