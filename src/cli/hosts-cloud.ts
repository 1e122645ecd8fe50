// hosts import --templates: pxe_coreos' machines with their templates, as cloud-configs, a profile for each channel, and variables in the
// metadata of groups. Decides nothing of machines; says what has to be put.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../base/errors.js'
import type { LoadedConfig } from '../config/load.js'
import { readWhole } from '../disk/whole-file.js'
import {
  assertCloudId, assertCloudTemplate, channelProfile, cloudMetadata, goTemplate, namesOf, templateName
} from '../inventory/cloud-templates.js'
import type { ProfileChoice } from '../inventory/group-plan.js'
import { type CloudFacts, type Fact, placeText } from '../inventory/host-list.js'
import { decodeText, listError } from '../inventory/source-text.js'
import { assertProfile, encodeProfile, type Profile } from '../matchbox/profile.js'
import type { OpenStore, Snapshot } from '../matchbox/store.js'
import { exportContext } from '../wiring/export-context.js'

/** A template is read whole, and rendered for machines. */
const largestTemplate = 1024 * 1024

export interface CloudMachine { readonly cloud: CloudFacts, readonly role: Fact<string> | undefined }

/** Something to be put, and how what was there before comes back. */
export interface Put { readonly put: () => Promise<void>, readonly undo: () => Promise<void> }

export interface CloudImport {
  readonly puts: readonly Put[]
  readonly profileOf: (machine: CloudMachine) => string
  readonly metadataOf: (machine: CloudMachine) => ReadonlyMap<string, string>
}

interface Into { readonly loaded: LoadedConfig, readonly choice: ProfileChoice, readonly store: OpenStore }

/** Reads the templates that the machines name in `folder`. AppError list_invalid, list_conflict or read_failed: nothing can be put. */
export async function cloudImport (
  machines: readonly CloudMachine[], folder: string, { loaded, choice, store }: Into
): Promise<CloudImport> {
  const { snapshot } = store
  const names = namesOf(machines.map(({ cloud }) => cloud))
  const templates = new Map<string, Buffer>()
  const profiles = new Map<string, Profile>()
  const profileOf = ({ cloud, role }: CloudMachine): string => {
    const given = (role === undefined ? undefined : choice.byRole.get(role.value)) ?? choice.profile
    if (given !== undefined) return given
    if (role === undefined) throw listError(cloud.template.at, 'channel: a machine without one has no profile; --profile PROFILE is for such')
    return channelProfile(role.value, cloud.template.value)
  }
  for (const machine of machines) {
    const { template } = machine.cloud
    const name = templateName(template)
    if (!templates.has(name)) templates.set(name, await readTemplate(join(folder, name), template, names))
    const id = profileOf(machine)
    const before = profiles.get(id) ?? snapshot.profiles.get(id)
    assertCloudId(id, before?.cloudId ?? '', name, template.at)
    profiles.set(id, { ...before ?? newProfile(id, machine.role?.value ?? id, loaded, snapshot), cloudId: name })
  }
  for (const profile of profiles.values()) assertProfile(profile)
  return {
    profileOf,
    metadataOf: ({ cloud }) => cloudMetadata(cloud, names),
    puts: [
      ...[...templates].flatMap(([name, content]) => putConfig(store, name, content)),
      ...[...profiles.values()].flatMap(profile => putProfile(store, profile))
    ]
  }
}

async function readTemplate (path: string, { value, at }: Fact<string>, names: ReadonlySet<string>): Promise<Buffer> {
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined || !stats.isFile()) throw new AppError('list_invalid', `${placeText(at)}: template: there is no file ${path}`)
  if (stats.size > largestTemplate) throw listError(at, `template: ${value} is larger than 1 MiB`)
  const source = decodeText(path, await readWhole(path, 'credentials'))
  assertCloudTemplate(source)
  return Buffer.from(goTemplate(source.text, names))
}

/** Kernel and initrd as pxe_coreos names the files of a channel, below /assets/. */
function newProfile (id: string, channel: string, loaded: LoadedConfig, { groups }: Snapshot): Profile {
  const { httpUrl } = exportContext(loaded, { cluster: '', groups: groups.values() })
  // Where addresses tell machines apart the URL is as it was there; else the machine says who it is.
  const query = loaded.config.http.identify_by_ip ? '' : '?mac=$' + '{mac:hexhyp}'
  return {
    id,
    name: '',
    boot: {
      kernel: `/assets/coreos_${channel}_pxe.vmlinuz`,
      initrd: [`/assets/coreos_${channel}_pxe_image.cpio.gz`],
      args: [`initrd=coreos_${channel}_pxe_image.cpio.gz`, `cloud-config-url=${httpUrl}/cloud${query}`, 'coreos.autologin']
    },
    ignitionId: '',
    cloudId: '',
    genericId: ''
  }
}

function putConfig (store: OpenStore, name: string, content: Buffer): readonly Put[] {
  const before = store.snapshot.configs.cloud.get(name)?.content
  if (before !== undefined && content.equals(before)) return []
  return [{
    put: () => store.putConfig('cloud', name, content),
    undo: () => before === undefined ? store.deleteConfig('cloud', name) : store.putConfig('cloud', name, Buffer.from(before))
  }]
}

function putProfile (store: OpenStore, profile: Profile): readonly Put[] {
  const before = store.snapshot.profiles.get(profile.id)
  if (before !== undefined && encodeProfile(before).equals(encodeProfile(profile))) return []
  return [{
    put: () => store.putProfile(profile),
    undo: () => before === undefined ? store.deleteProfile(profile.id) : store.putProfile(before)
  }]
}
