// Questions to a person, a line each. The terminal itself does the editing; what is typed ahead counts.
import { createInterface } from 'node:readline'
import { AppError, unwaited } from '../base/errors.js'
import { Interrupted, type Io } from './command.js'

export interface Dialogue {
  /** The answer, '' for an empty line; AppError when there is nobody any more: `refused` at the end of input, Interrupted after Ctrl-C. */
  readonly ask: (question: string, otherwise?: string) => Promise<string>
  readonly tell: (text: string) => void
  readonly close: () => void
}

export function openDialogue ({ stdin, stderr, stop }: Pick<Io, 'stdin' | 'stderr' | 'stop'>): Dialogue {
  const reader = createInterface({ input: stdin, terminal: false })
  const lines: string[] = []
  const over: { ended: boolean, by?: string } = { ended: false }
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
  unwaited(stop.then(signal => {
    over.by = signal
    end()
  }))
  return {
    ask: async (question, otherwise = '') => {
      stderr.write(`${question}${otherwise === '' ? '' : ` [${otherwise}]`}: `)
      while (lines.length === 0 && !over.ended) await new Promise<void>(resolve => { wake = resolve })
      // Who ended it does not mean what was typed ahead any more.
      const answer = over.by === undefined ? lines.shift() : undefined
      if (answer !== undefined) return answer
      stderr.write('\n')
      if (over.by !== undefined) throw new Interrupted(over.by, 'before anything was changed')
      throw new AppError('refused', 'nothing was changed: there is nobody to answer')
    },
    tell: text => { stderr.write(`${text}\n`) },
    close: () => { reader.close() }
  }
}
