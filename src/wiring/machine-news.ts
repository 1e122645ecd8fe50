// What is told of machines beyond the log: webhooks, and the numbers of how many stand where.
import { join } from 'node:path'
import { messageOf } from '../base/errors.js'
import type { Metrics } from '../base/metrics.js'
import type { LoadedConfig } from '../config/load.js'
import { type Finding, problem } from '../doctor/finding.js'
import { JsonLines } from '../disk/json-lines.js'
import { lineFormats } from '../disk/state-formats.js'
import { fewAnHour } from '../machines/few-an-hour.js'
import type { Machine } from '../machines/machine.js'
import type { MachineRegistry } from '../machines/registry.js'
import { StuckWatch } from '../machines/stuck-watch.js'
import { post } from '../machines/webhook-post.js'
import { readWebhookSecret } from '../machines/webhook-secret.js'
import { type Delivery, deliveriesLeft, parseDelivery, type Webhook, type WebhookEvent, Webhooks } from '../machines/webhooks.js'
import type { Group } from '../matchbox/group.js'
import type { Mac } from '../net/mac.js'
import type { OnClose } from './closing.js'
import type { Ground } from './ground.js'

export interface MachineNews {
  readonly enrolled: (mac: Mac, group: Group) => void
  /** Somebody else has an address, or answers DHCP; `ip` is whose or which. */
  readonly conflict: (mac: Mac, ip: string, what: string) => void
}

/** Conflicts told of within an hour: a stranger can declare as many as he likes. */
const mostConflicts = 60
/** And machines that do not get further of those that nobody named: where anybody is given a lease, a stranger can invent them. */
const mostLeased = 60

type NewsGround = Pick<Ground, 'loaded' | 'config' | 'clock' | 'log' | 'homes'> & Partial<Pick<Ground, 'cluster'>>

export async function openMachineNews (
  ground: NewsGround, registry: MachineRegistry, metrics: Metrics, onClose: OnClose
): Promise<MachineNews> {
  const { clock, cluster } = ground
  const steady = (): number => performance.now()
  const tell = await openWebhooks(ground, metrics, steady, onClose)
  const isOneOfFew = fewAnHour(mostLeased, steady)
  const watch = new StuckWatch({
    registry,
    clock,
    steady,
    ...cluster !== undefined && { isOurs: (machine: Machine) => cluster.tells(machine.mac, machine.seenBy) },
    onStuck: (machine, { reason, look }) => {
      if (registry.kindOf(machine.mac) !== 'leased' || isOneOfFew(machine.mac)) tell('stuck', machine.mac, { ...factsOf(machine), reason, look })
    }
  })
  onClose(async () => { watch.close() })
  metrics.gauge('machines_stuck', 'Machines that somebody named and that do not get further', () => watch.stuck)
  metrics.gauges('machines_by_state', 'Machines, by where they stand in their lives', 'state', () => Object.entries(watch.states))
  const stop = registry.onChange(({ machine, observation: { stage, failed }, elsewhere }) => {
    if (elsewhere !== true && stage === 'installed' && failed === undefined) tell('installed', machine.mac, factsOf(machine))
  })
  onClose(async () => { stop() })
  const isNewConflict = fewAnHour(mostConflicts, steady)
  return {
    enrolled: (mac, { id, profile, metadata }) => {
      tell('enrolled', mac, { ...registry.get(mac) === undefined ? {} : factsOf(registry.get(mac)!), group: id, profile, ip: metadata?.get('ip') })
    },
    conflict: (mac, ip, what) => {
      if (isNewConflict(ip)) tell('conflict', mac, { ip, what })
    }
  }
}

const factsOf = ({ name, address, group, profile, stage, uuid, serial, architecture }: Machine): object =>
  ({ name, address, group, profile, stage, uuid, serial, architecture })

type Tell = (event: WebhookEvent, mac: Mac, data: object) => void

async function openWebhooks (ground: NewsGround, metrics: Metrics, steady: () => number, onClose: OnClose): Promise<Tell> {
  const { loaded, config, clock, log, homes } = ground
  const hooks = await readWebhooks(loaded)
  if (hooks.length === 0) return () => {}
  const holder: { webhooks?: Webhooks } = {}
  const file = new JsonLines<Delivery>({
    path: join(config.state_path, lineFormats.webhook.file),
    kind: 'webhook',
    version: lineFormats.webhook.version,
    log,
    format: delivery => JSON.stringify(delivery),
    parse: parseDelivery,
    current: () => holder.webhooks?.pending() ?? []
  })
  const pending = deliveriesLeft(await file.load())
  const webhooks = holder.webhooks = new Webhooks({
    hooks,
    pending,
    source: homes.first.origin,
    post: post(clock),
    keep: file,
    clock,
    steady,
    log,
    onAttempt: result => { metrics.webhookAttempts.inc({ result }) }
  })
  metrics.gauge('webhook_events_waiting', 'Events that a receiver has not taken yet', () => webhooks.waiting)
  onClose(async () => {
    await webhooks.close()
    await file.close()
  }, 'file')
  return (event, mac, data) => { webhooks.tell(event, mac, { mac, ...data }) }
}

/** For who only looks: `serve` would not start. */
export const webhookFindings = (loaded: LoadedConfig): Promise<readonly Finding[]> =>
  readWebhooks(loaded).then(() => [], (error: unknown) => [problem('configuration', messageOf(error))])

/** Their secrets are read once, at the start. AppError `config_invalid` names the file that can't be used. */
async function readWebhooks ({ config, keyAt }: LoadedConfig): Promise<readonly Webhook[]> {
  const webhooks: Webhook[] = []
  for (const [n, { url, secret_file: path, on }] of config.webhooks.entries()) {
    const secret = path === '' ? undefined : await readWebhookSecret(path, keyAt(['webhooks', n, 'secret_file']))
    webhooks.push({ url, secret, on })
  }
  return webhooks
}
