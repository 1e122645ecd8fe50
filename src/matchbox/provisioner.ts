// The use cases: what a machine with these labels gets, beside what the API does with groups, profiles and configs (catalogue). HTTP,
// gRPC and the command line call these and translate shapes and errors.
import { Buffer } from 'node:buffer'
import { AppError, messageOf } from '../base/errors.js'
import { type Catalogue, createCatalogue } from './catalogue.js'
import { type Bounds, ConfigDocuments, type DocumentBody, TooLong } from './config-documents.js'
import { type DiscoveryUrls, etcdClusterOf, withDiscovery } from './etcd-cluster.js'
import { alone, type Fallbacks, type Fallback } from './fallbacks.js'
import type { Group } from './group.js'
import { type BootDecision, decideBoot, type FromDisk, installOnceKey, type MachinePast, noPast } from './boot-decision.js'
import { type GuardKeeper, guardOf, tokenKey } from './guard.js'
import { bodies, type DocumentKind, guardedConfigOf, isConfigKind, tokened } from './document-bodies.js'
import { flagOf } from './metadata-values.js'
import { type AssetPins, asWritten } from './pin-assets.js'
import type { NetBoot, Profile } from './profile.js'
import { bootScript, defaultScriptLabels, type ScriptLabel } from './render-ipxe.js'
import type { Mac } from '../net/mac.js'
import { KeptIndex } from './kept-index.js'
import { type Labels, macOfLabels } from './select.js'
import { type ConfigFile, type ConfigKind, type Objects, type Store, findProfile } from './store.js'
import type { OwnSnippets } from './templates.js'
import { type MachineRequest, variablesOf } from './variables.js'

/** What a machine is answered, with what was found out on the way; without `body`, `error` says why there is none. */
export interface Rendering {
  /** The machine's hardware address, as its labels have it. */
  readonly mac: Mac | undefined
  readonly group: Group | undefined
  readonly profile: Profile | undefined
  /** What a script boots, as it names it. */
  readonly boot: NetBoot | undefined
  readonly body: Buffer | undefined
  readonly error: AppError | undefined
  /** Why what is served will hardly do what was meant. */
  readonly problem: string | undefined
  /** What the translation to Ignition remarked, one `file:line:col: kind: message` each. */
  readonly report: readonly string[]
  /** The one of them that a person has to see, although the config was translated. */
  readonly warning?: string | undefined
  /** Stands for what a machine boots from the network, where its group installs it once; for the machine's record. */
  readonly bootedAs: string | undefined
  /** Of a script: whether the machine is to start from its own disk. */
  readonly startsFromDisk: boolean
  /** Whether the same request may be answered otherwise by another machine, or a moment later: not to be kept. */
  readonly personal: boolean
}

/** What machines get, and the API's groups, profiles and configs beside it. */
export interface Provisioner extends Catalogue {
  readonly store: Store
  /** The first script, the same for every machine of a network and the same object as long as it is; `client` is an address there. */
  bootScript: (client?: string) => Buffer
  render: (kind: DocumentKind, request: MachineRequest) => Rendering
  /** The same, but what takes long is made aside, where it holds nobody up. Never rejects. */
  renderAside: (kind: DocumentKind, request: MachineRequest) => Rendering | Promise<Rendering>
  /** Another object whenever the same request may be rendered differently than before: renderings may be kept as long as it stays. */
  version: () => object
  /** The group that a machine with these labels gets, also just after it was deleted. */
  matchMachine: (labels: Labels) => Group | undefined
  /** What the machine boots now, for the files that loaders ask for by fixed names. */
  bootOf: (request: MachineRequest) => MachineBoot
  /** The same once it is known what other provisioners know of a machine that is installed once. Never rejects. */
  settledBootOf: (request: MachineRequest) => Promise<MachineBoot>
  /** What a profile boots, with aliases of assets replaced by what they stand for now. */
  pinned: (boot: NetBoot) => NetBoot
}

export interface MachineBoot {
  readonly group: Group | undefined
  /** How it starts from its disk, and why; undefined: from the network. */
  readonly fromDisk: FromDisk | undefined
  /** What its profile boots, as its script would name it; undefined when there is nothing. */
  readonly boot: NetBoot | undefined
  /** Stands for what it would boot, where its group installs once. */
  readonly bootedAs: string | undefined
  /** Why it will hardly boot what was meant. */
  readonly problem?: string | undefined
}

/** A config to be made of a file for one machine. */
export interface LongRendering {
  readonly kind: ConfigKind
  readonly file: ConfigFile
  readonly group: Group
  readonly request: MachineRequest
  /** What its template may call and carry. */
  readonly shared: Objects['shared']
  readonly ownSnippets: ReadonlyMap<string, string> | undefined
}

/** Where renderings go on that take long. Rejects with AppError: those of a rendering, render_busy and render_failed. */
export interface Aside { readonly make: (rendering: LongRendering) => Promise<DocumentBody> }

