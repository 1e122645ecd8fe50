// Discovery of new etcd clusters: its file, its metrics and lines in the log, and the tokens of clusters that groups name.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { messageOf, unwaited } from '../base/errors.js'
import type { Metrics } from '../base/metrics.js'
import { ClusterTokens } from '../cluster/cluster-tokens.js'
import { Discovery, type DiscoveryEvent } from '../cluster/discovery.js'
import { DiscoveryFile, type DiscoveryState } from '../cluster/discovery-store.js'
import { lineFormats } from '../disk/state-formats.js'
import type { RequestEvent } from '../http/machine-log.js'
import { clustersOf, type DiscoveryUrls, etcdClusterOf } from '../matchbox/etcd-cluster.js'
import type { Mac } from '../net/mac.js'
import type { OnClose } from './closing.js'
import type { Ground } from './ground.js'

export interface DiscoveryService {
  readonly discovery: Discovery
  readonly urls: DiscoveryUrls
  /** A machine got the config that it is installed or started with: what it said as a member before is no longer so. */
  readonly onConfigServed: (event: RequestEvent) => void
}

export interface DiscoveryParts {
  readonly ground: Ground
  readonly metrics: Metrics
  readonly macOf: (address: string) => Mac | undefined
  readonly isAddressOf: (mac: Mac, address: string) => boolean
  readonly onClose: OnClose
}

export async function startDiscovery ({ ground, metrics, macOf, isAddressOf, onClose }: DiscoveryParts): Promise<DiscoveryService> {
  const { config, clock, log, store, homes } = ground
  let current = (): DiscoveryState => ({ index: 0, tokens: new Map() })
  const path = join(config.state_path, lineFormats.discovery.file)
  const file = ground.cluster?.openDiscovery() ?? new DiscoveryFile({ path, log, current: () => current() })
  onClose(() => file.close())
  const discovery = new Discovery({
    store: file, before: await file.load(), clock, macOf, makeToken: () => randomBytes(16).toString('hex'), onEvent: event => { tell(log, event) }
  })
  current = () => discovery.state
  metrics.gauge('discovery_tokens', 'etcd clusters that find, or found, their members here', () => discovery.state.tokens.size)
  metrics.gauge('discovery_members_waiting', 'Members of new etcd clusters that wait for others', () => discovery.waiting)

  const tokens = new ClusterTokens({
    discovery,
    clock,
    onSizesDiffer: ({ name, sizes }) => { log.warn({ cluster: name, sizes }, 'discovery.sizes_differ') },
    onUnsaved: ({ name }, error) => { log.error({ cluster: name, error: messageOf(error) }, 'discovery.unsaved') }
  })
  await tokens.begin(clustersOf(store.snapshot.groups.values()))
  const stop = store.onChange(changes => {
    for (const { kind, name } of changes) {
      const group = kind === 'group' && name !== undefined ? store.snapshot.groups.get(name) : undefined
      const cluster = group?.metadata === undefined ? undefined : etcdClusterOf(group).cluster
      if (cluster !== undefined) unwaited(tokens.keep(cluster))
    }
  })
  onClose(async () => {
    stop()
    tokens.close()
  })

  return {
    discovery,
    urls: {
      of: (cluster, client) => {
        const token = discovery.knownTokenOf(cluster)
        return token === undefined ? undefined : `${(client === undefined ? homes.first : homes.of(client)).origin}/etcd/${token}`
      },
      version: () => tokens.version
    },
    onConfigServed: ({ kind, mac, ip, group: id, status }) => {
      if ((kind !== 'ignition' && kind !== 'cloud') || status !== 200 || mac === undefined || id === undefined) return
      const group = store.snapshot.groups.get(id)
      const cluster = group === undefined ? undefined : etcdClusterOf(group).cluster
      if (cluster === undefined || !isAddressOf(mac, ip)) return
      discovery.forget(mac, cluster.name).catch((error: unknown) => { log.error({ mac, cluster: cluster.name, error: messageOf(error) }, 'discovery.unsaved') })
    }
  }
}

/** A token is a secret of sorts: its first digits tell one from another. */
const short = (token: string): string => `${token.slice(0, 8)}...`

function tell (log: Ground['log'], event: DiscoveryEvent): void {
  const token = short(event.token)
  if (event.kind === 'forgotten') return log.info({ token }, 'discovery.forgotten')
  const { cluster, size } = event
  const about = { token, ...cluster !== '' && { cluster }, size }
  if ('from' in event) return log.info({ ...about, ...event.from !== '' && { ip: event.from } }, `discovery.${event.kind}`)
  const { id, value, mac, members } = event
  log.info({ ...about, id, value, ...mac !== undefined && { mac }, members }, `discovery.${event.kind}`)
}
