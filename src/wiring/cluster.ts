// What a provisioner that shares an etcd with others stands on. Loaded only where a cluster is configured: one machine alone has
// none of it in memory.
import { join } from 'node:path'
import { AppError, messageOf } from '../base/errors.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Metrics } from '../base/metrics.js'
import { programVersion } from '../base/bundled.js'
import { delayOf, rankOf } from '../cluster/client-hash.js'
import type { DiscoveryStore } from '../cluster/discovery-store.js'
import { EtcdDiscovery } from '../cluster/etcd-discovery.js'
import { EtcdMachines, type EtcdMachinesOptions } from '../cluster/etcd-machines.js'
import { EtcdUpdates } from '../cluster/etcd-updates.js'
import { FleetCopy } from '../cluster/fleet-copy.js'
import { GuardUses } from '../cluster/guard-uses.js'
import { addressesOf, type ProvisionerRecord } from '../cluster/other-provisioners.js'
import { type Announcement, Presence } from '../cluster/presence.js'
import { SharedState } from '../cluster/shared-state.js'
import { type MembersHealth, watchAmiss } from '../cluster/watch-amiss.js'
import { assertWritable } from '../cluster/write-test.js'
import type { Config, LoadedConfig } from '../config/load.js'
import { remedyForSecret } from '../disk/denied.js'
import { lineFormats } from '../disk/state-formats.js'
import { readWhole } from '../disk/whole-file.js'
import { EtcdClient, type EtcdClientOptions } from '../etcd/etcd-client.js'
import { formatKey } from '../etcd/keys.js'
import { amissTogether, askMembers, type MemberReport } from '../etcd/members.js'
import { ClientTlsFiles, type TlsFilesOptions } from '../etcd/tls-files.js'
import type { OpenStore } from '../matchbox/store.js'
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { type EtcdStoreOptions, openEtcdStore } from '../store/etcd-store.js'
import type { UpdateStore } from '../updates/update-store.js'
import { openSharedLeases } from './cluster-leases.js'
import type { Leases } from './leases.js'

export interface Cluster {
  /** What this provisioner is called. */
  readonly name: string
  readonly state: SharedState
  /** For /readyz: what is amiss although machines are served. */
  readonly warnings: () => readonly string[]
  /**
   * What is amiss with etcd although it answers: members of two clusters, a version that is too old, no right or no space to write.
   * Asks each member.
   */
  readonly look: () => Promise<MembersHealth>
  readonly measure: (metrics: Metrics) => void
  /** What was kept is in the table, and what others keep comes into it. */
  readonly openLeases: (now: number) => Promise<Leases>
  /** What is known of machines: all share it. */
  readonly openMachines: (options: Pick<EtcdMachinesOptions, 'own' | 'onMachine' | 'onForgotten' | 'isLeased'>) => EtcdMachines
  /** Updates and reboots of installed machines, counted over all. */
  readonly openUpdates: () => UpdateStore
  /** Guard tokens that any of them takes; closed with the cluster. */
  readonly openGuard: () => Promise<GuardUses>
  /** Tokens of new etcd clusters, which any of them knows. */
  readonly openDiscovery: () => DiscoveryStore
  /** Fulfilled when this provisioner knows what any of them wrote of a machine before the call; rejected when that can't be found out. */
  readonly settleMachine: (mac: Mac) => Promise<void>
  /** Whether this provisioner tells others of a machine: the one that saw it last does, or while that is gone the first in turn. */
  readonly tells: (mac: Mac, seenBy: string | undefined) => boolean
  /** Milliseconds to leave to others of the fleet before a machine is answered. */
  readonly turn: (mac: Mac, secs: number) => number
  /** Tells the others that this one is there, and at which addresses, which may become others. */
  readonly appear: (announce: () => Announcement) => Promise<void>
  /** Those that are there; the same object as long as they are the same. */
  readonly present: () => readonly ProvisionerRecord[]
  /** Their addresses, as far as they are known. */
  readonly addresses: () => readonly Ipv4[]
  readonly close: () => Promise<void>
}

export interface ClusterOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Whether it takes part; else it only looks. */
  readonly live: boolean
  /** Whether it writes without taking part, as a command beside a provisioner does: a fleet that is not there is made. */
  readonly writes?: boolean
  /** Takes what can't be as configured; what it throws ends the attempt. */
  readonly onProblem: (error: AppError) => void
}

type ClusterConfig = Pick<LoadedConfig, 'config' | 'keyAt'>

/** The password is read for each session; the message says already which key names its file. */
class PasswordUnread extends AppError {}

