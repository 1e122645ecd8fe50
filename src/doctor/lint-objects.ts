// What is amiss with a group or a profile, looked at in its own file: keys, references, what it boots, its metadata.
import { posix } from 'node:path'
import { didYouMean, nearest } from '../base/nearest.js'
import { isBootFileName } from '../config/load.js'
import { textOf as metadataText, countOf, durationOf, flagOf } from '../matchbox/metadata-values.js'
import { etcdClusterOf } from '../matchbox/etcd-cluster.js'
import { type Group, groupFields, isMacKey } from '../matchbox/group.js'
import { groupLoaders, machinesOf } from '../matchbox/group-machines.js'
import { localBootOf } from '../matchbox/local-boot.js'
import { bootFields, type NetBoot, type Profile, profileFields } from '../matchbox/profile.js'
import { type ConfigKind, configKinds, findConfig, findProfile, type Objects } from '../matchbox/store.js'
import { parseIpv4 } from '../net/ipv4.js'
import { nobodys } from '../net/mac.js'
import type { FilePlace, Finding } from './finding.js'
import type { JsonPlaces } from './json-places.js'
import { storeFinding } from './store-rules.js'

/** `name` is that of the file, without its folder and `.json`. */
export function lintGroup (name: string, group: Group, places: JsonPlaces, objects: Objects): readonly Finding[] {
  const { id, profile, selector } = group
  return [
    ...places.oddKeys(groupFields),
    ...places.repeatedKeys(key => key, 'selector'),
    ...places.repeatedKeys(key => key, 'metadata'),
    ...idProblem(name, id, places),
    ...profile === ''
      ? [storeFinding('missing-profile', places.of('profile'), 'names no profile: its machines get 404')]
      : findProfile(objects, profile) === undefined
        ? [storeFinding('missing-profile', places.of('profile'), `names the profile ${JSON.stringify(profile)}, which is not there: its machines get 404${didYouMean(profile, objects.profiles.keys())}`)]
        : [],
    ...selector.size === 0 ? [storeFinding('no-selector', places.of(), 'no selector: matches every machine that no other group matches')] : [],
    ...[...selector].flatMap(([key, value]) => [
      ...isMacKey(key) && key !== 'mac' ? [storeFinding('selector-case', places.ofKey(key, 'selector'), `machines send their address as "mac", and labels are compared letter by letter: ${JSON.stringify(key)} never matches`)] : [],
      ...key === 'uuid' && /[A-F]/.test(value) ? [storeFinding('selector-case', places.of('selector', key), `machines send their UUID in small letters, and labels are compared letter by letter: is ${JSON.stringify(value.toLowerCase())} meant?`)] : [],
      ...value !== value.trim() && !isMacKey(key) ? [storeFinding('selector-space', places.of('selector', key), `${JSON.stringify(value)} has space around it, which a machine would have to send too`)] : []
    ]),
    ...machinesOf(selector).flatMap(mac => {
      const why = nobodys(mac)
      return why === undefined ? [] : [storeFinding('selector-address', places.of('selector', 'mac'), `${mac} is no machine's address: ${why}, and never matches`)]
    }),
    ...metadataProblems(group, places)
  ]
}

/** Those that speak to this program (docs/machines.md, docs/boot.md). */
const metadataKeys: readonly string[] = ['boot_file', 'boot_from_disk', 'boot_resilient', 'etcd_cluster', 'guard_count', 'guard_window', 'hostname', 'ignition_guard', 'install_once', 'reinstall']

function metadataProblems (group: Group, places: JsonPlaces): readonly Finding[] {
  const { id, metadata, selector } = group
  const said = {
    install_once: flagOf(group, 'install_once'),
    boot_resilient: flagOf(group, 'boot_resilient'),
    ignition_guard: flagOf(group, 'ignition_guard'),
    etcd_cluster: etcdClusterOf(group),
    guard_window: durationOf(group, 'guard_window'),
    guard_count: countOf(group, 'guard_count'),
    boot_from_disk: localBootOf(group)
  }
  const found = Object.entries(said).flatMap(([key, { problem }]) =>
    problem === undefined ? [] : [storeFinding('metadata', places.of('metadata', key), problem.replace(`group ${id}: `, ''))])
  for (const key of metadata?.keys() ?? []) {
    const meant = key.length < 6 || metadataKeys.includes(key) ? undefined : nearest(key.replaceAll('-', '_'), metadataKeys) ?? metadataKeys.find(known => known === key.replaceAll('-', '_'))
    if (meant !== undefined) found.push(storeFinding('metadata-key', places.ofKey(key, 'metadata'), `metadata ${JSON.stringify(key)} means nothing to this program, only to templates; did you mean ${JSON.stringify(meant)}?`))
  }
  for (const problem of groupLoaders([group], isBootFileName).problems) found.push(storeFinding('metadata', places.of('metadata', 'boot_file'), problem))
  const ip = metadata?.get('ip')
  if (machinesOf(selector).length > 0 && ip !== undefined && (typeof ip !== 'string' || parseIpv4(ip) === undefined)) {
    found.push(storeFinding('metadata', places.of('metadata', 'ip'), `metadata ip is ${JSON.stringify(metadataText(group, 'ip'))}, which is no IPv4 address: nothing is reserved`))
  }
  return found
}

