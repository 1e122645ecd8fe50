// Tectonic's variables for Terraform (terraform.tfvars) as cluster-builder writes them: JSON that lacks a comma, JSON as it should
// be, or HCL 1. Machines are three lists of equal length for each role.
import { counted } from '../../base/units.js'
import { type ExportContext, type ExportedHost, shortName } from '../exported.js'
import { macFact, nameFact, quoted } from '../facts.js'
import { emptyList, type Fact, type HostList, type ListedHost, type Place } from '../host-list.js'
import { itemsOf, memberOf, type ObjectValue, readObjects, textOf } from '../object-notation.js'
import { listError, type SourceText } from '../source-text.js'

const roles = { controllers: 'tectonic_metal_controller', workers: 'tectonic_metal_worker' } as const

export function readTfvars (source: SourceText): HostList {
  const { value: document, remarks } = readObjects(source)
  if (document.kind !== 'object') throw listError(document.at, 'variables were expected, not a list')
  const hosts: ListedHost[] = []
  for (const [role, prefix] of Object.entries(roles)) {
    const [macs, domains, names] = [listOf(document, `${prefix}_macs`), listOf(document, `${prefix}_domains`), listOf(document, `${prefix}_names`)]
    const long = Math.max(macs.items.length, domains.items.length, names.items.length)
    for (const { items, key, at } of [macs, domains, names]) {
      if (items.length !== long && (items.length > 0 || key.endsWith('_macs'))) {
        throw listError(at, `${key} has ${counted(items.length, 'entry', 'entries')} where the other lists of ${role} have ${long}: they belong together by their order`)
      }
    }
    for (let index = 0; index < long; index++) {
      // The full name says more.
      const name = domains.items[index] ?? names.items[index]
      const mac = macs.items[index]
      const at = mac?.at ?? name?.at ?? macs.at
      hosts.push({
        at,
        name: name === undefined ? undefined : nameFact(name.value, name.at),
        macs: mac === undefined ? [] : [macFact(mac.value, mac.at)],
        ip: undefined,
        role: { value: role, at }
      })
    }
  }
  const cluster = textOf(memberOf(document, 'tectonic_cluster_name'), 'tectonic_cluster_name')
  return { ...emptyList, hosts, remarks: [...source.remarks, ...remarks], cluster }
}

interface TextList { readonly key: string, readonly at: Place, readonly items: ReadonlyArray<Fact<string>> }

/** HCL 1 writes an empty list as "". */
function listOf (document: ObjectValue, key: string): TextList {
  const value = memberOf(document, key)
  if (value === undefined || (value.kind === 'string' && value.value === '')) return { key, at: value?.at ?? document.at, items: [] }
  if (value.kind !== 'list') throw listError(value.at, `${key}: a list was expected`)
  return {
    key,
    at: value.at,
    items: itemsOf(value).map(item => {
      const text = textOf(item, key)
      if (text === undefined) throw listError(item.at, `${key}: text was expected, not ${quoted('')}`)
      return text
    })
  }
}

/** Machines without one of Tectonic's roles have no place in it and are left out. */
export function writeTfvars (hosts: readonly ExportedHost[], { cluster, httpUrl, rpcEndpoint, certificates }: ExportContext): string {
  const lists = Object.entries(roles).flatMap(([role, prefix]) => {
    const mine = hosts.filter(host => host.role === role)
    return [
      [`${prefix}_names`, mine.map(({ fullName = '' }) => shortName(fullName))],
      [`${prefix}_domains`, mine.map(({ fullName = '' }) => fullName)],
      [`${prefix}_macs`, mine.map(({ macs }) => macs[0] ?? '')]
    ] as const
  })
  const variables = {
    tectonic_cluster_name: cluster,
    ...Object.fromEntries(lists),
    tectonic_metal_worker_count: hosts.filter(({ role }) => role === 'workers').length,
    tectonic_metal_matchbox_http_url: httpUrl,
    tectonic_metal_matchbox_rpc_endpoint: rpcEndpoint,
    ...certificates !== undefined && {
      tectonic_metal_matchbox_ca: certificates.ca,
      tectonic_metal_matchbox_client_cert: certificates.cert,
      tectonic_metal_matchbox_client_key: certificates.key
    }
  }
  return `${JSON.stringify(variables, null, 2)}\n`
}
