// The HTTP application over a store, listening on a free port of this machine until the test ends.
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import { buildHttpApp, type HttpApp, type HttpOptions } from '../../src/http/http-server.js'
import { createProvisioner, type ProvisionerOptions } from '../../src/matchbox/provisioner.js'

export interface LogLine { readonly level: number, readonly msg: string, readonly [field: string]: unknown }

export interface TestApp {
  readonly app: HttpApp
  readonly port: number
  readonly log: readonly LogLine[]
}

export interface TestAppOptions extends ProvisionerOptions, Partial<HttpOptions> {
  /** Adds routes beside Matchbox's. */
  readonly routes?: (app: FastifyInstance) => void
}

export async function listen (t: Test, { store, resilient, assets, aside, guard, routes, ...options }: TestAppOptions): Promise<TestApp> {
  const log: LogLine[] = []
  const app = buildHttpApp({
    provisioner: createProvisioner({ store, resilient: resilient ?? false, aside, ...guard !== undefined && { guard }, ...assets === undefined ? {} : { assets } }),
    log: pino({ level: 'debug', base: null }, { write: (line: string) => { log.push(JSON.parse(line) as LogLine) } }),
    assetsPath: '',
    ready: () => [],
    ...options
  })
  routes?.(app)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  return { app, port: (app.server.address() as AddressInfo).port, log }
}