/** AppError certificate_invalid and read_failed go to `onProblem` too: then nothing is known of the fleet. */
export async function openCluster (
  loaded: ClusterConfig & Pick<LoadedConfig, 'where'>, { clock, log, live, writes = live, onProblem }: ClusterOptions
): Promise<Cluster> {
  const { config, where, keyAt } = loaded
  const { name, etcd: { prefix } } = config.cluster
  const told = (error: unknown): void => {
    if (!(error instanceof AppError)) throw error
    onProblem(error instanceof PasswordUnread ? error : new AppError(error.code, `${error.key === undefined ? where(['cluster', 'etcd']) : keyAt(['cluster', 'etcd', error.key])}: ${error.message}`, { cause: error }))
  }
  const holder: { state?: SharedState } = {}
  const { etcd, isWhole, kept, close: disconnect } = await connect(loaded, {
    clock, log, told, inStep: () => holder.state?.standing.inStep === true, ...!live && { patience: patienceOfCommands }
  })
  const path = join(config.state_path, lineFormats.fleet.file)
  const state = holder.state = new SharedState({
    etcd,
    prefix,
    clock,
    // Of one that only looks, whoever asked is told (onProblem).
    log: live ? log : log.child({}, { level: 'silent' }),
    readOnly: !writes,
    ...live && { copy: (current: () => Iterable<readonly [string, Buffer]>) => new FleetCopy({ path, clock, log, current }) }
  })
  const presence = new Presence({ etcd, state, name, version: programVersion(), clock, log })
  const close = async (): Promise<void> => {
    await state.close()
    await disconnect()
  }
  let isRefused = !isWhole
  try {
    if (isWhole) await state.start()
  } catch (error) {
    isRefused = true
    if (live || writes) await close()
    told(error)
  }
  presence.look()
  const { standing } = state
  if (!live && !isRefused && !standing.inStep) onProblem(new AppError('etcd_away', standing.cause instanceof PasswordUnread ? standing.reason : `${where(['cluster', 'etcd'])}: ${standing.reason}`))
  const look = (): Promise<MembersHealth> => lookAt({ loaded, etcd, clock, patience: live ? patienceOfLook : patienceOfCommands })
  const watched = live ? watchAmiss({ state, clock, log, look }) : undefined
  return {
    name,
    state,
    look,
    warnings: () => [
      ...warningsOf(state),
      ...state.standing.inStep ? watched?.amiss() ?? [] : [],
      ...kept(),
      ...presence.twin === undefined ? [] : [`another provisioner is called ${name} too, at ${presence.twin}: give each its own cluster.name`]
    ],
    measure: metrics => {
      metrics.gauge('store_snapshot_age_seconds', 'Seconds since what the provisioners share was last known to be what etcd has; 0 while it is followed', () => (state.standing.age ?? 0) / 1000)
      metrics.gauge('cluster_present', 'Provisioners that are there', () => presence.present.length)
      metrics.gauge('cluster_in_step', 'Whether etcd answers and its changes arrive', () => Number(state.standing.inStep))
    },
    openLeases: now => {
      const subnets = config.dhcp.subnets.map(({ subnet }) => subnet)
      return openSharedLeases({ state, presence, name, subnets, clock, log }, now)
    },
    openMachines: options => new EtcdMachines({ state, clock, log, ...options }),
    openUpdates: () => new EtcdUpdates({ state, log }),
    openGuard: async () => {
      const uses = new GuardUses({ state, clock })
      await uses.open()
      return uses
    },
    openDiscovery: () => new EtcdDiscovery({ state, log }),
    settleMachine: mac => state.settle(formatKey({ kind: 'machine', mac })),
    tells: (mac, seenBy) => {
      const names = presence.present.map(({ name }) => name)
      return seenBy === undefined || seenBy === name || (!names.includes(seenBy) && rankOf(mac, name, names) === 0)
    },
    turn: (mac, secs) => delayOf(rankOf(mac, name, presence.present.map(({ name }) => name)), secs),
    appear: announce => presence.start(announce),
    present: () => presence.present,
    addresses: () => addressesOf(presence.present),
    close: async () => {
      // Members that do not answer are asked one after the other, each for its time: there is nobody to take leave of.
      if (!state.standing.inStep) etcd.close()
      await presence.close()
      await watched?.close()
      await close()
    }
  }
}

interface LookOptions { readonly loaded: ClusterConfig, readonly etcd: EtcdClient, readonly clock: Clock, readonly patience: number }

async function lookAt ({ loaded, etcd, clock, patience }: LookOptions): Promise<MembersHealth> {
  const writing = assertWritable(etcd, loaded.config.cluster.etcd.prefix).then(() => undefined, (error: unknown) => error)
  const [reports, failure] = await Promise.all([lookAtMembers(loaded, { clock, patience }), writing])
  // Whoever is away is told of as such.
  const isRefused = failure instanceof AppError && failure.code !== 'etcd_away'
  return {
    amiss: [...amissTogether(reports), ...isRefused ? [failure.message] : []],
    isComplete: (failure === undefined || isRefused) && reports.every(report => report.failure === undefined)
  }
}

