// What the page shows, asked of the running parts.
import { programVersion } from '../base/bundled.js'
import { stateAt } from '../dhcp/leases.js'
import { guardOf } from '../matchbox/guard.js'
import { type Group, matcherOf } from '../matchbox/group.js'
import { documentKinds, isConfigKind } from '../matchbox/document-bodies.js'
import { maskDocument } from '../matchbox/mask.js'
import type { ConfigKind } from '../matchbox/store.js'
import type { Labels } from '../matchbox/select.js'
import type { Machine } from '../machines/machine.js'
import { formatIpv4 } from '../net/ipv4.js'
import type { Fleet } from '../ui/fleet.js'
import type { ImageShown, SourceOfImages } from '../ui/images-page.js'
import type { CandidateShown, DocumentShown } from '../ui/machine-page.js'
import type { UiSource } from '../ui/ui-app.js'
import { machineRoutes } from './http.js'
import { openSelfDiagnosis } from './self-diagnosis.js'
import type { RunningParts } from './running-parts.js'
import { networkShown } from './ui-network.js'
import { storeShown } from './ui-store.js'

/** Groups that are looked at in one go, and that are shown of those that want a label of a machine. */
const slice = 500
const mostCandidates = 20

export const uiSource = (parts: RunningParts, fleet: Fleet): UiSource => {
  const { clock, registry, leases, provisioner, store, images, pace, packets } = parts
  return {
    ...machineRoutes(parts),
    clock,
    fleet,
    version: programVersion(),
    problems: parts.readiness.ready,
    details: async mac => {
      const machine = registry.get(mac)
      const labels = labelsOf(machine, mac)
      const chosen = provisioner.matchMachine(labels)
      const lease = [...leases.table.values()].find(found => found.mac === mac)
      return {
        lease: lease === undefined
          ? undefined
          : { address: formatIpv4(lease.ip), until: new Date(lease.expires).toISOString(), state: stateAt(lease, clock.now()) },
        candidates: await candidatesOf(parts, labels, chosen),
        documents: await pace.work(() => documentsOf(parts, labels, chosen)),
        packets: packets?.of(mac) ?? []
      }
    },
    pcap: mac => packets?.pcap(mac),
    network: () => networkShown(parts),
    images: async () => images === undefined
      ? { sources: [], releases: [], underWay: [] }
      : {
          ...JSON.parse(Buffer.from(await images.list()).toString()) as {
            sources: readonly SourceOfImages[], releases: readonly ImageShown[]
          },
          underWay: images.underWay()
        },
    bootedBy: () => {
      const named = [...store.snapshot.profiles.values()].flatMap(({ id, boot }) => boot === undefined
        ? []
        : [{ id, urls: [boot.kernel, ...boot.initrd].map(kernel => provisioner.pinned({ kernel, initrd: [], args: [] }).kernel) }])
      return path => named.filter(({ urls }) => urls.some(url => url.includes(`${path}/`))).map(({ id }) => id)
    },
    store: places => storeShown(parts, places),
    health: openSelfDiagnosis(parts)
  }
}

/** What iPXE would say of the machine, as far as it is known. */
function labelsOf (machine: Machine | undefined, mac: string): Labels {
  const { uuid, serial, name } = machine ?? {}
  return new Map(Object.entries({ mac, uuid, serial, hostname: name }).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Groups that want at least one label that the machine has, the chosen one first. */
async function candidatesOf ({ store, pace }: RunningParts, labels: Labels, chosen: Group | undefined): Promise<readonly CandidateShown[]> {
  const groups = [...store.snapshot.groups.values()]
  const found: Array<CandidateShown & { readonly fitting: number }> = []
  for (let at = 0; at < groups.length; at += slice) {
    await pace.work(() => {
      for (const group of groups.slice(at, at + slice)) {
        const wants = [...matcherOf(group.selector)].map(([key, values]) => ({ key, value: values.join(','), said: labels.get(key), fits: values.includes(labels.get(key) ?? '') }))
        const fitting = wants.filter(({ fits }) => fits).length
        const isChosen = group === chosen
        if (fitting > 0 || isChosen || wants.length === 0) found.push({ group: group.id, profile: group.profile, wants, isChosen, fitting })
      }
    })
  }
  return found.sort((a, b) => Number(b.isChosen) - Number(a.isChosen) || b.fitting - a.fitting).slice(0, mostCandidates)
}

function documentsOf ({ provisioner, store }: RunningParts, labels: Labels, group: Group | undefined): readonly DocumentShown[] {
  const rawQuery = new URLSearchParams([...labels]).toString()
  const isGuarded = group !== undefined && guardOf(group).limits !== undefined
  const profile = store.snapshot.profiles.get(group?.profile ?? '')
  const named: Readonly<Record<ConfigKind, string | undefined>> =
    { ignition: profile?.ignitionId, cloud: profile?.cloudId, generic: profile?.genericId }
  return documentKinds.flatMap((kind): readonly DocumentShown[] => {
    // Most profiles have one kind of config: that there is none of the others is no news.
    if ((kind === 'cloud' || kind === 'generic') && (named[kind] ?? '') === '') return []
    if (isConfigKind(kind) && isGuarded) return [{ name: kind, text: '', note: 'guarded: shown to the machine alone' }]
    const { body, error, problem, report } = provisioner.render(kind, { labels, rawQuery, client: undefined })
    const note = error?.message ?? [problem, ...report].filter(text => text !== undefined).join('; ')
    return [{ name: kind, text: body === undefined ? '' : maskDocument(kind, body), ...note !== '' && { note } }]
  })
}
