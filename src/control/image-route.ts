// /v1/images: mirrored releases, what they were verified by, and how their sources are.
import type { FastifyInstance } from 'fastify'

export function registerImageRoute (app: FastifyInstance, list: () => Promise<object>): void {
  app.get('/v1/images', list)
}