/** What was found out before a document is made. */
interface FoundBefore { readonly known?: MachinePast, readonly keeper?: GuardKeeper }

const scriptKinds: ReadonlySet<DocumentKind> = new Set(['ipxe', 'grub'])

/** What is made where machines wait: some 20 ms at most on a slow machine. */
const bounds: Bounds = { steps: 50_000, octets: 32 * 1024 }

export interface ProvisionerOptions {
  readonly store: Store
  /** What the first script tells of a machine; without it what Matchbox 0.9 tells. */
  readonly scriptLabels?: readonly ScriptLabel[]
  /** Whether iPXE scripts are the resilient ones where neither group nor profile says. */
  readonly resilient?: boolean
  readonly assets?: AssetPins
  readonly ownSnippets?: OwnSnippets
  /** What is remembered of machines; without it none was ever installed. */
  readonly past?: MachinePast
  /** Without it, guarded configs are given to nobody who asks from outside. */
  readonly guard?: GuardKeeper | undefined
  /** Where members of etcd clusters find each other; without it templates are told nothing of it. */
  readonly discovery?: DiscoveryUrls
  /** Without it everything is made at once. */
  readonly aside?: Aside | undefined
  /** Who else serves the same. */
  readonly fallbacks?: Fallbacks
}

/** What renderings depend on beside the request. */
interface Version { readonly objects: unknown, readonly pins: object, readonly discovery: object | undefined, readonly fallbacks: object }

