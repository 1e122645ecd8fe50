// The calls of the API: each is a use case of the provisioner between two messages.
import type { UntypedServiceImplementation, handleUnaryCall } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import { AppError, DecodeError } from '../base/errors.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import type { ConfigKind } from '../matchbox/store.js'
import { type ChangeTold, changeTold, isChange } from './changes.js'
import { groupMessage, groupOf, profileMessage, profileOf } from './convert.js'
import type { ConfigMessage, ProfileMessage, ReceivedGroup } from './messages.js'
import type { Protocol, ServiceName } from './proto.js'
import { statusOf } from './status.js'

/** A request as far as it could be read. */
export type ServiceRequest = object | DecodeError

/** One call, for the log and the metrics. */
export interface CallEvent {
  readonly call: string
  /** The id or name that the call is about, '' for those that are about none. */
  readonly id: string
  /** Address and port of the client. */
  readonly peer: string
  readonly code: status
  readonly ms: number
  /** Of a Put or Delete that was done. */
  readonly told: ChangeTold | undefined
  /** What the caller was told, or more, when the call failed. */
  readonly error: unknown
}

interface IdMessage { readonly id?: string }
interface NameMessage { readonly name?: string }
interface LabelsMessage { readonly labels?: ReadonlyMap<string, string> }

/** What grpc's clients take at most, less some room for what surrounds a message. */
export const maxReadableBytes = 4 * 1024 * 1024 - 64 * 1024

/** Answers to calls by service and name; an answer is a message, a failure an AppError. */
export type ServiceCalls = Readonly<Record<ServiceName, Readonly<Record<string, (request: never) => object | Promise<object>>>>>

export function createCalls (provisioner: Provisioner, protocol: Protocol): ServiceCalls {
  /** Refuses what could be put but not read back: the client's Get would fail, which Terraform takes for "it is gone". */
  const assertReadable = (service: ServiceName, call: string, what: string, response: object): void => {
    const bytes = protocol.services[service][call]!.responseSerialize(response).length
    if (bytes > maxReadableBytes) {
      throw new AppError('message_too_large', `${what} is too large: ${bytes} bytes, and at most ${maxReadableBytes} (4 MiB less 64 KiB) can be read back`)
    }
  }

  const configCalls = (service: 'Ignition' | 'Generic', kind: ConfigKind): Record<string, (request: never) => object | Promise<object>> => ({
    [`${service}Put`]: async ({ name = '', config = Buffer.alloc(0) }: ConfigMessage) => {
      assertReadable(service, `${service}Get`, `the config ${JSON.stringify(name.slice(0, 80))}`, { config })
      // A copy: the message is a piece of a larger buffer that would live as long as the config.
      await provisioner.putConfig(kind, name, Buffer.from(config))
      return {}
    },
    [`${service}Get`]: async ({ name = '' }: NameMessage) => {
      await provisioner.settle(kind, name)
      return { config: provisioner.getConfig(kind, name) }
    },
    [`${service}Delete`]: async ({ name = '' }: NameMessage) => {
      await provisioner.deleteConfig(kind, name)
      return {}
    }
  })

  return {
    Groups: {
      GroupPut: async ({ group: message }: { group?: ReceivedGroup }) => {
        if (message === undefined) throw new AppError('message_invalid', 'GroupPut needs a group')
        const group = groupOf(message)
        assertReadable('Groups', 'GroupGet', 'the group', { group: groupMessage(group) })
        await provisioner.putGroup(group)
        return {}
      },
      GroupGet: async ({ id = '' }: IdMessage) => {
        await provisioner.settle('group', id)
        return { group: groupMessage(provisioner.getGroup(id)) }
      },
      GroupDelete: async ({ id = '' }: IdMessage) => {
        await provisioner.deleteGroup(id)
        return {}
      },
      GroupList: async () => {
        await provisioner.settle('group')
        return { groups: provisioner.listGroups().map(groupMessage) }
      }
    },
    Profiles: {
      ProfilePut: async ({ profile: message }: { profile?: ProfileMessage }) => {
        if (message === undefined) throw new AppError('message_invalid', 'ProfilePut needs a profile')
        await provisioner.settle('profile', message.id ?? '')
        const profile = profileOf(message, provisioner.store.snapshot.profiles.get(message.id ?? ''))
        assertReadable('Profiles', 'ProfileGet', 'the profile', { profile: profileMessage(profile) })
        await provisioner.putProfile(profile)
        return {}
      },
      ProfileGet: async ({ id = '' }: IdMessage) => {
        await provisioner.settle('profile', id)
        return { profile: profileMessage(provisioner.getProfile(id)) }
      },
      ProfileDelete: async ({ id = '' }: IdMessage) => {
        await provisioner.deleteProfile(id)
        return {}
      },
      ProfileList: async () => {
        await provisioner.settle('profile')
        return { profiles: provisioner.listProfiles().map(profileMessage) }
      }
    },
    Ignition: configCalls('Ignition', 'ignition'),
    Generic: configCalls('Generic', 'generic'),
    Select: {
      SelectGroup: async ({ labels = new Map() }: LabelsMessage) => {
        await provisioner.settle('group')
        return { group: groupMessage(provisioner.selectGroup(labels)) }
      },
      SelectProfile: async ({ labels = new Map() }: LabelsMessage) => {
        await Promise.all([provisioner.settle('group'), provisioner.settle('profile')])
        return { profile: profileMessage(provisioner.selectProfile(labels)) }
      }
    }
  }
}

/** A service's calls as grpc-js takes them; `onCall` is told of each when it is answered, `running` holds those that are not. */
export function implementationOf (
  calls: ServiceCalls[ServiceName], provisioner: Provisioner, onCall: (event: CallEvent) => void, running: Set<Promise<void>>,
  now: () => number
): UntypedServiceImplementation {
  return Object.fromEntries(Object.entries(calls).map(([name, work]) => {
    const handle: handleUnaryCall<ServiceRequest, object> = (call, callback) => {
      const started = now()
      const report = (error: unknown, code: status, told?: ChangeTold): void => {
        onCall({ call: name, id: subjectOf(call.request), peer: call.getPeer(), code, ms: now() - started, told, error })
      }
      const answer = async (): Promise<void> => {
        try {
          if (call.request instanceof DecodeError) throw call.request
          const before = provisioner.store.snapshot
          const response = await work(call.request as never)
          callback(null, response)
          const { snapshot } = provisioner.store
          report(undefined, status.OK, isChange(name) ? changeTold(name, subjectOf(call.request), before, snapshot) : undefined)
        } catch (error) {
          const failure = statusOf(error)
          callback(failure)
          report(error, failure.code)
        }
      }
      const mine = answer().finally(() => { running.delete(mine) })
      running.add(mine)
    }
    return [name, handle]
  }))
}

function subjectOf (request: ServiceRequest): string {
  if ('id' in request && typeof request.id === 'string') return request.id
  if (request instanceof Error) return ''
  if ('name' in request && typeof request.name === 'string') return request.name
  for (const part of ['group', 'profile'] as const) {
    const inner: unknown = Reflect.get(request, part)
    if (typeof inner === 'object' && inner !== null) return subjectOf(inner)
  }
  return ''
}