/** The caller closes the store before the fleet. */
export const storeOf = ({ state }: Cluster, options: Omit<EtcdStoreOptions, 'state'>): OpenStore =>
  openEtcdStore({ state, ...options })

function warningsOf ({ standing: { inStep, age, reason } }: SharedState): readonly string[] {
  if (inStep) return []
  return [`degraded: machines are served from what was known ${age === undefined ? 'of nothing' : `${Math.round(age / 1000)} s ago`}, nothing new is taken: ${reason}`]
}

/**
 * Milliseconds that a command gives a member. No machine waits for it, and on a busy computer a handshake takes seconds: a shorter bound
 * would say that the time was up where the answer, a moment later, says what is wrong with a certificate.
 */
const patienceOfCommands = 10_000
/** The same of a provisioner that looks at its members; nobody waits for that either, but for its end. */
const patienceOfLook = 3000

interface Connecting {
  readonly clock: Clock
  readonly log: Logger
  readonly told: (error: unknown) => void
  /** Whether etcd answered when it was asked last. */
  readonly inStep: () => boolean
  readonly patience?: number
}

interface Connected {
  readonly etcd: EtcdClient
  /** Whether it is as configured: else it is not to be asked. */
  readonly isWhole: boolean
  /** Why certificates or a key as their files are now are not in force. */
  readonly kept: () => readonly string[]
  readonly close: () => Promise<void>
}

async function connect ({ config, keyAt, where }: ClusterConfig & Pick<LoadedConfig, 'where'>, { clock, log, told, inStep, patience }: Connecting): Promise<Connected> {
  const { endpoints } = config.cluster.etcd
  const holder: { etcd?: EtcdClient } = {}
  /** Members that were left since etcd answered: while none does, each is left again every few seconds. */
  const left = new Set<string>()
  let isWhole = true
  let kept: readonly string[] = []
  const files = await tlsFiles(config, {
    clock,
    onChange: () => {
      kept = []
      log.info({}, 'cluster.certificates')
      holder.etcd?.renew()
    },
    onKept: reason => {
      kept = [`${where(['cluster', 'etcd'])}: ${reason}: what was read before stays in force`]
      log.error({ error: reason }, 'cluster.certificates_kept')
    }
  }).catch((error: unknown) => {
    isWhole = false
    told(error)
  })
  const etcd = holder.etcd = await EtcdClient.open({
    endpoints,
    ...credentialsOf({ config, keyAt }, files ?? undefined),
    ...patience !== undefined && { patience },
    onFailover: (from, reason) => {
      if (inStep()) left.clear()
      log[left.has(from) ? 'debug' : 'warn']({ from, reason }, 'cluster.failover')
      left.add(from)
    }
  })
  return {
    etcd,
    isWhole,
    kept: () => kept,
    close: async () => {
      etcd.close()
      await files?.close()
    }
  }
}

async function tlsFiles ({ cluster: { etcd } }: Config, options: TlsFilesOptions): Promise<ClientTlsFiles | undefined> {
  if (!etcd.endpoints.some(url => url.startsWith('https:'))) return undefined
  return await ClientTlsFiles.open({ caFile: etcd.ca_file, certFile: etcd.cert_file, keyFile: etcd.key_file }, options)
}

function credentialsOf ({ config: { cluster: { etcd: { user, password_file: file } } }, keyAt }: ClusterConfig, files: ClientTlsFiles | undefined): Pick<EtcdClientOptions, 'tls' | 'login'> {
  const password = async (): Promise<string> => {
    try {
      return (await readWhole(file, 'credentials')).toString().replace(/\r?\n$/, '')
    } catch (error) {
      throw new PasswordUnread('etcd_refused', `${keyAt(['cluster', 'etcd', 'password_file'])}: cannot read ${file}: ${messageOf(error)}${remedyForSecret(file, error)}`, { cause: error })
    }
  }
  return { tls: files === undefined ? undefined : () => files.texts, login: user === '' ? undefined : { user, password } }
}

/** Each member asked by itself. AppError certificate_invalid: with what is configured none can be. */
export async function lookAtMembers (
  { config, keyAt }: ClusterConfig, { clock, patience = patienceOfCommands }: { readonly clock: Clock, readonly patience?: number }
): Promise<readonly MemberReport[]> {
  const files = await tlsFiles(config, { clock, onChange: () => {}, onKept: () => {} })
  try {
    const credentials = credentialsOf({ config, keyAt }, files)
    return await askMembers(config.cluster.etcd.endpoints, endpoint => EtcdClient.open({ endpoints: [endpoint], ...credentials, patience }))
  } finally {
    await files?.close()
  }
}
