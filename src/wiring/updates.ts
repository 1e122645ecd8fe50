// Day two, where groups are configured: policy over what is mirrored, its file, its metrics and its lines in the log.
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import { instanceStatuses } from '../updates/omaha-events.js'
import type { UpdateGroup } from '../updates/policy.js'
import { type RebootEvent, Reboots } from '../updates/reboots.js'
import { type UpdateState, UpdateFile } from '../updates/update-store.js'
import { type UpdateEvent, Updates } from '../updates/updates.js'
import { compareVersions } from '../updates/version.js'
import type { DayTwo } from './day-two.js'
import type { ServiceImages } from './service-images.js'
import { Mirrored } from './mirrored-updates.js'
import type { Shared } from './shared.js'

export async function startUpdates (shared: Omit<Shared, 'app' | 'dayTwo' | 'images'>, images: ServiceImages | undefined): Promise<DayTwo | undefined> {
  const { config, clock, log, macOf, onClose, metrics } = shared
  if (config.updates.groups.length === 0) return undefined
  let current = (): UpdateState => ({ instances: new Map(), groups: new Map(), holders: new Map() })
  const store = new UpdateFile({ path: join(config.state_path, 'updates.jsonl'), log, current: () => current() })
  onClose(() => store.close())
  const before = await store.load()
  const mirrored = new Mirrored(config.assets_path, images, error => { log.warn({ error: error.message }, 'updates.metadata') })
  const counts = new Map<string, number>()
  const updates = new Updates({
    groups: config.updates.groups.map(groupOf),
    store,
    before,
    mirrored,
    macOf,
    clock,
    onEvent: event => {
      counts.set(event.kind, (counts.get(event.kind) ?? 0) + 1)
      if (event.kind === 'stopped') log.warn({ group: event.group, reason: event.reason }, 'update.stopped')
      else tell(log, event)
    }
  })
  onClose(async () => { updates.close() })
  const reboots = new Reboots({
    groups: config.updates.groups.map(({ name, reboot_slots: slots, reboot_stale_after: stale, window }) =>
      ({ name, slots, staleAfter: stale === 0 ? undefined : stale, window })),
    store,
    before: before.holders,
    macOf,
    clock,
    onEvent: event => { log[event.kind === 'full' ? 'debug' : 'info'](logged(event), `reboot.${event.kind}`) }
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
    onRefused: (protocol, reason, address) => {
      const key = `${protocol} ${reason}`
      refused.set(key, (refused.get(key) ?? 0) + 1)
      log.debug({ protocol, reason, address }, 'update.refused')
    }
  }
}

const groupOf = ({ name, os, channel, version, period, timeout, window, approval, floors, ...group }: Config['updates']['groups'][number]): UpdateGroup => ({
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

const logged = ({ group, id, address }: RebootEvent): object => ({ group, id, address })

function tell (log: Shared['log'], { kind, instance }: Exclude<UpdateEvent, { kind: 'stopped' }>): void {
  const { id, alias, mac, address, group, version, previousVersion, granted, status, error } = instance
  log[kind === 'failed' ? 'warn' : 'info']({
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
  }, `update.${kind}`)
}

function instancesBy ({ state }: Updates): ReadonlyMap<string, number> {
  const counts = new Map<string, number>(instanceStatuses.map(status => [status, 0]))
  for (const { status } of state.instances.values()) counts.set(status, (counts.get(status) ?? 0) + 1)
  return counts
}
