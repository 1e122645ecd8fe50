// The machines of a storm in a process of its own, within their network namespace: generate.ts OPTIONS, as JSON; prints the result as JSON.
import { execFileSync } from 'node:child_process'
import { macOf } from '../../lib/bench-site.js'
import { storm } from './storm.js'

interface Given {
  readonly machines: number
  readonly over: number
  readonly loss: number
  readonly limit: number
  readonly again?: number
}

const given = JSON.parse(process.argv[2] ?? '{}') as Given
// Broadcasts go nowhere without it.
execFileSync('ip', ['route', 'replace', 'default', 'dev', 'eth0'])
const before = process.cpuUsage()
const result = await storm({ ...given, macOf, expected: n => `node-${n}` })
const { user, system } = process.cpuUsage(before)
process.stdout.write(`${JSON.stringify({ ...result, generatorCpu: (user + system) / 1000 })}\n`)
process.exit(0)
