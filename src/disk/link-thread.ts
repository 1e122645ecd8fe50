// The thread that reads links for link-looks.ts, which waits for it for a moment.
import { workerData } from 'node:worker_threads'
import { answersAt, beginsAt, type LinkAnswer, type LinkCall, type LinkThreadData, looksHere } from './link-looks.js'

const { port, state } = workerData as LinkThreadData

port.on('message', ({ id, kind, paths }: LinkCall) => {
  Atomics.store(state, beginsAt, id)
  Atomics.notify(state, beginsAt)
  const answer: LinkAnswer = { id, found: kind === 'links' ? looksHere.links(paths) ?? [] : paths.map(looksHere.real) }
  port.postMessage(answer)
  Atomics.store(state, answersAt, id)
  Atomics.notify(state, answersAt)
})
