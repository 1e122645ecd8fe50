// What an operator asks of updates and reboots, over the control socket: /v1/updates, /v1/reboots.
import type { FastifyInstance } from 'fastify'
import type { GroupState } from '../updates/policy.js'
import type { Reboots } from '../updates/reboots.js'
import type { Updates } from '../updates/updates.js'
import { shownUpdate, time, type UpdateShown } from './machine-shown.js'
import { refuse } from './refuse.js'

/** Times in ISO 8601. */
export interface UpdateGroupShown {
  readonly group: string
  readonly os: string
  /** What it goes to: `stable`, or a version. */
  readonly follows: string
  readonly state: 'going on' | 'paused' | 'stopped'
  /** Why it is stopped. */
  readonly reason?: string
  readonly approved: readonly string[]
  readonly machines: number
  readonly underWay: number
  readonly failed: number
}

export interface InstanceShown extends UpdateShown {
  readonly alias?: string
  readonly mac?: string
  readonly address: string
  readonly lastSeen: string
}

export interface RebootShown {
  readonly group: string
  readonly slots: number
  readonly id: string
  readonly address: string
  readonly since: string
  readonly seconds: number
}

export interface UpdatesShown { readonly groups: readonly UpdateGroupShown[], readonly machines: readonly InstanceShown[] }

export interface UpdateControlOptions {
  readonly updates: Updates
  readonly reboots: Reboots
  readonly now: () => number
}

export function registerUpdateRoutes (app: FastifyInstance, { updates, reboots, now }: UpdateControlOptions): void {
  app.get('/v1/updates', () => showUpdates(updates))
  const change = (path: string, act: (group: string, version: string) => Promise<GroupState | undefined>): void => {
    app.post<{ Params: { group: string }, Querystring: { version?: string } }>(path, async (request, reply) => {
      const { params: { group }, query: { version = '' } } = request
      if (path.endsWith('/approve') && version === '') return refuse(reply, 400, 'approve takes a version, such as ?version=4230.2.1')
      return await act(group, version) ?? refuse(reply, 404, `no group ${group} is configured (updates.groups)`)
    })
  }
  change('/v1/updates/:group/pause', group => updates.pause(group))
  change('/v1/updates/:group/resume', group => updates.resume(group))
  change('/v1/updates/:group/approve', (group, version) => updates.approve(group, version))

  app.get('/v1/reboots', (): readonly RebootShown[] => [...reboots.holders].flatMap(([group, holders]) => holders.map(({ id, address, since }) => ({
    group,
    slots: reboots.groups.get(group)?.slots ?? 0,
    id,
    address,
    since: time(since),
    seconds: Math.max(0, Math.round((now() - since) / 1000))
  }))))
  app.post<{ Params: { id: string } }>('/v1/reboots/:id/release', async (request, reply) => {
    const { id } = request.params
    const groups = [...reboots.holders].filter(([, holders]) => holders.some(holder => holder.id === id)).map(([group]) => group)
    for (const group of groups) await reboots.release(group, id)
    return groups.length > 0 ? { id, groups, released: true } : refuse(reply, 404, `${id} holds no slot`)
  })
}

function showUpdates (updates: Updates): UpdatesShown {
  const machines = [...updates.state.instances.values()]
  return {
    groups: [...updates.groups.values()].map(group => {
      const { paused, stopped, approved } = updates.groupState(group.name)
      const ours = machines.filter(machine => machine.group === group.name)
      return {
        group: group.name,
        os: group.os,
        follows: group.version ?? group.channel ?? 'its stream',
        state: stopped !== undefined ? 'stopped' : paused ? 'paused' : 'going on',
        ...stopped !== undefined && { reason: stopped.reason },
        approved,
        machines: ours.length,
        underWay: ours.filter(({ status }) => ['granted', 'downloading', 'downloaded', 'installed'].includes(status)).length,
        failed: ours.filter(({ status }) => status === 'error').length
      }
    }),
    machines: machines.map((instance): InstanceShown => {
      const { alias, mac, address, lastSeen } = instance
      const { id, ...update } = shownUpdate(instance)
      return { id, ...alias !== '' && { alias }, ...mac !== undefined && { mac }, address, ...update, lastSeen: time(lastSeen) }
    })
  }
}
