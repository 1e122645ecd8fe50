// What is wrong with a configuration: what its schema says, and what the whole does not allow although each key by itself does.
import * as v from 'valibot'
import type { ValuePath } from '../base/positions.js'
import { contains, formatSubnet } from '../net/ipv4.js'
import { clusterFaults } from './cluster.js'
import { givesAddresses } from './dhcp-interfaces.js'
import type { Fault } from './fault.js'
import { type Config, configSchema, type ListenAddress, subnetSchema } from './schema.js'
import { unknownKeys } from './unknown-keys.js'

/** What the schema says, with every unknown key in place of the first one, and what the whole does not allow. */
export const faultsIn = (raw: unknown, schema: v.GenericSchema, result: SchemaResult): readonly Fault[] =>
  [...schemaFaults(raw, schema, result), ...contradictions(raw)]

interface SchemaResult { readonly success: boolean, readonly issues?: ReadonlyArray<v.BaseIssue<unknown>> | undefined }

/** The same of the schema alone. */
export const schemaFaults = (raw: unknown, schema: v.GenericSchema, { issues = [] }: SchemaResult): readonly Fault[] => [
  ...issues.filter(issue => !isUnknownKey(issue)).map(issue => ({ path: pathOf(issue), message: explain(issue) })),
  ...issues.length === 0 ? [] : unknownKeys(schema, raw)
]

const pathOf = ({ path }: v.BaseIssue<unknown>): ValuePath => (path ?? []).map(item => item.key as string | number)
const isUnknownKey = ({ type, expected }: v.BaseIssue<unknown>): boolean => type === 'strict_object' && expected === 'never'

/** What each key by itself allows and the whole does not, as far as the keys can be made out: whatever else is wrong hides nothing. */
function contradictions (raw: unknown): readonly Fault[] {
  const { dhcp, http, rpc, ui, cluster, enrolment: enrolling } = configSchema.entries
  const read = <S extends v.GenericSchema>(schema: S, ...path: string[]): v.InferOutput<S> | undefined => {
    const result = v.safeParse(schema, path.reduce<unknown>((value, key) => Object(value)[key], raw))
    return result.success ? result.output : undefined
  }
  const problems: Fault[] = []
  const https = http.wrapped.entries.https.wrapped.entries
  if ((read(https.address, 'http', 'https', 'address') ?? null) !== null) {
    for (const key of ['cert_file', 'key_file'] as const) {
      if (read(https[key], 'http', 'https', key) === '') problems.push({ path: ['http', 'https', key], message: 'expected a PEM file, or http.https.address: ""' })
    }
  }
  problems.push(...samePorts([
    ['http.address', read(http.wrapped.entries.address, 'http', 'address')],
    ['http.https.address', read(https.address, 'http', 'https', 'address')],
    // Left unwritten, it gives way where there are no certificates.
    ['rpc.address', Object(raw)['rpc'] === undefined ? undefined : read(rpc.wrapped.entries.address, 'rpc', 'address')],
    ['ui.address', read(ui.wrapped.entries.address, 'ui', 'address')]
  ]))
  const { name, etcd: { wrapped: { entries: etcd } } } = cluster.wrapped.entries
  problems.push(...clusterFaults({
    isWritten: Object.keys(Object(Object(raw)['cluster']) as object).length > 0,
    name: read(name, 'cluster', 'name'),
    endpoints: read(etcd.endpoints, 'cluster', 'etcd', 'endpoints'),
    isSet: key => (read(etcd[key], 'cluster', 'etcd', key) ?? '') !== ''
  }))
  const keys = dhcp.wrapped.entries
  const mode = read(keys.mode, 'dhcp', 'mode')
  const [single, several] = [read(keys.interface, 'dhcp', 'interface'), read(keys.interfaces, 'dhcp', 'interfaces')]
  if ((mode === 'server' || mode === 'proxy') && single === '' && several?.length === 0) {
    problems.push({ path: ['dhcp', 'interface'], message: 'expected the interface to listen on, or dhcp.mode: off' })
  }
  for (const [index, { name }] of (several ?? []).entries()) {
    const before = several?.findIndex(other => other.name === name) ?? index
    if (before < index) problems.push({ path: ['dhcp', 'interfaces', index], message: `expected each interface once: ${name} is interface ${before + 1} already` })
  }
  const serves = mode !== undefined && single !== undefined && several !== undefined &&
    givesAddresses({ dhcp: { mode, interface: single, interfaces: several } })
  const written = Object(Object(raw)['dhcp'])['subnets'] as unknown
  if (written !== undefined && !Array.isArray(written)) return problems
  const subnets = (written ?? []) as readonly unknown[]
  if ((mode === 'server' || serves) && subnets.length === 0) problems.push({ path: ['dhcp', 'subnets'], message: 'expected at least one subnet in server mode' })
  const entries = subnetSchema.entries
  const part = <S extends v.GenericSchema>(schema: S, index: number, key: string): v.InferOutput<S> | undefined => {
    const result = v.safeParse(schema, Object(subnets[index])[key])
    return result.success ? result.output : undefined
  }
  const known = subnets.map((_, index) => part(entries.subnet, index, 'subnet'))
  for (const [index, subnet] of known.entries()) {
    if (subnet === undefined) continue
    const at = ['dhcp', 'subnets', index]
    const other = known.findIndex(before => before !== undefined && (contains(before, subnet.network) || contains(subnet, before.network)))
    if (other < index) problems.push({ path: [...at, 'subnet'], message: `expected subnets apart: it overlaps subnet ${other + 1}` })
    const range = part(entries.range, index, 'range')
    if (range !== undefined && !(contains(subnet, range.first) && contains(subnet, range.last))) {
      problems.push({ path: [...at, 'range'], message: `expected addresses inside ${formatSubnet(subnet)}` })
    }
    const outside = part(entries.routers, index, 'routers')?.findIndex(router => !contains(subnet, router)) ?? -1
    if (outside >= 0) problems.push({ path: [...at, 'routers', outside], message: `expected an address inside ${formatSubnet(subnet)}` })
  }
  const enrolment = enrolling.wrapped.entries
  const profiles = read(enrolment.profiles, 'enrolment', 'profiles') ?? []
  const open = profiles.findIndex(({ quantity }) => quantity === undefined)
  if (open >= 0 && open < profiles.length - 1) problems.push({ path: ['enrolment', 'profiles', open, 'quantity'], message: 'expected a quantity: only the last profile may take all that come' })
  const range = read(enrolment.range, 'enrolment', 'range')
  if (range != null && (mode === 'server' || serves) && !known.some(subnet => subnet !== undefined && contains(subnet, range.first) && contains(subnet, range.last))) {
    problems.push({ path: ['enrolment', 'range'], message: 'expected addresses inside one of dhcp.subnets' })
  }
  return problems
}

