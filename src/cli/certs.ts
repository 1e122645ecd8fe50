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

type CertsValues = ReturnType<typeof parse<typeof options>>['values']

interface CertsCall {
  readonly values: CertsValues
  readonly dir: string
  readonly names: ReturnType<typeof parseSubjectAltNames>
  /** What stands behind the action. */
  readonly rest: readonly string[]
  /** Epoch milliseconds. */
  readonly now: number
  readonly stdout: CertsIo['stdout']
}

/** Runs the command with the arguments after `certs`; answers the exit status. */
export async function certs (args: readonly string[], { stdout }: CertsIo): Promise<number> {
  const { values, positionals: [action = '', ...rest] } = parse(args, options, Infinity)
  const names = (values.san ?? []).flatMap(parseSubjectAltNames)
  const call: CertsCall = { values, dir: values.dir ?? defaultFolder, names, rest, now: Date.now(), stdout }
  assertFits(action, call)
  if (action === 'export') await exportClient(call)
  else if (action === 'client') await issue(call)
  else if (action === 'revoke') await revoke(call)
  else await makeOrShow(action, call)
  return 0
}

/** AppError usage for what does not go together. */
function assertFits (action: string, { values: { force = false, client, out }, names, rest }: CertsCall): void {
  const { words = [] } = usage.certs
  if (!words.includes(action)) throw new AppError('usage', `expected one of ${words.join(', ')}${action === '' ? '' : `, not ${JSON.stringify(action)}`}`)
  if (rest.length > 0 && action !== 'client' && action !== 'revoke') throw new AppError('usage', `${action} takes no ${JSON.stringify(rest[0])}`)
  if (force && action !== 'init') throw new AppError('usage', '--force goes with init')
  if (names.length > 0 && action === 'show') throw new AppError('usage', '--san goes with init and renew')
  if (action !== 'export' && (client === true || out !== undefined)) throw new AppError('usage', '--client and --out go with export')
  if (action === 'client' && rest.length !== 1) throw new AppError('usage', 'client takes one name')
}

/** What a client needs, in one file. */
async function exportClient ({ values: { client, out, json }, dir, now, stdout }: CertsCall): Promise<void> {
  if (client !== true || out === undefined) throw new AppError('usage', 'export takes --client and --out FILE, such as matchbox-certs.tar.gz')
  const there = await stat(out).then(() => true, () => false)
  if (there) throw new AppError('certificate_exists', `${out} is there already: name another file, or remove it`)
  await writeFileAtomic(out, await packClient(dir, now), { mode: 0o600 })
  stdout.write(json === true
    ? `${JSON.stringify({ file: out, holds: clientFiles })}\n`
    : `${out}: matchbox-certs/ with ${clientFiles.join(', ')}; the key lets in whoever has it\n`)
}

async function issue ({ values: { json }, dir, rest: [name = ''], now, stdout }: CertsCall): Promise<void> {
  const issued = await issueClient({ dir, name, now })
  stdout.write(json === true
    ? `${JSON.stringify(issued, undefined, 2)}\n`
    : `${dir}/${name}.crt and .key: ${issued.subject}, serial ${issued.serial}, good until ${formatDay(issued.notAfter)}\n`)
}

async function revoke ({ values: { json }, dir, rest, now, stdout }: CertsCall): Promise<void> {
  const revoked = await revokeClients({ dir, clients: rest, now })
  stdout.write(json === true
    ? `${JSON.stringify(revoked, undefined, 2)}\n`
    : `${dir}/crl.pem takes away ${revoked.map(({ serial }) => serial).join(', ') || 'none'}; rpc.crl_file: ${dir}/crl.pem has it in force\n`)
}

/** init, renew and show, which all end with what is there now. */
async function makeOrShow (action: string, { values: { force = false, json }, dir, names, now, stdout }: CertsCall): Promise<void> {
  if (action === 'init') await initCertificates({ dir, names, force, now })
  else if (action === 'renew') await renewCertificates({ dir, names, now })
  const repacked = action === 'show' ? undefined : await repackClient(dir, now)
  const reports = await showCertificates(dir, '', now)
  stdout.write(json === true
    ? `${JSON.stringify({ dir, certificates: reports.map(asJson), ...repacked !== undefined && { repacked } }, undefined, 2)}\n`
    : asText(dir, reports, now))
  if (repacked !== undefined && json !== true) stdout.write(`\n${repacked} is packed anew: whoever has the old one needs it\n`)
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
