// The paths that machines ask for. They answer as Matchbox's do, so each is first read as Go reads it: what must be redirected
// or refused is, and Matchbox's own take any method, as Go's handlers do. Every other path is somebody else's.
import { cleanUrlPath } from '../go/path.js'
import { type Answer, notFound } from './answer.js'
import type { Arrival, Handler } from './arrival.js'
import { assetsPath } from './asset-routes.js'
import { isLoaderPath } from './loader-routes.js'
import { redirectTo, refuse } from './refusals.js'
import { type Signatures, signatureForms } from './signatures.js'

/** A path, and what is answered there whatever the method; the answer can be signed. */
export type DocumentRoute = readonly [
  path: string,
  answer: (arrival: Arrival) => Answer | Promise<Answer>,
  /** What has to be done before; undefined when nothing has. A signature is over what there is. */
  before?: ((arrival: Arrival) => Promise<void> | undefined) | undefined
]

export interface MatchboxRoutes {
  readonly documents: readonly DocumentRoute[]
  /** Of .sig and .asc; undefined for none. */
  readonly signatures: Signatures | undefined
  /** Everything below /assets/, and below /boot/; undefined for none. */
  readonly assets: Handler | undefined
  readonly loaders: Handler | undefined
}

/** Who answers a request; undefined leaves it to others. */
export type Route = (arrival: Arrival) => Handler | undefined

export function matchboxRoutes ({ documents, signatures, assets, loaders }: MatchboxRoutes): Route {
  const handlers = new Map<string, Handler>()
  for (const [path, answer, before] of documents) {
    const answerNow = (arrival: Arrival): void | Promise<void> => {
      const answered = answer(arrival)
      return answered instanceof Promise ? answered.then(late => { arrival.send(late) }) : arrival.send(answered)
    }
    handlers.set(path, before === undefined
      ? answerNow
      : arrival => {
        const done = before(arrival)
        return done === undefined ? answerNow(arrival) : done.then(() => answerNow(arrival))
      })
    if (signatures === undefined || path === '/') continue
    for (const form of signatureForms) {
      handlers.set(`${path}.${form}`, async arrival => {
        const signed = signatures.over(await answer(arrival), form)
        // A signature is no stage of a boot.
        Object.assign(arrival.notes, { kind: 'other', name: `${arrival.notes.name}.${form}` })
        arrival.send(await signed)
      })
    }
  }
  return arrival => {
    const { flaw, path } = arrival
    if (flaw !== undefined) return refuse
    const clean = cleanUrlPath(path)
    if (loaders !== undefined && isLoaderPath(clean)) return loaders
    const meant = assets !== undefined && `${clean}/` === assetsPath ? assetsPath : clean
    if (meant !== path) return redirectTo(meant)
    if (assets !== undefined && meant.startsWith(assetsPath)) return assets
    return handlers.get(meant) ?? (isOthers(meant) ? undefined : missing)
  }
}

const missing: Handler = arrival => { arrival.send(notFound) }

/** Fastify would cut the path at a number sign, which here is part of it, and answers JSON where octets are not UTF-8. */
const isOthers = (path: string): boolean => !path.includes('#') && path.isWellFormed()
