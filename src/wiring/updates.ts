// Day two, where groups are configured: policy over what is mirrored, its file, its metrics and its lines in the log.
import { join } from 'node:path'
import { lineFormats } from '../disk/state-formats.js'
import { instanceStatuses } from '../updates/omaha-events.js'
import type { UpdateGroup } from '../updates/policy.js'
import { type RebootEvent, type RebootGroup, Reboots } from '../updates/reboots.js'
import { type UpdateState, UpdateFile } from '../updates/update-store.js'
import { type UpdateEvent, Updates } from '../updates/updates.js'
import { compareVersions } from '../base/version.js'
import type { DayTwo, DayTwoNews } from './day-two.js'
import type { ServiceImages } from './service-images.js'
import { streamDocuments } from '../mirror/update-files.js'
import { Mirrored } from '../updates/mirrored-updates.js'
import type { RunningParts } from './running-parts.js'
import type { UpdateGroupConfigs } from './update-groups.js'

export async function startUpdates (parts: Omit<RunningParts, 'app' | 'dayTwo' | 'images'>, images: ServiceImages | undefined): Promise<DayTwo> {
  const { config, clock, log, macOf, onClose, metrics, updateGroups, cluster } = parts
  let current = (): UpdateState => ({ instances: new Map(), groups: new Map(), holders: new Map() })
  const path = join(config.state_path, lineFormats.update.file)
  const store = cluster?.openUpdates() ?? new UpdateFile({ path, log, current: () => current() })
  onClose(() => store.close())
  const before = await store.load()
  const mirrored = new Mirrored({
    releases: images === undefined ? undefined : () => images.updates(),
    documentsOf: config.assets_path === '' ? undefined : stream => streamDocuments(config.assets_path, stream),
    onProblem: error => { log.warn({ error: error.message }, 'updates.metadata') }
  })
  const counts = new Map<string, number>()
  const listeners: Array<(news: DayTwoNews) => void> = []
  const tellAll = (kind: string, facts: Facts): void => {
    for (const listener of listeners) listener({ ...facts, kind, at: new Date(clock.now()).toISOString() })
  }
  const updates = new Updates({
    groups: updateGroups.now.map(groupOf),
    store,
    before,
    mirrored,
    macOf,
    clock,
    onEvent: event => {
      counts.set(event.kind, (counts.get(event.kind) ?? 0) + 1)
      if (event.kind === 'stopped') {
        const facts = { group: event.group, reason: event.reason }
        log.warn(facts, 'update.stopped')
        tellAll('update.stopped', facts)
      } else {
        const facts = factsOf(event)
        log[event.kind === 'failed' ? 'warn' : 'info'](facts, `update.${event.kind}`)
        tellAll(`update.${event.kind}`, facts)
      }
    }
  })
  onClose(async () => { updates.close() })
  const reboots = new Reboots({
    groups: updateGroups.now.map(rebootGroupOf),
    store,
    before: before.holders,
    macOf,
    clock,
    onEvent: event => {
      log[event.kind === 'full' ? 'debug' : 'info'](logged(event), `reboot.${event.kind}`)
      // Who waits for a slot asks again and again.
      if (event.kind !== 'full') tellAll(`reboot.${event.kind}`, logged(event))
    }
  })
  updateGroups.onChange(groups => {
    updates.configure(groups.map(groupOf))
    reboots.configure(groups.map(rebootGroupOf))
    log.info({ groups: groups.map(({ name }) => name) }, 'update.groups')
  })
  current = () => ({ ...updates.state, holders: reboots.holders })

  const refused = new Map<string, number>()
  metrics.counters('update_events_total', 'Updates of installed machines, by what became of them', 'event', () => counts)
  metrics.counters('update_requests_refused_total', 'Requests for updates or reboots that could not be read, by protocol and why', 'reason', () => refused)
  metrics.gauges('update_instances', 'Installed machines that ask for updates, by how far they are', 'status', () => instancesBy(updates))
  metrics.gauges('reboot_slots', 'Machines of a group that may reboot at once', 'group', () => [...reboots.groups].map(([name, { slots }]) => [name, slots] as const))
  metrics.gauges('reboot_slots_held', 'Machines of a group that may reboot now', 'group', () => [...reboots.groups.keys()].map(name => [name, reboots.holders.get(name)?.length ?? 0] as const))
  return {
    updates,
    reboots,
    onNews: listener => { listeners.push(listener) },
    onRefused: (protocol, reason, address) => {
      const key = `${protocol} ${reason}`
      refused.set(key, (refused.get(key) ?? 0) + 1)
      log.debug({ protocol, reason, address }, 'update.refused')
    }
  }
}

const groupOf = (
  { name, os, channel, version, period, timeout, window, approval, floors, ...group }: UpdateGroupConfigs[number]
): UpdateGroup => ({
  name,
  os,
  channel,
  version,
  period,
  timeout,
  window,
  approval,
  maxPerPeriod: group.max_per_period,
  safeMode: group.safe_mode,
  floors: [...floors].sort(compareVersions)
})

type Facts = Readonly<Record<string, unknown>> & { readonly group: string }

const rebootGroupOf = ({ name, reboot_slots: slots, reboot_stale_after: stale, window }: UpdateGroupConfigs[number]): RebootGroup =>
  ({ name, slots, staleAfter: stale === 0 ? undefined : stale, window })

const logged = ({ group, id, address }: RebootEvent): Facts => ({ group, id, address })

/** What of an event is worth a line. */
function factsOf ({ kind, instance }: Exclude<UpdateEvent, { kind: 'stopped' }>): Facts {
  const { id, alias, mac, address, group, version, previousVersion, granted, status, error } = instance
  return {
    group,
    id,
    ...alias !== '' && { alias },
    ...mac !== undefined && { mac },
    address,
    version,
    ...granted !== undefined && { to: granted.version },
    ...kind === 'completed' && { from: previousVersion },
    ...kind === 'status' && { status },
    ...error !== '' && { error }
  }
}

function instancesBy ({ state }: Updates): ReadonlyMap<string, number> {
  const counts = new Map<string, number>(instanceStatuses.map(status => [status, 0]))
  for (const { status } of state.instances.values()) counts.set(status, (counts.get(status) ?? 0) + 1)
  return counts
}
