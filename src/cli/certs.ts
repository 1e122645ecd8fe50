// `core-provisioner certs`: the certificates of the gRPC API.
import { stat } from 'node:fs/promises'
import { AppError } from '../base/errors.js'
import { counted } from '../base/units.js'
import { writeFileAtomic } from '../disk/atomic-file.js'
import { clientFiles, packClient, repackClient } from '../tls/client-package.js'
import { parse } from './arguments.js'
import type { Command } from './command.js'
import { usage } from './usage.js'
import { type CertificateReport, initCertificates, issueClient, renewCertificates, revokeClients, showCertificates } from '../tls/certs.js'
import { daysLeft, formatDay } from '../tls/certificate.js'
import { formatSubjectAltName, parseSubjectAltNames } from '../tls/names.js'

export interface CertsIo {
  readonly stdout: { write: (text: string) => unknown }
}

const defaultFolder = '/etc/matchbox'

const options = {
  dir: { type: 'string' },
  san: { type: 'string', multiple: true },
  force: { type: 'boolean' },
  client: { type: 'boolean' },
  out: { type: 'string' },
  json: { type: 'boolean' }
} as const

/** Runs the command with the arguments after `certs`; answers the exit status. */
export async function certs (args: readonly string[], { stdout }: CertsIo): Promise<number> {
  const { values, positionals: [action = '', ...rest] } = parse(args, options, Infinity)
  const { dir = defaultFolder, force = false } = values
  const names = (values.san ?? []).flatMap(parseSubjectAltNames)
  const now = Date.now()
  const { words = [] } = usage.certs
  if (!words.includes(action)) throw new AppError('usage', `expected one of ${words.join(', ')}${action === '' ? '' : `, not ${JSON.stringify(action)}`}`)
  if (rest.length > 0 && action !== 'client' && action !== 'revoke') throw new AppError('usage', `${action} takes no ${JSON.stringify(rest[0])}`)
  if (force && action !== 'init') throw new AppError('usage', '--force goes with init')
  if (names.length > 0 && action === 'show') throw new AppError('usage', '--san goes with init and renew')
  if (action !== 'export' && (values.client === true || values.out !== undefined)) throw new AppError('usage', '--client and --out go with export')
  if (action === 'export') {
    if (values.client !== true || values.out === undefined) throw new AppError('usage', 'export takes --client and --out FILE, such as matchbox-certs.tar.gz')
    const there = await stat(values.out).then(() => true, () => false)
    if (there) throw new AppError('certificate_exists', `${values.out} is there already: name another file, or remove it`)
    await writeFileAtomic(values.out, await packClient(dir, now), { mode: 0o600 })
    if (values.json === true) stdout.write(`${JSON.stringify({ file: values.out, holds: clientFiles })}\n`)
    else stdout.write(`${values.out}: matchbox-certs/ with ${clientFiles.join(', ')}; the key lets in whoever has it\n`)
    return 0
  }
  if (action === 'client' || action === 'revoke') {
    if (action === 'client' && rest.length !== 1) throw new AppError('usage', 'client takes one name')
    const done = action === 'client' ? await issueClient({ dir, name: rest[0] ?? '', now }) : await revokeClients({ dir, clients: rest, now })
    if (values.json === true) stdout.write(`${JSON.stringify(done, undefined, 2)}\n`)
    else if ('serial' in done) stdout.write(`${dir}/${rest[0] ?? ''}.crt and .key: ${done.subject}, serial ${done.serial}, good until ${formatDay(done.notAfter)}\n`)
    else stdout.write(`${dir}/crl.pem takes away ${done.map(({ serial }) => serial).join(', ') || 'none'}; rpc.crl_file: ${dir}/crl.pem has it in force\n`)
    return 0
  }
  if (action === 'init') await initCertificates({ dir, names, force, now })
  else if (action === 'renew') await renewCertificates({ dir, names, now })
  const repacked = action === 'show' ? undefined : await repackClient(dir, now)
  const reports = await showCertificates(dir, '', now)
  stdout.write(values.json === true ? `${JSON.stringify({ dir, certificates: reports.map(asJson), ...repacked !== undefined && { repacked } }, undefined, 2)}\n` : asText(dir, reports, now))
  if (repacked !== undefined && values.json !== true) stdout.write(`\n${repacked} is packed anew: whoever has the old one needs it\n`)
  return 0
}

const asJson = ({ names, notBefore, notAfter, ...rest }: CertificateReport): object => ({
  ...rest,
  names: names.map(formatSubjectAltName),
  notBefore: new Date(notBefore).toISOString(),
  notAfter: new Date(notAfter).toISOString()
})

function asText (dir: string, reports: readonly CertificateReport[], now: number): string {
  const lines = [`Certificates in ${dir}`]
  for (const report of reports) {
    const use = report.isAuthority ? 'authority' : report.uses?.join(' ') ?? 'any use'
    lines.push('', `${report.file}  ${use}, ${report.key}`)
    lines.push(`  subject  ${report.subject}`, `  issuer   ${report.issuer}`)
    if (report.names.length > 0) lines.push(`  names    ${report.names.map(formatSubjectAltName).join(', ')}`)
    lines.push(`  valid    ${formatDay(report.notBefore)} to ${formatDay(report.notAfter)} (${report.notAfter < now ? 'it has ended' : `${counted(daysLeft(report.notAfter, now), 'day')} left`})`)
    lines.push(`  sha256   ${report.fingerprint}`, ...report.warnings.map(warning => `  warning  ${warning}`))
  }
  return `${lines.join('\n')}\n`
}

export const certsCommand: Command = {
  name: 'certs',
  run: certs
}
