// The etcd that provisioners share, for check and doctor: each member by itself, what it says of itself, and how it is reached.
import { AppError } from '../base/errors.js'
import { isClustered } from '../config/load.js'
import type { MemberReport } from '../etcd/members.js'
import type { Ground } from '../wiring/ground.js'
import { fine, type Finding, note, problem, warning } from './finding.js'

const about = 'etcd'

/** What the configuration alone says. */
export function clusterWarnings ({ loaded: { config, where } }: Pick<Ground, 'loaded'>): readonly Finding[] {
  if (!isClustered(config)) return []
  const { endpoints } = config.cluster.etcd
  const plain = endpoints.filter(url => url.startsWith('http:') && !/^http:\/\/(?:127\.|localhost|\[::1\])/.test(url))
  const at = where(['cluster', 'etcd', 'endpoints'])
  return [
    ...plain.length === 0 ? [] : [warning(about, `${at}: ${plain.join(', ')}: without TLS whoever is on the way reads every config and may change it`)],
    ...endpoints.length % 2 === 1 ? [] : [note(about, `${at}: ${endpoints.length} members bear no more failures than ${endpoints.length - 1}`)],
    ...endpoints.length > 1 ? [] : [note(about, `${at}: one member: when it is away nothing new is taken; name all of them`)]
  ]
}

/** What is amiss although etcd answers, for check and doctor alike. */
export async function clusterProblems ({ cluster }: Pick<Ground, 'cluster'>): Promise<readonly Finding[]> {
  if (cluster?.state.standing.inStep !== true) return []
  return (await cluster.look()).amiss.map(text => problem(about, text))
}

/** Asks every member. */
export async function diagnoseCluster ({ loaded, config, clock }: Pick<Ground, 'loaded' | 'config' | 'clock'>): Promise<readonly Finding[]> {
  if (!isClustered(config)) return []
  const { lookAtMembers } = await import('../wiring/cluster.js')
  try {
    return judgeMembers(await lookAtMembers(loaded, { clock }))
  } catch (error) {
    // A file that can't be used is told of with the configuration.
    if (error instanceof AppError) return []
    throw error
  }
}

/** Each by itself; one that is away is borne while another answers. */
export function judgeMembers (reports: readonly MemberReport[]): readonly Finding[] {
  const answering = reports.filter(({ failure }) => failure === undefined)
  return reports.map(({ endpoint, failure, version, hasLeader, errors = [] }) => {
    if (failure !== undefined) return (answering.length > 0 ? warning : problem)(about, `${endpoint}: ${failure}`)
    if (hasLeader !== true) return problem(about, `${endpoint}: it has no leader: most members are away, and no change is taken`)
    if (errors.length > 0) return problem(about, `${endpoint}: ${errors.join(', ')}${errors.some(text => text.includes('NOSPACE')) ? ': compact and defragment it, then etcdctl alarm disarm' : ''}`)
    return fine(about, `${endpoint}: etcd ${version ?? ''}`)
  })
}
