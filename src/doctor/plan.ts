// What `serve` would do with a configuration, found out by preparing each listener as serve does and listening nowhere: who
// listens where, what from, what is amiss.
import { existsSync } from 'node:fs'
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { counted } from '../base/units.js'
import { type Config, type DhcpInterface, dhcpInterfaces, isClustered, type LoadedConfig } from '../config/load.js'
import { bindFailure } from '../net/bind-failure.js'
import { listenError } from '../net/udp.js'
import { isListener, placesIn } from '../listeners.js'
import { type Ground, type GroundOptions, openGround } from '../wiring/ground.js'
import { stateAmiss } from '../wiring/folder-amiss.js'
import type { PreparedListener, ListenerTableRow } from '../wiring/listener.js'
import { type ListenPlace, placeText } from '../wiring/place.js'
import { type Finding, problem, warning } from './finding.js'
import { clusterProblems, clusterWarnings } from './cluster.js'
import { diagnoseLabels } from './labels.js'
import { diagnoseLeads } from './leads-nowhere.js'

export interface PlannedListener {
  readonly row: ListenerTableRow
  readonly place: ListenPlace
  /** `0.0.0.0:8080/tcp`, `ens192:67/udp` */
  readonly address: string
  readonly what: string
  /** Nobody asked for it, and it would not listen. */
  readonly off: boolean
}

export interface ListenPlan {
  readonly sources: readonly string[]
  readonly listeners: readonly PlannedListener[]
  /** What the sockets of systemd have to know: `mode` and `interface` as they are written, and every interface that DHCP is answered on. */
  readonly dhcp: { readonly mode: Config['dhcp']['mode'], readonly interface: string, readonly interfaces: ReadonlyArray<Pick<DhcpInterface, 'name' | 'mode'>> }
  /** What it reads and writes: the folder and what is in it. */
  readonly paths: ReadonlyArray<readonly [what: string, path: string, contents: string]>
  /** What keeps some of it from working, and what some machines may miss. */
  readonly findings: readonly Finding[]
}

export type ListenPlanOptions = Omit<GroundOptions, 'live' | 'onProblem'>

export const planFor = (loaded: LoadedConfig, options: ListenPlanOptions): Promise<ListenPlan> =>
  onGround(loaded, options, async (_, plan) => plan)

/** The plan, and `look` at what it was made from before that is closed. */
export async function onGround<T> (
  loaded: LoadedConfig, options: ListenPlanOptions, look: (ground: Ground, plan: ListenPlan) => Promise<T>
): Promise<T> {
  const refused: AppError[] = []
  const ground = await openGround(loaded, { ...options, live: false, onProblem: error => { refused.push(error) } })
  const opened: PreparedListener[] = []
  const listeners: PlannedListener[] = []
  const findings: Finding[] = []
  try {
    for (const { row, place } of placesIn(loaded.config)) {
      const listener = { row, place, address: placeText(row, place) }
      if (!isListener(row)) {
        listeners.push({ ...listener, what: row.what, off: false })
        continue
      }
      try {
        const prepared = await row.prepare(ground, place)
        opened.push(prepared)
        listeners.push({ ...listener, what: prepared.what, off: prepared.off !== undefined })
        findings.push(...prepared.findings ?? [])
        if (prepared.off === undefined) findings.push(...await nowhereToListen(loaded, options.clock, listener))
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        listeners.push({ ...listener, what: '', off: false })
        refused.push(error)
      }
    }
    const state = await stateAmiss(loaded)
    const plan = {
      sources: loaded.sources,
      listeners,
      dhcp: {
        mode: loaded.config.dhcp.mode,
        interface: loaded.config.dhcp.interface,
        interfaces: dhcpInterfaces(loaded.config).map(({ name, mode }) => ({ name, mode }))
      },
      paths: pathsOf(ground),
      findings: [
        ...state === undefined ? [] : [problem('state', state)],
        ...refused.map(({ message }) => problem('configuration', message)),
        ...loaded.ignored.map(ignoredVariable),
        ...clusterWarnings(ground),
        ...await clusterProblems(ground),
        ...diagnoseLabels(ground),
        ...await diagnoseLeads(ground),
        ...findings
      ]
    }
    return await look(ground, plan)
  } finally {
    for (const { close } of opened) await close?.()
    await ground.close()
  }
}

/** An address to listen on that is not this machine's: serve would end with it. */
async function nowhereToListen ({ keyAt }: LoadedConfig, clock: Clock, { row, place }: Pick<PlannedListener, 'row' | 'place'>): Promise<readonly Finding[]> {
  const { transport } = row
  const { key, host, port } = place
  if (transport === 'unix' || host === undefined) return []
  const failure = await bindFailure(host, clock)
  return failure === undefined ? [] : [problem('configuration', `${keyAt(key.split('.'))}: ${listenError(failure, host, { port, transport }).message}`)]
}

const ignoredVariable = (name: string): Finding => warning('configuration',
  `${name} means nothing here: ${name.startsWith('MATCHBOX_WEB_') ? 'HTTP over TLS is http.https' : 'docs/configuration.md has those that do'}`)

function pathsOf ({ config, store, signer, sources }: Ground): ListenPlan['paths'] {
  const { groups, profiles, configs } = store.snapshot
  const { data_path: data, assets_path: assets, state_path: state } = config
  return [
    ['store', isClustered(config) ? `etcd ${config.cluster.etcd.endpoints.join(',')} ${config.cluster.etcd.prefix}` : data, `${counted(groups.size, 'group')}, ${counted(profiles.size, 'profile')}, ${configs.ignition.size} ignition, ${configs.cloud.size} cloud, ${configs.generic.size} generic`],
    ...assets === '' ? [] : [['assets', assets, `${existsSync(assets) ? '' : 'missing '}${sources.length === 0 ? '' : `${counted(sources.length, 'image source')}`}`.trim()] as const],
    ...signer === undefined ? [] : [['key ring', config.signing.key_ring_path, `signs as ${signer.keyId}`] as const],
    ['state', state, existsSync(state) ? '' : 'made at start']
  ]
}
