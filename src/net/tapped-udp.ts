// A UDP network on which somebody listens in: told of each datagram of its sockets, in both directions.
import type { Endpoint, UdpNetwork } from './udp.js'

export interface TappedDatagram {
  readonly data: Uint8Array
  readonly from: Endpoint
  readonly to: Endpoint
  readonly isSent: boolean
}

/** `hear` must not throw. */
export const tapped = (network: UdpNetwork, hear: (datagram: TappedDatagram) => void): UdpNetwork => ({
  bind: async (options, onDatagram) => {
    const socket = await network.bind(options, (data, from) => {
      hear({ data, from, to: socket.local, isSent: false })
      onDatagram(data, from)
    })
    const { readWaiting } = socket
    return {
      local: socket.local,
      send: (data, to, sent) => {
        hear({ data, from: socket.local, to, isSent: true })
        socket.send(data, to, sent)
      },
      ...readWaiting !== undefined && { readWaiting: enough => { readWaiting(enough) } },
      close: () => socket.close()
    }
  }
})
