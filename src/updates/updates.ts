// Day two: what installed machines ask for, answered by the policy of their group and kept before they are told. Omaha and
// Cincinnati are two ways to speak to the same groups.
import type { Clock, Timer } from '../base/clock.js'
import { AppError, unwaited } from '../base/errors.js'
import type { Mac } from '../net/mac.js'
import { decidedAgain } from './decided-again.js'
import type { FedoraStream } from './fedora-releases.js'
import { type Graph, pinnedEdges, visibleEdges, warinessOf } from './graph.js'
import { Graphs, type GraphQuery } from './graph-query.js'
import { GroupStates } from './group-states.js'
import { afterDecision, heardInstance, type InstanceSaid } from './heard-instance.js'
import type { Instance } from './instance.js'
import { Instances } from './instances.js'
import { meaningOf } from './omaha-events.js'
import { isOsApp, type OmahaApp } from './omaha-request.js'
import type { AppAnswer, OmahaUpdate } from './omaha-response.js'
import { type Decision, decideUpdate, type GroupState, stopReason, type UpdateGroup } from './policy.js'
import { isSameInstance, type UpdateChange, type UpdateState, type UpdateStore } from './update-store.js'
import { isVersion } from '../base/version.js'

/** What is mirrored whole and verified, with its update. */
export interface MirroredUpdates {
  /** Sees to it that the others say what is there now. */
  readonly look: (now: number) => Promise<void>
  /** The newest version of a channel; undefined when there is none. */
  readonly newest: (os: Instance['os'], channel: string, arch: string) => string | undefined
  /** `codebase` of the answer is made for the address that the machine knows us by. */
  readonly find: (os: Instance['os'], version: string, arch: string) => Omit<OmahaUpdate, 'codebase'> & { readonly path: string } | undefined
  readonly fedora: (stream: string) => FedoraStream | undefined
}

export interface UpdatesOptions {
  readonly groups: readonly UpdateGroup[]
  readonly mirrored: MirroredUpdates
  readonly store: UpdateStore
  /** What the store held. */
  readonly before: Pick<UpdateState, 'instances' | 'groups'>
  /** Whose address it is, as far as that is certain. */
  readonly macOf: (address: string) => Mac | undefined
  readonly clock: Clock
  readonly onEvent?: (event: UpdateEvent) => void
}

/** What happened, for logs, metrics and whoever watches. */
export type UpdateEvent =
  | { readonly kind: 'granted' | 'failed' | 'completed' | 'status', readonly instance: Instance }
  | { readonly kind: 'stopped', readonly group: string, readonly reason: string }

/** Milliseconds after which it is worth a line of the file that a machine was seen again. */
const seenFine = 600_000
/** Versions of a group that are remembered as approved. */
const mostApproved = 32
/** How often safe mode looks for machines that began and were not heard of again. */
const watch = 30_000

export class Updates {
  readonly #options: UpdatesOptions
  #groups: ReadonlyMap<string, UpdateGroup>
  readonly #instances = new Instances()
  readonly #states: GroupStates
  readonly #saved = new Map<string, number>()
  readonly #graphs = new Graphs()
  readonly #timer: Timer

