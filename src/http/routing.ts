// What the files of Matchbox's routes share.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Provisioner } from '../matchbox/provisioner.js'
import type { Answer } from './answer.js'
import type { BootingMachines } from './booting-machines.js'
import type { Seen } from './machine-log.js'
import type { RenderingCache } from './rendering-cache.js'
import type { Target } from '../go/http/request-target.js'

/** What a route may know of a request beyond fastify's own. */
export interface Routing {
  readonly provisioner: Provisioner
  readonly booting: BootingMachines
  readonly rendered: RenderingCache
  /** The target as it came. */
  target: (request: FastifyRequest) => Target
  /** The method as it came. */
  method: (request: FastifyRequest) => string
  seen: (request: FastifyRequest) => Seen
  ip: (request: FastifyRequest) => string
  /** The hardware address of the machine at an IP address, where that counts; undefined when it is not to be asked. */
  readonly identify: ((ip: string) => string | undefined) | undefined
  /** Sends what was asked for: the answer, or its signature. */
  answer: (request: FastifyRequest, reply: FastifyReply, answer: Answer) => FastifyReply | Promise<FastifyReply>
}
