// Who signed the loaders that UEFI machines are given, whether firmware that enforces Secure Boot takes them, and what the last boots say.
import { isIP } from 'node:net'
import { join } from 'node:path'
import { messageOf } from '../base/errors.js'
import { counted } from '../base/units.js'
import { lineFormats } from '../disk/state-formats.js'
import { readWhole, wholeFileLimits } from '../disk/whole-file.js'
import { afterShim } from '../loaders/boot-chain.js'
import { imageName } from '../loaders/shim-image.js'
import { parseMachine } from '../machines/journal.js'
import type { Machine } from '../machines/machine.js'
import { covers, describeCertificate, parseCertificate } from '../tls/certificate.js'
import { type LoaderSignature, readSignedProgram, type SignedProgram } from '../tls/authenticode.js'
import { loadersOnDisk } from '../wiring/loader-files.js'
import { namedLoaders } from '../wiring/named-loaders.js'
import type { Ground } from '../wiring/ground.js'
import { fine, type Finding, note, problem, warning } from './finding.js'

/** Microsoft's authorities for others' programs. The first ended on 2026-06-27: new hardware may know the second alone. */
const authorities = { 2011: 'Microsoft Corporation UEFI CA 2011', 2023: 'Microsoft UEFI CA 2023' } as const

export async function diagnoseLoaders (ground: Pick<Ground, 'config' | 'clock' | 'homes' | 'store'>): Promise<readonly Finding[]> {
  const { config, clock } = ground
  const { boot } = config
  const files = loadersOnDisk(config, clock)
  const read = async (name: string): Promise<Buffer | undefined> => {
    const file = await files.open(name, { client: '127.0.0.1' })
    try {
      return file === undefined || file.size > wholeFileLimits.lists ? undefined : await readWhole(file.path, 'lists')
    } finally {
      await file?.close()
    }
  }
  const machines = await readMachines(join(config.state_path, lineFormats.machine.file))
  const certificate = await certificateIn(config.http.https)
  const findings: Finding[] = boot.overrides.flatMap(({ file }) => file === undefined ? [] : judgeTls(file, config, certificate))
  const goesOn = boot.http_boot ? config.tftp.address === null ? 'nowhere' : 'by TFTP' : undefined
  const processors = new Map([[boot.uefi_x64, 'x64'], [boot.uefi_arm64, 'aa64']])
  for (const name of namedLoaders(ground)) {
    const processor = processors.get(name)
    if (processor === undefined && !name.endsWith('.efi')) continue
    try {
      const content = await read(name)
      // That it is missing is told by who would serve it.
      if (content === undefined) continue
      findings.push(...judgeLoader(name, content, processor), ...judgeBoots(name, content, machines, clock.now()))
      for (const next of afterShim(name)) findings.push(...judgeNext(next, await read(next), { name, content }, goesOn))
    } catch (error) {
      findings.push(problem('loaders', `${name}: ${messageOf(error)}`))
    }
  }
  return findings
}

const listed = (signatures: readonly LoaderSignature[]): string => signatures.map(({ signer, authority }) => `${signer} (${authority})`).join(' and ')
const isBroken = (name: string, program: SignedProgram | undefined): readonly Finding[] => (program?.broken ?? 0) === 0
  ? []
  : [problem('loaders', `${name}: a signature in it is not over what the file holds: it was changed, and firmware that enforces Secure Boot refuses it; fetch it again`)]

/** The certificate of the HTTPS listener; that it can't be read is told by who would serve it. */
async function certificateIn ({ address, cert_file: file }: Ground['config']['http']['https']): Promise<ReturnType<typeof parseCertificate> | undefined> {
  try {
    return address === null ? undefined : parseCertificate((await readWhole(file, 'credentials')).toString(), file)
  } catch {
    return undefined
  }
}

/** What HTTPS Boot needs that a URL alone does not give. */
export function judgeTls (file: string, { http: { https } }: Pick<Ground['config'], 'http'>, certificate?: ReturnType<typeof parseCertificate>): readonly Finding[] {
  if (!file.startsWith('https://') || !URL.canParse(file)) return []
  const { port, hostname } = new URL(file)
  const wanted = port === '' ? 443 : Number(port)
  if (https.address === null) return [problem('loaders', `${file}: nothing here listens with TLS: name an address, a certificate and its key in http.https, with port ${wanted}`)]
  if (https.address.port !== wanted) {
    return [problem('loaders', `${file}: nothing here listens on port ${wanted} with TLS, http.https.address has port ${https.address.port}: name that port in the URL (boot.overrides)`)]
  }
  const host = hostname.replace(/^\[|\]$/g, '')
  return certificate === undefined || covers(certificate, host)
    ? [note('loaders', `${file}: firmware takes it only where it knows who signed ${https.cert_file}: enroll that authority in its setup ("Tls Auth Configuration", "Server CA Configuration")`)]
    : [problem('loaders', `${file}: the certificate in ${https.cert_file} is not for ${host} (but for ${describeCertificate(certificate).names.map(({ value }) => value).join(', ') || 'nothing'}), so firmware refuses it: one of core-provisioner certs init --san ${isIP(host) === 0 ? 'DNS' : 'IP'}:${host} is`)]
}

