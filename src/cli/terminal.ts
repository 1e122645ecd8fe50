// Questions to a person, a line each. The terminal itself does the editing; what is typed ahead counts.
import { createInterface } from 'node:readline'
import { AppError } from '../base/errors.js'
import type { Io } from './command.js'

export interface Dialogue {
  /** The answer, '' for an empty line; AppError `refused` when there is nobody any more: end of input, or Ctrl-C. */
  readonly ask: (question: string, otherwise?: string) => Promise<string>
  readonly tell: (text: string) => void
  readonly close: () => void
}

export function openDialogue ({ stdin, stderr, stop }: Pick<Io, 'stdin' | 'stderr' | 'stop'>): Dialogue {
  const reader = createInterface({ input: stdin, terminal: false })
  const lines: string[] = []
  const over = { ended: false, interrupted: false }
  let wake = (): void => {}
  reader.on('line', line => {
    lines.push(line)
    wake()
  })
  const end = (): void => {
    over.ended = true
    wake()
  }
  reader.once('close', end)
  const interrupt = (): void => {
    over.interrupted = true
    end()
  }
  stop.then(interrupt, interrupt)
  return {
    ask: async (question, otherwise = '') => {
      stderr.write(`${question}${otherwise === '' ? '' : ` [${otherwise}]`}: `)
      while (lines.length === 0 && !over.ended) await new Promise<void>(resolve => { wake = resolve })
      const answer = lines.shift()
      if (answer !== undefined) return answer
      stderr.write('\n')
      throw new AppError('refused', `nothing was changed: ${over.interrupted ? 'it was interrupted' : 'there is nobody to answer'}`)
    },
    tell: text => { stderr.write(`${text}\n`) },
    close: () => { reader.close() }
  }
}
