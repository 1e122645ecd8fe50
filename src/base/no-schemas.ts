// For fastify: none of our routes has a JSON schema, and what compiles them (ajv and fast-json-stringify, 40 ms of CPU) is not loaded.
import { AppError } from './errors.js'

const noCompiler = (): never => { throw new AppError('usage', 'a route with a JSON schema needs fastify\'s own compilers: see base/no-schemas') }

export const noSchemas = { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } }
