// Groups and profiles between their messages and the data model.
import { type Group, encodeMetadata, parseMetadata } from '../matchbox/group.js'
import type { Profile } from '../matchbox/profile.js'
import { AppError } from '../base/errors.js'
import type { GroupMessage, ProfileMessage, ReceivedGroup } from './messages.js'

/** Throws AppError `group_invalid` when the metadata is not a JSON object. */
export function groupOf ({ id = '', name = '', profile = '', selector = new Map(), metadata }: ReceivedGroup): Group {
  // Metadata that is there but empty is not JSON, and Matchbox refuses it; what is not there is no metadata.
  if (metadata?.length === 0) throw new AppError('group_invalid', 'metadata is there but empty: leave it out, or send {}')
  return { id, name, profile, selector, metadata: metadata === undefined ? undefined : parseMetadata(metadata) }
}

/** The selector as it was put, whatever spelling its addresses have, so that Terraform sees no difference. */
export function groupMessage ({ id, name, profile, selector, metadata }: Group): GroupMessage {
  return { id, name, profile, selector: Object.fromEntries(selector), metadata: encodeMetadata(metadata) }
}

/** `before` is the profile that it replaces: the message has no fields for `resilient` and `shim`, so what was written of them stays. */
export function profileOf (message: ProfileMessage, before: Profile | undefined): Profile {
  const { id = '', name = '', ignition_id: ignitionId = '', cloud_id: cloudId = '', boot, generic_id: genericId = '' } = message
  const { resilient, shim } = before?.boot ?? {}
  return {
    id,
    name,
    boot: boot === undefined
      ? undefined
      : { kernel: boot.kernel ?? '', initrd: boot.initrd ?? [], args: boot.args ?? [], ...resilient !== undefined && { resilient }, ...shim !== undefined && { shim } },
    ignitionId,
    cloudId,
    genericId
  }
}

/** Always with a `boot`: Terraform's provider reads `boot.kernel` without looking and dies where it is missing. */
export function profileMessage ({ id, name, boot, ignitionId, cloudId, genericId }: Profile): ProfileMessage {
  const { kernel, initrd, args } = boot ?? { kernel: '', initrd: [], args: [] }
  return { id, name, ignition_id: ignitionId, cloud_id: cloudId, boot: { kernel, initrd, args }, generic_id: genericId }
}
