// The etcd section: etcd-member.service is enabled, its drop-in runs etcd-wrapper with the options.
import { optional } from '../schema.js'
import { rule } from '../validate.js'
import { etcdOptions } from './etcd-options.js'
import { isBefore, versionType } from './semver.js'
import { commandLine, dropinText, serviceLines, serviceSection, usesTemplating } from './service-section.js'
import type { ValueOf } from '../schema.js'
import type { Findings, Rule } from '../validate.js'
import type { SemanticVersion } from './semver.js'

const etcdVersion = versionType('types.EtcdVersion')

export const etcdSection = serviceSection({
  goType: 'types.Etcd',
  commonGoType: 'types.etcdCommon',
  common: { version: optional(etcdVersion) },
  optionsOf: ({ version }) => version === undefined ? etcdOptions(3n, 0n) : etcdOptions(version.major, version.minor)
})

export type EtcdSection = ValueOf<typeof etcdSection>

const tooNew = 'Etcd minor version specified is too new, only options available in the previous minor version will be accepted'

function checkVersion (version: SemanticVersion, report: Findings): void {
  const { major, minor } = version
  if (isBefore(version, 2n, 3n)) report.error([], 'Etcd version specified is not valid (too old)')
  else if ((major === 2n && minor > 3n) || (major === 3n && minor > 3n)) report.warning([], tooNew)
  else if (major > 3n) report.error([], 'Etcd version is not valid (too new)')
}

export const etcdRules: ReadonlyArray<Rule<unknown>> = [rule(etcdVersion, checkVersion)]

/** The drop-in's text; undefined when the options want to be filled in by a platform. */
export function etcdDropin ({ common, options, values }: EtcdSection): string | undefined {
  const args = commandLine(options, values)
  if (usesTemplating(args)) return undefined
  return dropinText(serviceLines('/usr/lib/coreos/etcd-wrapper $ETCD_OPTS', args, 'ETCD_IMAGE_TAG', common.version))
}
