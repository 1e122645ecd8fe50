// /v1/provisioner: which of several provisioners answers here, for who looks at a name or an address that they share.
import type { FastifyInstance } from 'fastify'

export function registerProvisionerRoute (app: FastifyInstance, name: string): void {
  app.get('/v1/provisioner', (_request, reply) => reply.header('cache-control', 'no-store').send({ name }))
}
