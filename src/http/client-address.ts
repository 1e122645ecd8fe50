// Where a request came from, as the socket has it: nothing that a client says of itself, and no proxy's word, counts.
import { unmapped } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'

/** An IP address; '' of a connection that is gone. */
export const addressOf = ({ socket }: { readonly socket: { readonly remoteAddress?: string | undefined } }): string =>
  unmapped(socket.remoteAddress ?? '')

/** Fulfilled when it is known whose the address is, before it is decided on; undefined where nothing is to be waited for. */
export type Hear = (mac: Mac | undefined, address: string) => Promise<void> | undefined

/** Before requests are handled in which nothing but the address says who asks. */
export const whenHeard = (hear: Hear | undefined) => async (request: Parameters<typeof addressOf>[0]): Promise<void> => {
  await hear?.(undefined, addressOf(request))
}