/** `isUnread`: whether a config may be there, and could not be read. */
export function lintProfile (
  name: string, profile: Profile, places: JsonPlaces, objects: Objects, isUnread: (kind: ConfigKind, id: string) => boolean = () => false
): readonly Finding[] {
  const { id, boot } = profile
  return [
    ...places.oddKeys(profileFields),
    ...places.oddKeys(bootFields, 'boot'),
    ...idProblem(name, id, places),
    ...configKinds.map(kind => ({ kind, id: configIdOf(profile, kind) })).filter(({ kind, id }) => !isUnread(kind, id))
      .flatMap(({ kind, id }) => missingConfig(kind, id, places, objects)),
    ...boot === undefined ? [] : lintBoot(boot, places)
  ]
}

export const configIdOf = (profile: Profile, kind: ConfigKind): string =>
  ({ ignition: profile.ignitionId, cloud: profile.cloudId, generic: profile.genericId })[kind]

function missingConfig (kind: ConfigKind, id: string, places: JsonPlaces, objects: Objects): readonly Finding[] {
  if (id === '' || findConfig(objects, kind, id) !== undefined) return []
  return [storeFinding('missing-config', places.of(`${kind}_id`), `names ${kind}/${id}, which is not there: /${kind} answers 404${meantConfig(id, objects.configs[kind].keys())}`)]
}

/** A name without its ending is not near in letters. */
function meantConfig (id: string, names: Iterable<string>): string {
  const all = [...names]
  const longer = all.find(name => name.startsWith(`${id}.`))
  return longer === undefined ? didYouMean(id, all) : `; did you mean ${JSON.stringify(longer)}?`
}

/** A path that this server answers 404: what machines boot is served below /assets/, their loaders below /boot/. */
function lintBoot ({ kernel, initrd }: NetBoot, places: JsonPlaces): readonly Finding[] {
  if (kernel === '') return [storeFinding('missing-kernel', places.of('boot'), 'boots no kernel: its script stops the machine')]
  const urls: ReadonlyArray<readonly [string, FilePlace]> = [
    [kernel, places.of('boot', 'kernel')],
    // The options of iPXE's `initrd` command may stand before the URL.
    ...initrd.map((text, n) => [text.trim().split(/\s+/).at(-1) ?? '', places.of('boot', 'initrd', n)] as const)
  ]
  return urls.flatMap(([url, place]) => {
    if (/^[a-z][\w+.-]*:/i.test(url) || /^\$\{|^\(/.test(url) || url.includes('{{') || /^\/(?:assets|boot)\//.test(posix.join('/', url))) return []
    if (/^\/?(?:assets|boot)\//.test(url)) return [storeFinding('not-served', place, `${JSON.stringify(url)} leads out of /assets/: machines get 404`)]
    return [storeFinding('not-served', place, `${JSON.stringify(url)} is not under /assets/: machines get 404; is ${JSON.stringify(`/assets/${url.replace(/^\/+/, '')}`)} meant?`)]
  })
}

function idProblem (name: string, id: string, places: JsonPlaces): readonly Finding[] {
  // A profile in a folder is named with it or without.
  if (id === name || id === name.slice(name.lastIndexOf('/') + 1)) return []
  return [storeFinding('id-differs', places.of('id'), id === ''
    ? `has no id: the API can't tell it from others; "id": ${JSON.stringify(name)} is meant`
    : `the id is ${JSON.stringify(id)}, the file is called ${JSON.stringify(name)}: profiles are found by the file's name, and the API would write another file`)]
}
