// What an export writes, an import reads as the same list: every format, over generated lists.
import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { ExportedHost } from '../../src/inventory/exported.js'
import { writeTerraform } from '../../src/inventory/formats/terraform.js'
import { joinLists } from '../../src/inventory/join.js'
import { wrapped } from '../../src/inventory/managed-block.js'
import { type KnownHost, nameWithin, planImport } from '../../src/inventory/plan.js'
import { readers, recognise } from '../../src/inventory/recognise.js'
import { type ExportFormat, writerOf, writers } from '../../src/inventory/write-list.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import { context, knownLists, networks, withDomain } from '../helpers/known-hosts.js'
import { sourceOf } from '../helpers/lists.js'
import { cases } from '../helpers/property.js'

type Fact = 'macs' | 'ip' | 'name' | 'role'

/** What each format has a place for. Where it has none for a fact, an import takes that from what is known. */
const carried: Readonly<Record<ExportFormat | 'terraform', (host: ExportedHost) => readonly Fact[]>> = {
  csv: ({ role }) => ['controllers', 'workers'].includes(role ?? '') ? ['macs', 'name', 'role'] : ['macs', 'ip', 'name', 'role'],
  dhcpd: () => ['macs', 'ip', 'name'],
  fusion: () => ['macs', 'ip', 'name'],
  dnsmasq: () => ['macs', 'ip', 'name', 'role'],
  kea: () => ['macs', 'ip', 'name', 'role'],
  ansible: () => ['macs', 'ip', 'name', 'role'],
  tfvars: () => ['name', 'role'],
  hosts: () => ['ip', 'name'],
  json: () => ['macs', 'ip', 'name', 'role'],
  terraform: () => ['macs', 'ip', 'name', 'role']
}

const subnets = networks.map(({ subnet, routers, domain }) => ({ subnet, routers, domain }))
const readerOf = (format: string) => readers[(format === 'fusion' ? 'dhcpd' : format) as keyof typeof readers]

function written (format: ExportFormat | 'terraform', known: readonly KnownHost[]): { readonly text: string, readonly hosts: readonly ExportedHost[] } {
  const all = known.map(withDomain)
  if (format === 'terraform') {
    const groups = all.map(({ macs, ip, name, role }, index) => ({
      id: `g${index}`,
      name: '',
      profile: 'core',
      selector: new Map([['mac', macs.join(',')]]),
      metadata: new Map([...ip === undefined ? [] : [['ip', formatIpv4(ip)] as const], ...name === undefined ? [] : [['hostname', name] as const], ...role === undefined ? [] : [['role', role] as const]])
    }))
    return { text: writeTerraform({ groups, profiles: [], configOf: () => undefined }), hosts: all }
  }
  const writer = writerOf(format)
  const hosts = all.filter(writer.needs?.[1] ?? (() => true))
  const text = writer.write(hosts, context)
  return { text: writer.markers === undefined ? text : wrapped(text, writer.markers('lab')), hosts }
}

/** The facts of a host that its format carries; its name as it is written within its subnet. */
function factsOf (facts: readonly Fact[], { macs, ip, name, role }: Omit<ExportedHost, 'fullName'>, within: ExportedHost): object {
  const has = (fact: Fact): boolean => facts.includes(fact)
  return {
    ...has('macs') && { macs },
    ...has('ip') && { ip },
    // The domain of its subnet is the subnet's to say.
    ...has('name') && { name: name === undefined ? undefined : nameWithin(name, within.ip, subnets) },
    ...has('role') && { role }
  }
}

for (const format of [...Object.keys(writers), 'terraform'] as Array<keyof typeof carried>) {
  t.test(format, t => {
    fc.assert(fc.property(knownLists(), known => {
      const { text, hosts } = written(format, known)
      const list = readerOf(format)(sourceOf(text))
      const joined = joinLists([list])
      const byMac = new Map(hosts.map(host => [host.macs[0], host]))
      const found = joined.map(({ macs, ip, name, role }, index) => {
        // Some formats have an order of their own.
        const host = byMac.get(macs[0]?.value) ?? hosts[index]!
        return [hosts.indexOf(host), factsOf(carried[format](host), { macs: macs.map(({ value }) => value), ip: ip?.value, name: name?.value, role: role?.value === 'core' ? undefined : role?.value }, host)] as const
      })
      deepEqual(found.sort(([a], [b]) => a - b), hosts.map((host, index) => [index, factsOf(carried[format](host), host, host)]))
      const rows = planImport(joined, { known, subnets, as: 'groups' })
      deepEqual(rows.filter(({ state }) => state !== 'same').map(({ name, state, why }) => ({ name, state, why })), [])
      deepEqual(list.remarks.filter(({ text }) => !/each on a line alone|in \d+ hosts? is left out/.test(text)), [])
      if (hosts.length > 0 && format !== 'json') equal(readers[recognise(sourceOf(text))], readerOf(format))
    }), cases(t, 200))
    t.end()
  })
}
