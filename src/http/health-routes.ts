// /healthz: the process answers. /readyz: it does its work, or says why not, one reason a line; what may be amiss follows as warnings.
import type { FastifyInstance } from 'fastify'

const text = 'text/plain; charset=utf-8'

export function healthRoutes (app: FastifyInstance, ready: () => readonly string[], warnings: () => readonly string[]): void {
  app.get('/healthz', (_, reply) => reply.type(text).send('ok\n'))
  app.get('/readyz', (_, reply) => {
    const reasons = ready()
    const lines = [...reasons.length === 0 ? ['ok'] : reasons, ...warnings().map(text => `warning: ${text}`)]
    return reply.code(reasons.length === 0 ? 200 : 503).type(text).send(`${lines.join('\n')}\n`)
  })
}
