// A hash as Ignition spells it: `sha512-0123...`. Half of one counts as none.
import type { Verification2 } from '../spec2/schema.js'
import type { ClcVerification } from './schema.js'

export const convertVerification = ({ hash }: ClcVerification): Verification2 =>
  ({ hash: hash.function === '' || hash.sum === '' ? undefined : `${hash.function}-${hash.sum}` })