/** Two listeners of TCP on one port of one address: the second would find it taken. */
function samePorts (addresses: ReadonlyArray<readonly [key: string, address: ListenAddress | null | undefined]>): readonly Fault[] {
  const wanted = addresses.flatMap(([key, address]) => address == null || address.port === 0 ? [] : [{ key, ...address }])
  return wanted.flatMap(({ key, host, port }, index) => {
    const first = wanted.slice(0, index).find(other => other.port === port && isOneAddress(other.host, host))
    return first === undefined ? [] : [{ path: key.split('.'), message: `expected another port than ${first.key} has, ${port}` }]
  })
}

const isEverywhere = (host: string): boolean => host === '0.0.0.0' || host === '::'
const isOneAddress = (a: string, b: string): boolean => a === b || isEverywhere(a) || isEverywhere(b)

function explain (issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object') return issue.expected === 'Object' ? 'expected keys and values' : 'this key is missing'
  const received = issue.received === 'undefined' ? 'nothing' : issue.received
  return issue.kind === 'schema' || issue.type === 'raw_transform' ? `${issue.message}, not ${received}` : issue.message
}

/** As often may something be taken out. */
const mostFaults = 200

/** The configuration once what is wrong was taken out of it, and what it stood in where it can't be without. */
export function withoutFaults (raw: unknown): Config | undefined {
  const copy = structuredClone(raw) as Record<string, unknown>
  const removed = new Set<string>()
  for (let tries = 0; tries < mostFaults; tries++) {
    const result = v.safeParse(configSchema, copy)
    const faults = faultsIn(copy, configSchema, result)
    if (result.success && faults.length === 0) return result.output
    let { path } = faults[0]!
    // What is missing is not there to be removed: then what it is missing in goes.
    while (path.length > 0 && (removed.has(path.join('\0')) || !remove(copy, path))) path = path.slice(0, -1)
    if (path.length === 0) return undefined
    if (typeof path.at(-1) === 'string') removed.add(path.join('\0'))
  }
  return undefined
}

function remove (from: unknown, path: ValuePath): boolean {
  const parent = path.slice(0, -1).reduce<unknown>((value, key) => Object(value)[key], from)
  const key = path.at(-1)!
  if (Array.isArray(parent)) return parent.splice(Number(key), 1).length > 0
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) return false
  return Reflect.deleteProperty(parent, key)
}
