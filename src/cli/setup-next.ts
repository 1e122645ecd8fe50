// setup look and setup next: what is said of an installation once it is in place. What the service's user would not see, and what to do
// next: where groups and certificates are, and the page, if one is on.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { visibleText } from '../base/visible-text.js'
import { givesAddresses } from '../config/dhcp-interfaces.js'
import type { LoadedConfig } from '../config/load.js'
import { exportContext } from '../wiring/export-context.js'
import { seenOf } from './check.js'
import { type Io, print } from './command.js'
import { errorLog } from './error-log.js'
import { findingLine } from './report.js'
import { type EyesValues, eyesOf } from './service-config.js'

/** What root can read the service may not: errors and warnings, as its user sees them. */
export async function lookAsService (values: EyesValues, io: Io): Promise<number> {
  const { findings } = await seenOf(values, io, errorLog(io), true)
  const told = findings.filter(({ level }) => level === 'problem' || level === 'warning')
  if (told.some(({ level }) => level === 'problem')) print(io.stderr, `This is what the user ${values.as ?? ''} would see (core-provisioner check --as ${values.as ?? ''}):`)
  else if (told.length > 0) print(io.stderr, 'core-provisioner check warns:')
  for (const finding of told) print(io.stderr, findingLine(finding))
  return 0
}

export interface Next {
  /** Nothing was installed before. */
  readonly first: boolean
  /** Certificates were made. */
  readonly newCertificates: boolean
}

const clientPackage = '/etc/matchbox/matchbox-certs.tar.gz'

/** The closing words. */
export async function tellNext (values: EyesValues, next: Next, io: Io): Promise<number> {
  const { loaded } = await eyesOf(values, io)
  for (const line of closingWords(loaded, next, existsSync(clientPackage))) print(io.stdout, visibleText(line))
  return 0
}

/** `packed`: the client's certificates are there as one file. */
export function closingWords (loaded: LoadedConfig, { first, newCertificates }: Next, packed: boolean): readonly string[] {
  const { data_path: data, assets_path: assets, rpc, dhcp } = loaded.config
  const whose = givesAddresses(loaded.config) && dhcp.unknown_clients === 'deny'
    ? `for each machine a group in ${data}/groups, with its mac in the selector and an ip in the metadata (no other machine gets an address: dhcp.unknown_clients is deny)`
    : `a group in ${data}/groups`
  const clients = newCertificates && packed
    ? [`for Terraform and cluster packages: ${clientPackage} (the client's key is in it; core-provisioner certs export --client packs another)`]
    : []
  if (!first) return clients
  return [
    ...clients,
    'next:',
    `  1. kernel and initrd ${assets === '' ? 'somewhere that machines can load them from (assets_path is off)' : `below ${assets}: copy them there, or name images.sources and run core-provisioner images sync`}`,
    `  2. a profile in ${data}/profiles and ${whose}, or both by Terraform; core-provisioner check says what is amiss`,
    '  3. core-provisioner machines watch, and then switch a machine on, with the network first in its boot order',
    `certificates: ${rpc.address === null ? 'none: rpc.address turns the gRPC API off' : `${dirname(rpc.cert_file)} (core-provisioner certs show)`}`,
    ...pageOf(loaded),
    'all of it: /opt/core-provisioner/current/docs/install.md'
  ]
}

function pageOf (loaded: LoadedConfig): readonly string[] {
  const { address, allow, client_certificates: overTls } = loaded.config.ui
  if (address === null) return []
  const isEverywhere = address.host === '0.0.0.0' || address.host === '::'
  const host = isEverywhere ? exportContext(loaded, { cluster: '', groups: [] }).provisioner : address.host
  const named = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return [`page: ${overTls ? 'https' : 'http'}://${named}:${address.port}/ui/ for ${allow.map(({ address, length }) => `${address}/${length}`).join(', ')} (ui.allow)`]
}
