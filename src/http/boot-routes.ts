// What a machine boots: / (a sign of life), /boot.ipxe and /boot.ipxe.0, /ipxe, /grub.
import type { FastifyInstance } from 'fastify'
import { send, sniffed } from './answer.js'
import { answerDocument } from './document.js'
import type { Routing } from './routing.js'

export function bootRoutes (app: FastifyInstance, routing: Routing): void {
  const name = sniffed(Buffer.from('matchbox\n'))
  app.get('/', (_, reply) => send(reply, name))

  const script = sniffed(routing.provisioner.bootScript())
  for (const path of ['/boot.ipxe', '/boot.ipxe.0']) {
    app.get(path, (request, reply) => {
      Object.assign(routing.seen(request), { kind: 'boot', name: 'boot' })
      return routing.answer(request, reply, script)
    })
  }

  for (const kind of ['ipxe', 'grub'] as const) {
    app.get(`/${kind}`, (request, reply) => answerDocument(routing, request, reply, kind, 'script', ({ profile, group, boot }, body) => {
      const { mac } = routing.seen(request)
      if (profile !== undefined) routing.booting.scriptServed(routing.ip(request), { mac, group, profile, boot })
      return sniffed(body)
    }))
  }
}
