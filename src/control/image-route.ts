// /v1/images: mirrored releases, what they were verified by, and how their sources are.
import type { FastifyInstance } from 'fastify'

/** `list` gives JSON. */
export function registerImageRoute (app: FastifyInstance, list: () => Promise<Uint8Array>): void {
  app.get('/v1/images', async (_request, reply) => {
    void reply.header('content-type', 'application/json; charset=utf-8')
    const { buffer, byteOffset, byteLength } = await list()
    return Buffer.from(buffer, byteOffset, byteLength)
  })
}
