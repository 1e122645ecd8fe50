// The API's definition, from assets/proto: which calls there are, and how their messages are laid out.
import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader'
import { load } from '@grpc/proto-loader'
import { bundledPath } from '../base/bundled.js'

export const serviceNames = ['Groups', 'Profiles', 'Ignition', 'Generic', 'Select'] as const
export type ServiceName = typeof serviceNames[number]

/** A field of a message; `type` is the layout of an embedded message. */
export interface MessageField {
  readonly name: string
  readonly type: 'string' | 'bytes' | MessageLayout
  readonly repeated: boolean
  /** A repeated message of key and value. */
  readonly map: boolean
}

export interface MessageLayout {
  readonly name: string
  readonly fields: ReadonlyMap<number, MessageField>
}

export interface Protocol {
  readonly services: Readonly<Record<ServiceName, ServiceDefinition>>
  /** The layout of a call's request, by the name of the call. */
  requestType: (call: string) => MessageLayout
}

const folder = bundledPath('proto')

export async function loadProtocol (): Promise<Protocol> {
  const definition = await load('rpc.proto', { includeDirs: [folder], keepCase: true, defaults: false, arrays: true, objects: true })
  const service = (name: ServiceName): ServiceDefinition => {
    const found = definition[`rpcpb.${name}`]
    if (found === undefined || 'format' in found) throw new Error(`assets/proto defines no service rpcpb.${name}`)
    return found
  }
  const types = new Map<string, MessageLayout>()
  return {
    services: { Groups: service('Groups'), Profiles: service('Profiles'), Ignition: service('Ignition'), Generic: service('Generic'), Select: service('Select') },
    requestType: call => messageType(definition, 'serverpb', `${call}Request`, types)
  }
}

/** What is used of descriptor.proto's FieldDescriptorProto and DescriptorProto. */
interface FieldDescriptor {
  readonly name: string
  readonly number: number
  readonly label: string
  readonly type: string
  readonly typeName: string
}
interface Descriptor {
  readonly name: string
  readonly field: readonly FieldDescriptor[]
  readonly nestedType: readonly Descriptor[]
  readonly options: { readonly mapEntry?: boolean } | null
}

function messageType (definition: PackageDefinition, namespace: string, name: string, known: Map<string, MessageLayout>): MessageLayout {
  const full = name.includes('.') ? name : `${namespace}.${name}`
  const before = known.get(full)
  if (before !== undefined) return before
  const found = definition[full]
  if (found === undefined || !('format' in found)) throw new Error(`assets/proto defines no message ${full}`)
  const type = layoutOf(found.type as Descriptor, full, other => messageType(definition, full.slice(0, full.indexOf('.')), other, known))
  known.set(full, type)
  return type
}

function layoutOf (descriptor: Descriptor, name: string, resolve: (name: string) => MessageLayout): MessageLayout {
  const fields = new Map<number, MessageField>()
  for (const field of descriptor.field) {
    const nested = descriptor.nestedType.find(other => other.name === field.typeName)
    fields.set(field.number, {
      name: field.name,
      type: field.type === 'TYPE_STRING'
        ? 'string'
        : field.type === 'TYPE_BYTES' ? 'bytes' : nested === undefined ? resolve(field.typeName) : layoutOf(nested, `${name}.${nested.name}`, resolve),
      repeated: field.label === 'LABEL_REPEATED',
      map: nested?.options?.mapEntry === true
    })
  }
  return { name, fields }
}
