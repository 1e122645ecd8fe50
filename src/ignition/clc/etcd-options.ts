// The options of etcd's section by etcd version, in the order in which ct 0.9.0 puts them on the command line. One table for
// 3.x: an option says since when ct knows it and, where that changed, as what.
import { bool, int, optional, string } from '../schema.js'
import type { Fields } from '../schema.js'

type OptionType = 'text' | 'number' | 'flag'

interface Option {
  readonly key: string
  readonly type: OptionType
  /** The first 3.x minor version with it; from 0 on when left out. */
  readonly since?: number
  /** Its type before that of `type` set in, up to and with this minor version. */
  readonly numberUpTo?: number
}

const text = (...keys: readonly string[]): Option[] => keys.map(key => ({ key, type: 'text' }))
const number = (...keys: readonly string[]): Option[] => keys.map(key => ({ key, type: 'number' }))
const flag = (...keys: readonly string[]): Option[] => keys.map(key => ({ key, type: 'flag' }))
const since = (minor: number, options: readonly Option[]): Option[] => options.map(option => ({ ...option, since: minor }))

const etcd3: readonly Option[] = [
  ...text('name', 'data_dir', 'wal_dir'),
  ...number('snapshot_count', 'heartbeat_interval', 'election_timeout'),
  ...flag('enable_pprof'),
  ...since(2, flag('enable_v2')),
  ...text('listen_peer_urls', 'listen_client_urls'),
  ...number('max_snapshots', 'max_wals'),
  ...text('cors'),
  ...since(3, number('quota_backend_bytes', 'max_txn_ops', 'max_request_bytes')),
  ...since(3, text('grpc_keepalive_min_time', 'grpc_keepalive_interval', 'grpc_keepalive_timeout')),
  ...text('initial_advertise_peer_urls', 'initial_cluster', 'initial_cluster_state', 'initial_cluster_token', 'advertise_client_urls'),
  ...text('discovery', 'discovery_srv', 'discovery_fallback', 'discovery_proxy'),
  ...flag('strict_reconfig_check'),
  // Hours as a number up to 3.2, a duration or a revision from 3.3 on.
  { key: 'auto_compaction_retention', type: 'text', numberUpTo: 2 },
  ...since(3, text('auto_compaction_mode')),
  ...text('proxy'),
  ...number('proxy_failure_wait', 'proxy_refresh_interval', 'proxy_dial_timeout', 'proxy_write_timeout', 'proxy_read_timeout'),
  ...text('ca_file', 'cert_file', 'key_file'),
  ...flag('client_cert_auth'),
  ...since(3, text('client_crl_file')),
  ...text('trusted_ca_file'),
  ...flag('auto_tls'),
  ...text('peer_ca_file', 'peer_cert_file', 'peer_key_file'),
  ...flag('peer_client_cert_auth'),
  ...since(3, text('peer_crl_file')),
  ...text('peer_trusted_ca_file'),
  ...flag('peer_auto_tls'),
  ...since(3, text('peer_cert_allowed_cn')),
  ...since(2, text('auth_token')),
  ...flag('debug'),
  ...text('log_package_levels'),
  ...flag('force_new_cluster'),
  ...since(1, text('metrics', 'log_output')),
  ...since(3, text('listen_metrics_urls')),
  ...since(3, flag('experimental_initial_corrupt_check')),
  ...since(3, text('experimental_corrupt_check_time', 'experimental_enable_v2v3'))
]

const etcd2: readonly Option[] = [
  ...text('advertise_client_urls', 'ca_file', 'cert_file'),
  ...flag('client_cert_auth'),
  ...text('cors', 'data_dir'),
  ...flag('debug'),
  ...text('discovery', 'discovery_fallback', 'discovery_srv', 'discovery_proxy'),
  ...number('election_timeout'),
  ...flag('enable_pprof', 'force_new_cluster'),
  ...number('heartbeat_interval'),
  ...text('initial_advertise_peer_urls', 'initial_cluster', 'initial_cluster_state', 'initial_cluster_token', 'key_file'),
  ...text('listen_client_urls', 'listen_peer_urls', 'log_package_levels'),
  ...number('max_snapshots', 'max_wals'),
  ...text('name', 'peer_ca_file', 'peer_cert_file', 'peer_key_file'),
  ...flag('peer_client_cert_auth'),
  ...text('peer_trusted_ca_file', 'proxy'),
  ...number('proxy_dial_timeout', 'proxy_failure_wait', 'proxy_read_timeout', 'proxy_refresh_interval', 'proxy_write_timeout', 'snapshot_count'),
  ...flag('strict_reconfig_check'),
  ...text('trusted_ca_file', 'wal_dir')
]

const types = { text: optional(string()), number: optional(int), flag: optional(bool) } as const

const fieldsOf = (options: readonly Option[], minor: number): Fields => Object.fromEntries(options
  .filter(option => (option.since ?? 0) <= minor)
  .map(option => [option.key, types[minor <= (option.numberUpTo ?? -1) ? 'number' : option.type]]))

/** The options that version `major`.`minor` takes; none for a version that is not known. */
export function etcdOptions (major: bigint, minor: bigint): Fields {
  if (major === 3n && minor >= 0n) return fieldsOf(etcd3, minor > 3n ? 3 : Number(minor))
  return major === 2n && minor >= 3n ? fieldsOf(etcd2, 0) : {}
}
