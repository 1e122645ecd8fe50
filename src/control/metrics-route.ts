// /metrics: what is counted, as Prometheus reads it.
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../base/metrics.js'

export function registerMetricsRoute (app: FastifyInstance, metrics: Metrics): void {
  app.get('/metrics', async (_request, reply) => {
    void reply.header('content-type', metrics.contentType)
    return await metrics.text()
  })
}
