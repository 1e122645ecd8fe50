// A UDP network on which somebody listens in: told of each datagram of its sockets, in both directions.
import type { Endpoint } from './endpoint.js'
import type { UdpNetwork } from './udp.js'

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
    const { readWaiting, sendAll, sendNow, unsentShare } = socket
    const told = (data: Uint8Array, to: Endpoint): void => { hear({ data, from: socket.local, to, isSent: true }) }
    return {
      local: socket.local,
      send: (data, to, sent) => {
        told(data, to)
        socket.send(data, to, sent)
      },
      ...sendNow !== undefined && {
        sendNow: (data, to) => {
          told(data, to)
          return sendNow(data, to)
        }
      },
      ...sendAll !== undefined && {
        sendAll: (datagrams, to, refused) => {
          for (const data of datagrams) told(data, to)
          sendAll(datagrams, to, refused)
        }
      },
      ...unsentShare !== undefined && { unsentShare },
      ...readWaiting !== undefined && { readWaiting: enough => { readWaiting(enough) } },
      close: () => socket.close()
    }
  }
})
