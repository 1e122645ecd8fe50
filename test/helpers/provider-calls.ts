// The calls that Terraform's matchbox provider makes, generation by generation: the profile before its configs, which it
// names itself; to replace, delete and create.
import type { RawClient, Answer } from './grpc-appliance.js'

export interface ProfileResource {
  readonly name: string
  readonly kernel?: string
  readonly initrd?: readonly string[]
  readonly args?: readonly string[]
  readonly containerLinuxConfig?: string
  readonly rawIgnition?: string
  readonly genericConfig?: string
}

export interface GroupResource {
  readonly name: string
  readonly profile: string
  readonly selector: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
}

const idsOf = ({ name, containerLinuxConfig, rawIgnition, genericConfig }: ProfileResource): { ignition: string, generic: string } => ({
  ignition: containerLinuxConfig !== undefined ? `${name}.yaml.tmpl` : rawIgnition !== undefined ? `${name}.ign` : '',
  generic: genericConfig === undefined ? '' : name
})

async function ok (answer: Promise<Answer>): Promise<object> {
  const found = await answer
  if ('error' in found) throw new Error(`${found.error.status}: ${found.error.message}`)
  return found.response
}

export async function createProfile (client: RawClient, resource: ProfileResource): Promise<void> {
  const { ignition, generic } = idsOf(resource)
  const { name, kernel = '', initrd = [], args = [], containerLinuxConfig, rawIgnition, genericConfig } = resource
  await ok(client.call('ProfilePut', { profile: { id: name, boot: { kernel, initrd, args }, ignition_id: ignition, generic_id: generic } }))
  const config = containerLinuxConfig ?? rawIgnition
  if (config !== undefined) await ok(client.call('IgnitionPut', { name: ignition, config: Buffer.from(config) }))
  if (genericConfig !== undefined) await ok(client.call('GenericPut', { name: generic, config: Buffer.from(genericConfig) }))
}

/**
 * What a plan of 0.4 and before finds: whether everything is there, by the names that the state makes; what it holds is
 * taken from the state. The order is that of its resourceProfileRead.
 */
export async function hasProfile (client: RawClient, resource: ProfileResource): Promise<boolean> {
  const { ignition, generic } = idsOf(resource)
  try {
    await ok(client.call('ProfileGet', { id: resource.name }))
    if (ignition !== '') await ok(client.call('IgnitionGet', { name: ignition }))
    if (generic !== '') await ok(client.call('GenericGet', { name: generic }))
    return true
  } catch {
    return false
  }
}

/**
 * What a plan of 0.5 finds, by the names that the answer has (internal/matchbox/resource_profile.go, Read): undefined when
 * something of it is gone, which makes Terraform create it anew.
 */
export async function readProfile (client: RawClient, { name }: ProfileResource): Promise<ProfileResource | undefined> {
  try {
    const { profile } = await ok(client.call('ProfileGet', { id: name })) as {
      profile: { boot: { kernel?: string, initrd?: string[], args?: string[] }, ignition_id?: string, generic_id?: string }
    }
    const { kernel = '', initrd = [], args = [] } = profile.boot
    const { ignition_id: ignition = '', generic_id: generic = '' } = profile
    const get = async (call: string, id: string): Promise<string> =>
      (await ok(client.call(call, { name: id })) as { config?: Buffer }).config?.toString() ?? ''
    return {
      name,
      kernel,
      initrd,
      args,
      ...ignition.endsWith('.ign') ? { rawIgnition: await get('IgnitionGet', ignition) } : {},
      ...ignition.endsWith('.tmpl') ? { containerLinuxConfig: await get('IgnitionGet', ignition) } : {},
      ...generic === '' ? {} : { genericConfig: await get('GenericGet', generic) }
    }
  } catch {
    return undefined
  }
}

export async function deleteProfile (client: RawClient, resource: ProfileResource): Promise<void> {
  const { ignition, generic } = idsOf(resource)
  await ok(client.call('ProfileDelete', { id: resource.name }))
  if (ignition !== '') await ok(client.call('IgnitionDelete', { name: ignition }))
  if (generic !== '') await ok(client.call('GenericDelete', { name: generic }))
}

export async function createGroup (client: RawClient, { name, profile, selector, metadata }: GroupResource): Promise<void> {
  await ok(client.call('GroupPut', { group: { id: name, profile, selector, metadata: Buffer.from(JSON.stringify(metadata)) } }))
}

export async function readGroup (client: RawClient, { name }: GroupResource): Promise<GroupResource | undefined> {
  try {
    const { group } = await ok(client.call('GroupGet', { id: name })) as {
      group: { profile: string, selector: Record<string, string>, metadata: Buffer }
    }
    return { name, profile: group.profile, selector: group.selector, metadata: JSON.parse(group.metadata.toString()) as Record<string, string> }
  } catch {
    return undefined
  }
}

export const deleteGroup = async (client: RawClient, { name }: GroupResource): Promise<void> => { await ok(client.call('GroupDelete', { id: name })) }