export function createProvisioner (options: ProvisionerOptions): Provisioner {
  const { store, scriptLabels = defaultScriptLabels, resilient = false, assets = asWritten, past = noPast } = options
  const { guard, discovery, aside, fallbacks = alone } = options
  const machineIndex = new KeptIndex(() => store.snapshot.forMachines.groups)
  store.onChange(changes => { machineIndex.changed(changes) })
  let version: Version = { objects: undefined, pins: asWritten, discovery: undefined, fallbacks: alone }
  const documents = new ConfigDocuments(options.ownSnippets)
  let first: { readonly others: readonly Fallback[], readonly body: Buffer } | undefined
  /** Files of which a rendering took too long. */
  const long = new WeakSet<ConfigFile>()

  /** Whether the group depends on what DHCP was told of the machine, which may be otherwise at its next boot. */
  const isByArchitecture = (labels: Labels): boolean => !labels.has(architectureLabel) && machineIndex.now.selectsBy(architectureLabel)
  const matchMachine = (labels: Labels): Group | undefined => {
    // A part of the store may hold a group for every machine, and not yet the one that is meant.
    if (store.unread?.() !== undefined) return undefined
    const mac = isByArchitecture(labels) ? macOfLabels(labels) : undefined
    const architecture = mac === undefined ? undefined : past.architectureOf(mac)
    return machineIndex.now.select(architecture === undefined ? labels : new Map([...labels, [architectureLabel, architecture]]))
  }

  /** All but the making of a config, which `job` says; without one the document is `made`. */
  const begin = (kind: DocumentKind, request: MachineRequest, { known = past, keeper = guard }: FoundBefore = {}): RenderingJob => {
    const objects = store.snapshot.forMachines
    const group = matchMachine(request.labels)
    const mac = macOfLabels(request.labels)
    let profile: Profile | undefined
    let decision: BootDecision | undefined
    const end = (made: DocumentBody, error?: AppError): Rendering => {
      const { boot, body, problem, report = [], warning } = made
      const isGuarded = group !== undefined && guardOf(group).limits !== undefined
      const personal = decision?.bootedAs !== undefined || isGuarded || fallbacks.isByClient || isByArchitecture(request.labels)
      const bootedAs = boot === undefined ? undefined : decision?.bootedAs
      const startsFromDisk = decision?.fromDisk !== undefined
      const found = { error: error ?? made.error, problem: problem ?? (group === undefined ? undefined : etcdClusterOf(group).problem) }
      return { mac, group, profile, boot, body, ...found, report, warning, bootedAs, startsFromDisk, personal }
    }
    const finish = (made: DocumentBody): Rendering => end(made)
    const fail = (e: unknown): Rendering =>
      end({ body: undefined }, e instanceof AppError ? e : new AppError('template_invalid', messageOf(e), { cause: e }))
    try {
      const unread = store.unread?.()
      if (unread !== undefined) throw new AppError('folder_unreadable', `the store was not read yet: ${unread}`)
      if (group === undefined) throw new AppError('group_unmatched', 'no group matches the labels')
      profile = findProfile(objects, group.profile)
      decision = decideBoot(group, profile, mac, known)
      const recipient = { objects, group, profile, mac, request, decision, resilient, pin: assets.pin, guard: keeper, discovery, fallbacks }
      if (!isConfigKind(kind)) return { job: undefined, made: bodies[kind](recipient), finish, fail }
      const file = guardedConfigOf(recipient, kind)
      const given = withDiscovery(group, discovery, request.client)
      return { job: { kind, file, group: given, request, shared: objects.shared, ownSnippets: options.ownSnippets?.() }, finish, fail }
    } catch (e) {
      const failed = fail(e)
      return { job: undefined, made: { body: undefined }, finish: () => failed, fail }
    }
  }
  /** Before a machine of a group that installs once gets a script, what others know of it; undefined where nothing is asked. */
  const settleInstalled = ({ labels }: MachineRequest): Promise<FoundBefore> | undefined => {
    const mac = macOfLabels(labels)
    if (past.settle === undefined || mac === undefined) return undefined
    const group = matchMachine(labels)
    if (group === undefined || flagOf(group, installOnceKey).value !== true) return undefined
    return past.settle(mac).then(() => ({}), () => ({ known: { ...past, isCertain: () => false } }))
  }
  const bootKnowing = (request: MachineRequest, known: MachinePast): MachineBoot => {
    const group = matchMachine(request.labels)
    if (group === undefined) return { group, fromDisk: undefined, boot: undefined, bootedAs: undefined }
    const profile = findProfile(store.snapshot.forMachines, group.profile)
    const mac = macOfLabels(request.labels)
    const { fromDisk, bootedAs, problem } = decideBoot(group, profile, mac, known)
    const boot = profile?.boot === undefined ? undefined : tokened({ group, mac, request, guard }, assets.pin(profile.boot))
    return { group, fromDisk, boot, bootedAs, problem: problem ?? (fromDisk === undefined ? guardOf(group).problem : undefined) }
  }
  /** Before a guarded config is given out, what is counted of its token; undefined where nothing is asked. */
  const takeToken = ({ labels, client }: MachineRequest): Promise<FoundBefore> | undefined => {
    const mac = macOfLabels(labels)
    if (guard?.takeKept === undefined || mac === undefined || client === undefined) return undefined
    const group = matchMachine(labels)
    const limits = group === undefined ? undefined : guardOf(group).limits
    if (limits === undefined || !guard.isAddressOf(mac, client)) return undefined
    return guard.takeKept(mac, labels.get(tokenKey), limits).then(
      refusal => ({ keeper: { ...guard, take: () => refusal } }),
      (error: unknown) => ({ keeper: { ...guard, take: () => { throw error } } }))
  }
  const makeAside = (begun: RenderingJob): Rendering | Promise<Rendering> => {
    const { job, finish, fail } = begun
    if (job === undefined) return finish(begun.made)
    if (aside === undefined) return finishWith(begun, () => makeHere(job))
    if (!long.has(job.file)) {
      try {
        return finishWith(begun, () => makeHere(job, bounds))
      } catch (error) {
        if (!(error instanceof TooLong)) throw error
        long.add(job.file)
      }
    }
    return aside.make(job).then(finish, fail)
  }
  const makeHere = ({ kind, file, group, request, shared }: LongRendering, within?: Bounds): DocumentBody =>
    documents.make(kind, file, variablesOf(group, request), shared, within)

  return {
    ...createCatalogue(store),
    store,
    bootScript: client => {
      const others = fallbacks.others(client)
      if (first?.others === others) return first.body
      const body = Buffer.from(bootScript(scriptLabels, resilient, others.map(({ origin }) => origin)))
      first = { others, body }
      return body
    },
    render: (kind, request) => {
      const begun = begin(kind, request)
      return begun.job === undefined ? begun.finish(begun.made) : finishWith(begun, () => makeHere(begun.job))
    },
    renderAside: (kind, request) => {
      const settled = scriptKinds.has(kind) ? settleInstalled(request) : isConfigKind(kind) ? takeToken(request) : undefined
      return settled === undefined ? makeAside(begin(kind, request)) : settled.then(found => makeAside(begin(kind, request, found)))
    },
    version: () => {
      const now: Version = {
        objects: store.snapshot.forMachines, pins: assets.version(), discovery: discovery?.version(), fallbacks: fallbacks.version()
      }
      if (!isSameVersion(version, now)) version = now
      return version
    },
    matchMachine,
    bootOf: request => bootKnowing(request, past),
    settledBootOf: async request => bootKnowing(request, (await settleInstalled(request))?.known ?? past),
    pinned: assets.pin,
  }
}

const isSameVersion = (one: Version, other: Version): boolean =>
  one.objects === other.objects && one.pins === other.pins && one.discovery === other.discovery && one.fallbacks === other.fallbacks

/** The label of Matchbox 0.11 for what the machine's loader was built for. */
export const architectureLabel = 'arch'

interface RenderingEnds {
  readonly finish: (made: DocumentBody) => Rendering
  readonly fail: (error: unknown) => Rendering
}

/** A rendering of which what a machine waits for has been decided. */
type RenderingJob = RenderingEnds & ({ readonly job: undefined, readonly made: DocumentBody } | { readonly job: LongRendering })

function finishWith ({ finish, fail }: RenderingEnds, make: () => DocumentBody): Rendering {
  try {
    return finish(make())
  } catch (error) {
    if (error instanceof TooLong) throw error
    return fail(error)
  }
}