  constructor (options: UpdatesOptions) {
    this.#options = options
    this.#groups = byName(options.groups)
    const { instances, groups } = options.before
    for (const [key, instance] of [...instances].sort(([, a], [, b]) => a.lastSeen - b.lastSeen)) this.#instances.put(key, instance)
    this.#states = new GroupStates(options.store, groups)
    options.store.onChange?.(change => { this.#take(change) })
    this.#timer = options.clock.every(watch, () => { unwaited(this.#stopSilent()) })
  }

  get state (): Pick<UpdateState, 'instances' | 'groups'> { return { instances: this.#instances.all, groups: this.#states.all } }
  get groups (): ReadonlyMap<string, UpdateGroup> { return this.#groups }

  /** Puts other rules in force from the next request on; what was granted stays, and so does what was paused or stopped. */
  configure (groups: readonly UpdateGroup[]): void { this.#groups = byName(groups) }

  close (): void { this.#timer.cancel() }

  /** What the record says of a machine; undefined when it never asked. */
  instanceOf (mac: Mac, address: string | undefined): Instance | undefined { return this.#instances.latest(mac, address) }

  groupState (name: string): GroupState { return this.#states.of(name) }

  figures (group: UpdateGroup): ReturnType<Instances['figures']> { return this.#instances.figures(group, this.#options.clock.now()) }

  /** Answers one app of a request. `origin` is where the machine reaches us. AppError when it can't be kept. */
  async answerApp (app: OmahaApp, address: string, origin: string): Promise<AppAnswer> {
    const { clock, mirrored } = this.#options
    const answer = (status: AppAnswer['status'], updateCheck?: AppAnswer['updateCheck']): AppAnswer => ({
      appId: app.appId,
      status,
      ping: app.ping,
      events: app.events.length,
      updateCheck: app.updateCheck ? updateCheck : undefined
    })
    if (!isOsApp(app.appId)) return answer('error-unknownApplication')
    if (!/^[\w{}-]{1,64}$/.test(app.machineId) || !isVersion(app.version)) return answer('error-invalidMachineId', 'error-internal')
    const group = this.#groups.get(app.track)
    if (group === undefined || group.os === 'fedora-coreos') return answer('error-unknownApplicationOrGroup', 'error-internal')
    if (app.updateCheck) await mirrored.look(clock.now())
    const decided = await decidedAgain(() => this.#answerOnce(app, group, address, origin, answer))
    return decided ?? answer('ok', 'noupdate')
  }

  /** undefined where another provisioner was first, so that it has to be decided again. */
  async #answerOnce (
    app: OmahaApp, group: UpdateGroup, address: string, origin: string,
    answer: (status: AppAnswer['status'], updateCheck?: AppAnswer['updateCheck']) => AppAnswer
  ): Promise<AppAnswer | undefined> {
    const { clock, mirrored } = this.#options
    const known = this.#know({ id: app.machineId, group, address, arch: app.board.replace(/-usr$/, '') || 'amd64', version: app.version, alias: app.machineAlias, oem: app.oem, firstVersion: app.firstVersion })
    if (known === undefined) return answer('ok', 'noupdate')
    let { instance } = known
    for (const event of app.events) {
      const meaning = meaningOf(event)
      if (meaning === undefined) continue
      instance = {
        ...instance,
        status: meaning.status,
        statusAt: clock.now(),
        error: meaning.error,
        previousVersion: meaning.previousVersion || instance.previousVersion
      }
    }
    let decision: Decision | undefined
    if (app.updateCheck) {
      decision = this.#decide(known.key, instance, group, mirrored.newest(group.os, group.channel ?? '', instance.arch),
        version => mirrored.find(group.os, version, instance.arch) !== undefined)
      instance = afterDecision(decision, instance, clock.now())
    }
    if (!await this.#keep(known.key, instance, group)) return undefined
    if (decision?.kind !== 'grant') return answer('ok', 'noupdate')
    const update = mirrored.find(group.os, decision.version, instance.arch)
    return answer('ok', update === undefined ? 'noupdate' : { version: update.version, packages: update.packages, codebase: `${origin}${update.path}` })
  }

  /** The graph for one node; undefined when nothing is known of the stream. AppError when it can't be kept. */
  async answerGraph (query: GraphQuery, address: string): Promise<Pick<Graph, 'nodes' | 'edges'> | undefined> {
    const { mirrored, clock } = this.#options
    await mirrored.look(clock.now())
    const stream = mirrored.fedora(query.stream)
    if (stream === undefined) return undefined
    const graph = this.#graphs.of(stream, query)
    const group = this.#groups.get(query.group)
    const wariness = warinessOf(query.wariness, query.nodeId)
    if (group === undefined || group.os !== 'fedora-coreos') return { nodes: graph.nodes, edges: visibleEdges(graph, wariness, clock.now()) }
    const edges = group.version === undefined ? visibleEdges(graph, wariness, clock.now()) : pinnedEdges(graph, group.version)
    const self = graph.nodes.findIndex(({ payload }) => payload === query.checksum)
    if (self < 0 || !/^[0-9a-f-]{1,64}$/i.test(query.nodeId) || !isVersion(query.version)) return { nodes: graph.nodes, edges: [] }
    // The client takes the newest that its own release leads to.
    const target = graph.nodes[edges.reduce((newest, [from, to]) => from === self && to > newest ? to : newest, -1)]
    const none = { nodes: graph.nodes, edges: edges.filter(([from]) => from !== self) }
    return await decidedAgain(async () => {
      const known = this.#know({ id: query.nodeId, group, address, arch: query.basearch, version: query.version, alias: '', oem: query.platform, firstVersion: '' })
      if (known === undefined) return { nodes: graph.nodes, edges: [] }
      const decision = target === undefined
        ? { kind: 'current' } as const
        : this.#decide(known.key, known.instance, { ...group, version: target.version, floors: [] }, undefined,
          version => graph.nodes.some(node => node.version === version))
      if (!await this.#keep(known.key, afterDecision(decision, known.instance, clock.now()), group)) return undefined
      if (decision.kind !== 'grant') return none
      return { nodes: graph.nodes, edges: edges.filter(([from, to]) => from !== self || graph.nodes[to]!.version === decision.version) }
    }) ?? none
  }

  /** What another provisioner granted, saw or was told. */
  #take (change: UpdateChange): void {
    if (change.kind === 'group') this.#states.take(change.group)
    else if (change.kind === 'instance') {
      if (change.instance === null) this.#instances.delete(change.key)
      else this.#instances.put(change.key, change.instance)
    }
  }

  /** The record of who asks, or a new one; undefined when there is no room for more. */
  #know (said: InstanceSaid): { readonly key: string, readonly instance: Instance } | undefined {
    const { macOf, clock } = this.#options
    const mac = macOf(said.address)
    const key = this.#instances.keyOf(said.id, mac, said.address)
    const before = this.#instances.all.get(key)
    if (before === undefined) {
      const { room, forget } = this.#instances.hasRoom(said.address)
      if (!room) return undefined
      if (forget !== undefined) this.#forget(forget)
    }
    return { key, instance: heardInstance(said, before, mac, clock.now()) }
  }

  #decide (
    key: string, instance: Instance, group: UpdateGroup, newest: string | undefined, isMirrored: (version: string) => boolean
  ): Decision {
    const now = this.#options.clock.now()
    const others = this.#instances.figures(group, now, key)
    return decideUpdate({ instance, group, state: this.#states.of(group.name), others, newest, isMirrored, now })
  }

  /**
   * Puts the record in force at once, so that two who ask at once are not counted as one, and back when it can't be kept. false when
   * another provisioner granted something meanwhile.
   */
  async #keep (key: string, instance: Instance, group: UpdateGroup | undefined): Promise<boolean> {
    const before = this.#instances.all.get(key)
    this.#instances.put(key, instance)
    const saved = this.#saved.get(key)
    const isFresh = saved !== undefined && Math.abs(instance.lastSeen - saved) < seenFine
    if (before !== undefined && isFresh && isSameInstance(before, instance)) return true
    try {
      if (!await this.#options.store.put({ kind: 'instance', key, instance })) {
        if (this.#instances.all.get(key) === instance) this.#instances.revert(key, before)
        return false
      }
      this.#saved.set(key, instance.lastSeen)
    } catch (error) {
      if (this.#instances.all.get(key) === instance) this.#instances.revert(key, before)
      throw error
    }
    if (group === undefined) return true
    if (before?.status !== instance.status || before.granted?.at !== instance.granted?.at) await this.#changed(instance, before, group)
    return true
  }

  async #changed (instance: Instance, before: Instance | undefined, group: UpdateGroup): Promise<void> {
    const { onEvent, clock } = this.#options
    const isGrant = instance.granted !== undefined && instance.granted.at !== before?.granted?.at
    const kind = isGrant ? 'granted' : instance.status === 'error' ? 'failed' : instance.status === 'complete' ? 'completed' : 'status'
    if (before !== undefined || isGrant) onEvent?.({ kind, instance })
    const completed = this.#instances.figures(group, clock.now()).completed.get(instance.granted?.version ?? '') ?? 0
    await this.#stop(instance, group, completed)
  }

  async #stop (instance: Instance, group: UpdateGroup, completed: number): Promise<void> {
    const { clock, onEvent } = this.#options
    const reason = stopReason(instance, group, completed, clock.now())
    if (reason === undefined || this.groupState(group.name).stopped !== undefined) return
    let isNew = false
    await this.#states.set(group.name, state => {
      isNew = state.stopped === undefined
      return isNew ? { ...state, stopped: { version: instance.granted?.version ?? '', reason, at: clock.now() } } : state
    })
    if (isNew) onEvent?.({ kind: 'stopped', group: group.name, reason })
  }

  /** Safe mode stops a group whose first machine is not heard of again. */
  async #stopSilent (): Promise<void> {
    for (const group of this.#groups.values()) {
      if (!group.safeMode) continue
      for (const key of this.#instances.underWay(group.name)) {
        const instance = this.#instances.all.get(key)
        if (instance === undefined) continue
        await this.#stop(instance, group, this.figures(group).completed.get(instance.granted?.version ?? '') ?? 0).catch((error: unknown) => {
          // Told by the file; safe mode tries again with the next look.
          if (!(error instanceof AppError)) throw error
        })
      }
    }
  }

  #forget (key: string): void {
    this.#instances.delete(key)
    this.#saved.delete(key)
    this.#options.store.put({ kind: 'instance', key, instance: null }).catch(() => { /* told by the file; it is forgotten again at the next start */ })
  }

  /** undefined when there is no such group. */
  async pause (name: string): Promise<GroupState | undefined> { return await this.#change(name, state => ({ ...state, paused: true })) }

  /** Goes on, also after safe mode stopped it; what had failed may try again. */
  async resume (name: string): Promise<GroupState | undefined> {
    const group = this.#groups.get(name)
    const now = this.#options.clock.now()
    for (const key of group === undefined ? [] : this.#instances.underWay(name)) {
      const instance = this.#instances.all.get(key)!
      if (now - (instance.granted?.at ?? now) < group!.timeout) continue
      await this.#keep(key, { ...instance, status: 'error', statusAt: now, error: 'not heard of in time' }, undefined)
    }
    return await this.#change(name, ({ stopped: _, ...state }) => ({ ...state, paused: false }))
  }

  async approve (name: string, version: string): Promise<GroupState | undefined> {
    return await this.#change(name, ({ approved, ...state }) => ({
      ...state, approved: [...approved.filter(other => other !== version).slice(-mostApproved + 1), version]
    }))
  }

  async #change (name: string, change: (state: GroupState) => GroupState): Promise<GroupState | undefined> {
    if (!this.#groups.has(name)) return undefined
    await this.#states.set(name, change)
    return this.groupState(name)
  }
}

const byName = (groups: readonly UpdateGroup[]): ReadonlyMap<string, UpdateGroup> => new Map(groups.map(group => [group.name, group]))
