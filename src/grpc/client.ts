// A client of the read-write API, for the command line and the tests.
import { Client, Metadata, credentials } from '@grpc/grpc-js'
import { loadProtocol, serviceNames } from './proto.js'

export interface GrpcClientOptions {
  /** `host:port`. */
  readonly address: string
  /** PEM texts: the authority that issued the server's certificate, and who the client is. */
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** The name that the server's certificate has to be for, when it is not the host of `address`. */
  readonly serverName?: string
}

export interface GrpcClient {
  /** Calls by its name, `GroupPut`; rejects with grpc-js's ServiceError, whose `code` is the gRPC status. */
  call: (name: string, request: object, options?: { readonly timeout?: number }) => Promise<object>
  close: () => void
}

const defaultTimeout = 10_000

export async function openGrpcClient ({ address, ca, cert, key, serverName }: GrpcClientOptions): Promise<GrpcClient> {
  const { services } = await loadProtocol()
  const client = new Client(address, credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert)), {
    ...serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName },
    'grpc.enable_channelz': 0
  })
  const methods = new Map(serviceNames.flatMap(service => Object.entries(services[service])))
  return {
    call: (name, request, { timeout = defaultTimeout } = {}) => new Promise((resolve, reject) => {
      const method = methods.get(name)
      if (method === undefined) throw new Error(`the API has no call ${name}`)
      const { path, requestSerialize, responseDeserialize } = method
      const deadline = Date.now() + timeout
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, new Metadata(), { deadline }, (error, response) => {
        if (error !== null) reject(error)
        else resolve(response ?? {})
      })
    }),
    close: () => { client.close() }
  }
}
