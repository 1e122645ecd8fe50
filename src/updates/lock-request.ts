// What a machine says that asks FleetLock for a slot, or gives it back: `{"client_params": {"group": "workers", "id": "..."}}`.
import { isGroupName } from './reboot-slots.js'

export interface LockRequest { readonly group: string, readonly id: string }

/** undefined for what is none. */
export function parseLockRequest (body: Buffer): LockRequest | undefined {
  try {
    const params = Object(Object(JSON.parse(body.toString()))['client_params']) as Readonly<Record<string, unknown>>
    const { group, id } = params
    const isWhole = typeof group === 'string' && typeof id === 'string' && id !== '' && id.length <= 128 && isGroupName(group)
    return isWhole ? { group, id } : undefined
  } catch {
    return undefined
  }
}
