// Where a request came from, as the socket has it: nothing that a client says of itself, and no proxy's word, counts.
import { unmapped } from '../net/ipv4.js'

/** An IP address; '' of a connection that is gone. */
export const addressOf = ({ socket }: { readonly socket: { readonly remoteAddress?: string | undefined } }): string =>
  unmapped(socket.remoteAddress ?? '')