/** What firmware makes of a loader that it starts itself. `processor` as the PE header should have it. */
export function judgeLoader (name: string, content: Buffer, processor?: string): readonly Finding[] {
  const program = readSignedProgram(content)
  if (program === undefined) return [problem('loaders', `${name} is no program for UEFI`)]
  const findings = [...isBroken(name, program)]
  if (processor !== undefined && program.processor !== processor) findings.push(problem('loaders', `${name} is for ${program.processor}, and given to machines of ${processor}`))
  const { signatures } = program
  if (signatures.length === 0) {
    const unsigned = note('loaders', `${name} is signed by nobody: firmware that enforces Secure Boot refuses it`)
    return program.broken > 0 ? findings : [...findings, unsigned]
  }
  const known = new Set(signatures.map(({ authority }) => authority))
  const [older, newer] = [known.has(authorities[2011]), known.has(authorities[2023])]
  const said = `${name} is signed by ${listed(signatures)}`
  if (older && newer) findings.push(fine('loaders', `${said}: firmware that enforces Secure Boot takes it, whichever of Microsoft's authorities it knows`))
  else if (older) findings.push(warning('loaders', `${said}: firmware that knows only ${authorities[2023]}, as new hardware may, refuses it; a newer build is signed for both`))
  else if (newer) findings.push(warning('loaders', `${said}: firmware that knows only ${authorities[2011]}, as hardware from before 2024 may, refuses it`))
  else findings.push(note('loaders', `${said}: firmware that enforces Secure Boot takes it only where that is among its own keys`))
  return findings
}

interface Loader { readonly name: string, readonly content: Buffer }

/**
 * What a shim makes of what it loads: it holds the certificates that it knows. `goesOn` is how a GRUB without HTTP goes on after HTTP Boot;
 * undefined where there is none.
 */
export function judgeNext (name: string, content: Buffer | undefined, shim: Loader, goesOn?: 'by TFTP' | 'nowhere'): readonly Finding[] {
  if (content === undefined) return []
  const program = readSignedProgram(content)
  if (program === undefined) return [problem('loaders', `${name}, which ${shim.name} loads, is no program for UEFI: take both from one distribution (scripts/boot-files)`)]
  const findings = [...isBroken(name, program)]
  const { signatures } = program
  const isKnown = signatures.some(({ authorityName }) => shim.content.includes(authorityName))
  const said = `${name} is signed by ${signatures.length === 0 ? 'nobody' : listed(signatures)}`
  if (isKnown) findings.push(fine('loaders', `${said}, whom ${shim.name} knows`))
  else findings.push(problem('loaders', `${said}, whom ${shim.name} does not know: under Secure Boot it is refused; take both from one distribution`))
  if (goesOn === undefined || !/(?:^|\/)grub\w+\.efi$/.test(name) || content.includes('HTTP/1.1')) return findings
  findings.push(goesOn === 'by TFTP'
    ? fine('loaders', `${name} has no HTTP: firmware that boots by HTTP is given ${imageName(shim.name)}, which holds both, and GRUB goes on by TFTP`)
    : warning('loaders', `${name} has no HTTP, and tftp.address is "": machines that boot by HTTP stay at its prompt; turn TFTP on, or set boot.http_boot: false, with which they go on to PXE`))
  return findings
}

/** Milliseconds after which a machine that says nothing has come no further. */
const silent = 60_000

const those = (list: readonly Machine[]): string => {
  const macs = list.slice(0, 3).map(({ mac }) => mac)
  return `${counted(list.length, 'machine')} (${[...macs, ...list.length > 3 ? ['...'] : []].join(', ')})`
}

/** What the last boots of machines tell of their loader. */
export function judgeBoots (name: string, content: Buffer, machines: readonly Machine[], now: number): readonly Finding[] {
  const program = readSignedProgram(content)
  const isSigned = (program?.signatures.length ?? 0) > 0
  const uefi = machines.filter(({ architecture = '' }) => architecture.includes('UEFI'))
  const gaveIt = ({ timeline }: Machine): number => timeline.findIndex(({ stage, detail = '' }) => stage === 'loader' && `/${detail}`.endsWith(`/${name}`))
  const findings: Finding[] = []
  const stuck = uefi.filter(machine => machine.stage === 'loader' && gaveIt(machine) >= 0 && now - machine.lastSeen > silent)
  if (!isSigned && stuck.length > 0) {
    const [key, shim] = program?.processor === 'aa64' ? ['uefi_arm64', 'shimaa64.efi'] : ['uefi_x64', 'shimx64.efi']
    const remedy = `scripts/boot-files fetches the distribution's shim and GRUB, boot.${key}: ${shim} gives them to machines`
    findings.push(warning('loaders', `${those(stuck)} fetched ${name}, which is signed by nobody, and came no further: where their firmware enforces Secure Boot it refused it; ${remedy}`))
  }
  // A card's own iPXE asks for the script first; only then the firmware's PXE, over that iPXE's driver, for the loader.
  const behindRom = uefi.filter(machine => {
    const [script, loader] = [machine.timeline.findIndex(({ stage }) => stage === 'script'), gaveIt(machine)]
    return script >= 0 && loader > script
  })
  if (/shim\w*\.efi$/.test(name) && behindRom.length > 0) {
    findings.push(note('loaders', `${those(behindRom)} ran an iPXE of the network card's before ${name}: older shims are refused behind it ("Malformed binary"); switch the card's ROM off in the firmware's setup, QEMU leaves it out with romfile= on the card`))
  }
  return findings
}

/** Each machine's last line; what can't be read is passed over, since the running appliance may be writing it. */
async function readMachines (path: string): Promise<readonly Machine[]> {
  const machines = new Map<string, Machine>()
  for (const line of (await readWhole(path, 'state').then(String, () => '')).split('\n')) {
    const machine = parseMachine(line)
    if (machine !== undefined) machines.set(machine.mac, machine)
  }
  return [...machines.values()]
}
