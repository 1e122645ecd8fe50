// Which Butane a document is written in, by its `variant` and `version`, or why none can be told.
import { decodeYaml } from '../decode.js'
import { string, struct } from '../schema.js'
import { nearestNode } from '../source-tree.js'
import { dialects, normalVersion } from './dialects.js'
import type { ReportEntry } from '../report.js'
import type { YamlNode } from '../../yaml/node.js'
import type { Dialect } from './dialects.js'

const commonFields = struct('config.commonFields', { version: string(), variant: string() })

export type Choice = { readonly root: YamlNode, readonly dialect: Dialect } | { readonly refusal: ReportEntry }

/** Throws YamlError as decodeYaml does. */
export const chooseDialect = (root: YamlNode | undefined): Choice => {
  const refusal = (field: 'variant' | 'version', message: string): Choice => {
    const place = root === undefined ? { line: 1, column: 1 } : nearestNode(root, [field]).node
    return { refusal: { kind: 'error', path: `$.${field}`, message, line: place.line, column: place.column } }
  }
  const { variant, version } = decodeYaml(root, commonFields, 'v3')
  if (variant === '' || root === undefined) return refusal('variant', 'error parsing variant; must be specified')
  const normal = normalVersion(version)
  if (normal === undefined) return refusal('version', 'error parsing version; must be a valid semver')
  const dialect = dialects.find(known => known.variant === variant && known.version === normal)
  if (dialect !== undefined) return { root, dialect }
  if (variant === 'rhcos' && normal === '0.1.0') {
    return refusal('variant', 'rhcos variant has been removed; use openshift variant instead: https://coreos.github.io/butane/upgrading-openshift/')
  }
  if (variant === 'openshift') {
    return refusal('variant', 'the openshift variant becomes a MachineConfig for a cluster, not an Ignition config that a machine could boot with')
  }
  return refusal('version', `No translator exists for variant ${variant} with version ${normal}`)
}
