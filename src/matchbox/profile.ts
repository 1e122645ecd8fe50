// A profile: what a machine boots and which configs it reads. Its file is Matchbox's profiles/<id>.json.
import { Buffer } from 'node:buffer'
import { AppError } from '../base/errors.js'
import { type JsonValue, jsonText, parseJson } from '../go/json.js'
import { fieldsOf, stringField, stringsField } from '../go/json-struct.js'
import { objectInvalid } from './object-fault.js'

export interface NetBoot {
  /** URL of the kernel, or a path that iPXE resolves against the script's own URL. */
  readonly kernel: string
  /** URLs of initial file systems, each with the options of iPXE's `initrd` command before it if any. */
  readonly initrd: readonly string[]
  /** Kernel arguments. */
  readonly args: readonly string[]
  /** Whether the iPXE script is the resilient one; unset: as the configuration says. Not Matchbox's, which passes over it. */
  readonly resilient?: boolean
  /** URL of the distribution's shim, which vouches for its kernel to an iPXE that runs under Secure Boot. Not Matchbox's either. */
  readonly shim?: string
}

export interface Profile {
  readonly id: string
  readonly name: string
  /** undefined in a profile that boots nothing. */
  readonly boot: NetBoot | undefined
  readonly ignitionId: string
  readonly cloudId: string
  readonly genericId: string
}

export const profileFields = ['id', 'name', 'ignition_id', 'cloud_id', 'boot', 'generic_id'] as const
export const bootFields = ['kernel', 'initrd', 'args', 'resilient', 'shim'] as const

/** The profile in a file; throws AppError profile_invalid, which says where in the file. One without an id is none. */
export function parseProfile (bytes: Buffer): Profile {
  try {
    let [id, name, ignitionId, cloudId, genericId] = ['', '', '', '', '']
    let boot: NetBoot | undefined
    for (const [field, node] of fieldsOf(parseJson(bytes), 'a profile', profileFields)) {
      if (field === 'id') id = stringField(field, node, id)
      else if (field === 'name') name = stringField(field, node, name)
      else if (field === 'ignition_id') ignitionId = stringField(field, node, ignitionId)
      else if (field === 'cloud_id') cloudId = stringField(field, node, cloudId)
      else if (field === 'generic_id') genericId = stringField(field, node, genericId)
      else if (node === null) boot = undefined
      else {
        let { kernel, initrd, args, resilient, shim }: NetBoot = boot ?? { kernel: '', initrd: [], args: [] }
        for (const [name, value] of fieldsOf(node, ['boot'], bootFields)) {
          if (name === 'kernel') kernel = stringField(['boot', 'kernel'], value, kernel)
          else if (name === 'initrd') initrd = stringsField(['boot', 'initrd'], value)
          else if (name === 'args') args = stringsField(['boot', 'args'], value)
          else if (name === 'shim') shim = typeof value === 'string' && value !== '' ? value : undefined
          else if (typeof value === 'boolean') resilient = value
        }
        boot = { kernel, initrd, args, ...resilient !== undefined && { resilient }, ...shim !== undefined && { shim } }
      }
    }
    const profile = { id, name, boot, ignitionId, cloudId, genericId }
    assertProfile(profile)
    return profile
  } catch (error) {
    throw objectInvalid('profile_invalid', error)
  }
}

/** The profile's file, to the byte as Matchbox writes it: empty fields left out. */
export function encodeProfile (profile: Profile): Buffer {
  const file = new Map<string, JsonValue>()
  const add = (key: string, value: string | readonly string[], to: Map<string, JsonValue> = file): void => {
    if (value.length > 0) to.set(key, value)
  }
  add('id', profile.id)
  add('name', profile.name)
  add('ignition_id', profile.ignitionId)
  add('cloud_id', profile.cloudId)
  if (profile.boot !== undefined) {
    const boot = new Map<string, JsonValue>()
    add('kernel', profile.boot.kernel, boot)
    add('initrd', profile.boot.initrd, boot)
    add('args', profile.boot.args, boot)
    if (profile.boot.resilient !== undefined) boot.set('resilient', profile.boot.resilient)
    if (profile.boot.shim !== undefined) boot.set('shim', profile.boot.shim)
    file.set('boot', boot)
  }
  add('generic_id', profile.genericId)
  return Buffer.from(jsonText(file, '\t'))
}

/** What a profile has to fulfil to be stored: throws AppError profile_invalid. */
export function assertProfile (profile: Profile): void {
  if (profile.id === '') throw new AppError('profile_invalid', 'a profile needs an id')
}
