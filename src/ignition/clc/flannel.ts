// The flannel section: flanneld.service is enabled, its drop-in runs flannel-wrapper with the options and, before that, puts the
// network config into etcd.
import { bool, optional, string } from '../schema.js'
import { goQuote } from '../../go/quote.js'
import { rule } from '../validate.js'
import { isBefore, versionType } from './semver.js'
import { commandLine, dropinText, serviceLines, serviceSection, usesTemplating } from './service-section.js'
import type { Fields, ValueOf } from '../schema.js'
import type { Findings, Rule } from '../validate.js'
import type { SemanticVersion } from './semver.js'

const flannelVersion = versionType('types.FlannelVersion')
const networkConfig = string('types.NetworkConfig')

const etcdKeys = ['etcd_endpoints', 'etcd_cafile', 'etcd_certfile', 'etcd_keyfile'] as const
const texts = (...keys: readonly string[]): Fields => Object.fromEntries(keys.map(key => [key, optional(string())]))
const flannel05: Fields = texts(...etcdKeys, 'etcd_prefix', 'ip_masq', 'subnet_file', 'interface', 'public_ip')
const flannel06: Fields = { ...texts('etcd_username', 'etcd_password'), ...flannel05 }
const flannel07: Fields = { ...flannel06, kube_subnet_mgr: optional(bool) }

function optionsOf (version: SemanticVersion | undefined): Fields {
  if (version === undefined) return flannel06
  if (version.major !== 0n) return {}
  return version.minor >= 7n ? flannel07 : version.minor === 6n ? flannel06 : version.minor === 5n ? flannel05 : {}
}

export const flannelSection = serviceSection({
  goType: 'types.Flannel',
  commonGoType: 'types.flannelCommon',
  common: { version: optional(flannelVersion), networkConfig },
  optionsOf: ({ version }) => optionsOf(version)
})

export type FlannelSection = ValueOf<typeof flannelSection>

function checkVersion (version: SemanticVersion, report: Findings): void {
  if (isBefore(version, 0n, 5n)) report.error([], 'invalid flannel version (too old)')
  else if (version.major === 0n && version.minor > 7n) {
    report.warning([], 'flannel minor version too new. Only options available in the previous minor version will be supported')
  }
}

// An object or null, as Go decodes into a map; a number that float64 cannot hold is an error there.
function isNetworkConfig (text: string): boolean {
  try {
    const value: unknown = JSON.parse(text, (_, part: unknown) => {
      if (part === Infinity || part === -Infinity) throw new RangeError('number out of range')
      return part
    })
    return typeof value === 'object' && !Array.isArray(value)
  } catch {
    return false
  }
}

export const flannelRules: ReadonlyArray<Rule<unknown>> = [
  rule(flannelVersion, checkVersion),
  rule(networkConfig, (text, report) => {
    if (text !== '' && !isNetworkConfig(text)) report.error([], 'flannel network config doesn\'t appear to be valid JSON')
  }),
  rule(flannelSection, ({ common, values }, report) => {
    if (values['kube_subnet_mgr'] === true && common.networkConfig !== '') {
      report.error([], 'flannel network config cannot be provided if kube_subnet_mgr is set')
    }
  })
]

const etcdctlFlags = { etcd_endpoints: 'endpoints', etcd_cafile: 'ca-file', etcd_certfile: 'cert-file', etcd_keyfile: 'key-file' } as const

/** The drop-in's text; undefined when the options want to be filled in by a platform. */
export function flannelDropin ({ common, options, values }: FlannelSection): string | undefined {
  const args = commandLine(options, values, { interface: 'iface' })
  if (usesTemplating(args)) return undefined
  const lines = serviceLines('/usr/lib/coreos/flannel-wrapper $FLANNEL_OPTS', args, 'FLANNEL_IMAGE_TAG', common.version)
  if (common.networkConfig === '') return dropinText(lines)
  const etcdctl = etcdKeys.flatMap(key => {
    const value = values[key]
    return typeof value === 'string' ? [`--${etcdctlFlags[key]}=${goQuote(value)}`] : []
  })
  const set = ['set', '/coreos.com/network/config', goQuote(common.networkConfig)]
  return dropinText([...lines, `ExecStartPre=${['/usr/bin/etcdctl', ...etcdctl, ...set].join(' ')}`])
}
