// The thread in which renderings go on that take long. long-renderings.ts starts it and speaks with it.
import { parentPort } from 'node:worker_threads'
import { AppError, messageOf } from '../base/errors.js'
import { ConfigDocuments } from '../matchbox/config-documents.js'
import { parseGroup } from '../matchbox/group.js'
import type { ConfigFile, Objects } from '../matchbox/store.js'
import { variablesOf } from '../matchbox/variables.js'
import { KeptFiles } from './kept-files.js'
import type { ThreadAnswer, ThreadCall, SharedMemoryFile } from './long-renderings.js'

/** Files that are kept with what was made of them, in octets. */
const mostKept = 64 * 2 ** 20

const port = parentPort!
let own: ReadonlyMap<string, string> = new Map()
let shared: Objects['shared'] = { snippets: new Map(), files: new Map() }
const documents = new ConfigDocuments(() => own)
const files = new KeptFiles(mostKept)

const byName = (all: readonly SharedMemoryFile[]): ReadonlyMap<string, ConfigFile> => new Map(all.map(file => [file.name, files.of(file)]))

const told = ({ code, message }: AppError): { code: AppError['code'], message: string } => ({ code, message })

port.on('message', (call: ThreadCall) => {
  const { as, group, labels, rawQuery, client } = call
  try {
    if (call.shared !== undefined) {
      own = call.shared.own ?? new Map()
      shared = { snippets: byName(call.shared.snippets), files: byName(call.shared.files) }
    }
    const file = files.of(call.file)
    const variables = variablesOf(parseGroup(Buffer.from(group)), { labels: new Map(labels), rawQuery, client })
    const { body, error, ...rest } = documents.make(as, file, variables, shared)
    // What is the file itself need not travel.
    const isFile = body === file.content
    const copy = body === undefined || isFile ? undefined : new Uint8Array(body)
    const made = { ...rest, isFile, body: copy, error: error && told(error) }
    port.postMessage({ made } satisfies ThreadAnswer, copy === undefined ? [] : [copy.buffer])
  } catch (error) {
    const failed = error instanceof AppError ? told(error) : { code: 'template_invalid', message: messageOf(error) } as const
    port.postMessage({ failed } satisfies ThreadAnswer)
  }
})
