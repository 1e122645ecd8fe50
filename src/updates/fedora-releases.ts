// What Fedora publishes of a stream of Fedora CoreOS: releases.json (which releases there were, and what each is for an
// architecture) and updates.json (which of them are barriers, dead ends, or being rolled out).
import * as v from 'valibot'
import { AppError, messageOf } from '../base/errors.js'

const releasesSchema = v.object({
  stream: v.string(),
  releases: v.array(v.object({
    version: v.string(),
    commits: v.optional(v.array(v.object({ architecture: v.string(), checksum: v.string() })), []),
    'oci-images': v.optional(v.array(v.object({ architecture: v.string(), image: v.string(), 'digest-ref': v.string() })), [])
  }))
})

const updatesSchema = v.object({
  stream: v.string(),
  releases: v.array(v.object({
    version: v.string(),
    metadata: v.optional(v.object({
      barrier: v.optional(v.object({ reason: v.optional(v.string(), '') })),
      deadend: v.optional(v.object({ reason: v.optional(v.string(), '') })),
      rollout: v.optional(v.object({
        start_epoch: v.optional(v.nullable(v.number()), null),
        start_percentage: v.optional(v.nullable(v.number()), null),
        duration_minutes: v.optional(v.nullable(v.number()), null)
      }))
    }), {})
  }))
})

/** Oldest first. */
export type FedoraReleases = v.InferOutput<typeof releasesSchema>
export type FedoraUpdates = v.InferOutput<typeof updatesSchema>

export interface FedoraStream {
  readonly releases: FedoraReleases
  readonly updates: FedoraUpdates
}

/** Releases of one stream. Fedora's had some 150 of each by 2026. */
const mostReleases = 5000

/** `from` names the files in messages. AppError image_metadata_invalid. */
export function readFedoraStream (
  stream: string, texts: { readonly releases: string, readonly updates: string }, from: string
): FedoraStream {
  return { releases: read(releasesSchema, texts.releases, stream, `${from} (releases)`), updates: read(updatesSchema, texts.updates, stream, `${from} (updates)`) }
}

function read<T extends { readonly stream: string, readonly releases: readonly unknown[] }> (
  schema: v.GenericSchema<unknown, T>, text: string, stream: string, from: string
): T {
  const refuse = (what: string): never => { throw new AppError('image_metadata_invalid', `${from}: ${what}`) }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refuse(messageOf(error))
  }
  const result = v.safeParse(schema, value)
  if (!result.success) return refuse(`${v.getDotPath(result.issues[0]) ?? 'the document'}: ${result.issues[0].message}`)
  if (result.output.stream !== stream) refuse(`it is of the stream ${JSON.stringify(result.output.stream)}, not ${stream}`)
  if (result.output.releases.length > mostReleases) refuse(`it has more than ${mostReleases} releases`)
  return result.output
}
