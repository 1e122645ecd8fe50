// Who signed a program for UEFI firmware: the certificate table of a PE image (Microsoft PE and COFF Specification, "Attribute Certificate
// Table") and the PKCS #7 signatures in it (Windows Authenticode Portable Executable Signature Format; RFC 2315). A signature is shown only
// when it is one over this very file. Whether firmware trusts the signer is its own affair: names are told, not judged.
import { createHash, verify, X509Certificate } from 'node:crypto'
import forge from 'node-forge'

export interface LoaderSignature {
  /** Common name of who signed. */
  readonly signer: string
  /** Common name of who vouches for the signer: what firmware or a shim has to know. */
  readonly authority: string
  /** Distinguished name of the same, in DER: a shim holds the certificates that it knows. */
  readonly authorityName: Buffer
}

export interface SignedProgram {
  /** Of the PE header: `x64`, `aa64`, `ia32`, `arm`, or a number in hex. */
  readonly processor: string
  readonly signatures: readonly LoaderSignature[]
  /** How many signatures are not over what the file holds, or can't be read. */
  readonly broken: number
}

const processors: Readonly<Record<number, string | undefined>> = { 0x8664: 'x64', 0xaa64: 'aa64', 0x14c: 'ia32', 0x1c2: 'arm' }

interface Layout {
  readonly processor: string
  /** Places that the digest leaves out: the checksum, and the entry that leads to the table. */
  readonly checksum: number
  readonly entry: number
  readonly table: { readonly start: number, readonly size: number }
}

/** undefined for what is no PE image. */
export function readSignedProgram (file: Buffer): SignedProgram | undefined {
  const layout = layoutOf(file)
  if (layout === undefined) return undefined
  const signatures: LoaderSignature[] = []
  let broken = 0
  for (const content of certificateTable(file, layout)) {
    try {
      signatures.push(readSignature(content, file, layout))
    } catch {
      broken++
    }
  }
  return { processor: layout.processor, signatures, broken }
}

function layoutOf (file: Buffer): Layout | undefined {
  if (file.length < 0x40 || file.toString('latin1', 0, 2) !== 'MZ') return undefined
  const pe = file.readUInt32LE(0x3c)
  const optional = pe + 24
  // Either kind of header has more than what is read of it.
  if (optional + 160 > file.length || file.toString('latin1', pe, pe + 4) !== 'PE\0\0') return undefined
  const machine = file.readUInt16LE(pe + 4)
  const magic = file.readUInt16LE(optional)
  if (magic !== 0x10b && magic !== 0x20b) return undefined
  // The fifth entry of the data directory.
  const entry = optional + (magic === 0x20b ? 112 : 96) + 4 * 8
  const [start, size] = [file.readUInt32LE(entry), file.readUInt32LE(entry + 4)]
  return {
    processor: processors[machine] ?? `0x${machine.toString(16)}`,
    checksum: optional + 64,
    entry,
    table: start === 0 || start + size > file.length ? { start: file.length, size: 0 } : { start, size }
  }
}

/** The PKCS #7 contents of a table, each behind its length, revision and type. */
function * certificateTable (file: Buffer, { table: { start, size } }: Layout): Generator<Buffer> {
  for (let at = start; at + 8 <= start + size;) {
    const length = file.readUInt32LE(at)
    if (length < 8 || at + length > start + size) return
    if (file.readUInt16LE(at + 6) === 2) yield file.subarray(at + 8, at + length)
    at += Math.ceil(length / 8) * 8
  }
}

/** Of all but the places that signing changes. */
function digestOf (file: Buffer, { checksum, entry, table }: Layout, hash: string): Buffer {
  const digest = createHash(hash)
  for (const [from, to] of [[0, checksum], [checksum + 4, entry], [entry + 8, table.start]] as const) digest.update(file.subarray(from, to))
  digest.update(file.subarray(table.start + table.size))
  return digest.digest()
}

type Asn1 = forge.asn1.Asn1
const children = (node: Asn1 | undefined): Asn1[] => Array.isArray(node?.value) ? node.value : []
const bytesOf = (node: Asn1 | undefined): Buffer => Buffer.from(typeof node?.value === 'string' ? node.value : '', 'latin1')
const derOf = (node: Asn1): Buffer => Buffer.from(forge.asn1.toDer(node).getBytes(), 'latin1')
const isContext = (node: Asn1, tag: number): boolean => node.tagClass === forge.asn1.Class.CONTEXT_SPECIFIC && node.type as number === tag

const hashes: Readonly<Record<string, string | undefined>> = { '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256', '2.16.840.1.101.3.4.2.2': 'sha384', '2.16.840.1.101.3.4.2.3': 'sha512' }

function hashNamed (algorithm: Asn1 | undefined): string {
  const [oid] = children(algorithm)
  const name = oid === undefined ? undefined : hashes[forge.asn1.derToOid(forge.util.createBuffer(oid.value as string))]
  if (name === undefined) throw new Error('a digest of an unknown kind')
  return name
}

/** Throws for one that is not over the file, or is no such signature. */
function readSignature (content: Buffer, file: Buffer, layout: Layout): LoaderSignature {
  const parsed = forge.asn1.fromDer(forge.util.createBuffer(content.toString('latin1')), { strict: false, parseAllBytes: false } as never)
  const signedData = children(children(children(parsed)[1])[0])
  const [, , contentInfo] = signedData
  const certificates = signedData.filter(node => isContext(node, 0)).flatMap(children).map(node => new X509Certificate(derOf(node)))
  const [signerInfo] = children(signedData.at(-1))
  // SpcIndirectDataContent: what is signed, and its digest.
  const spc = children(children(contentInfo)[1])[0]
  const [algorithm, digest] = children(children(spc)[1])
  const expected = digestOf(file, layout, hashNamed(algorithm))
  if (!bytesOf(digest).equals(expected)) throw new Error('it is over another file')

  const [, issuerAndSerial, digestAlgorithm, attributes, , encrypted] = children(signerInfo)
  const [, serial] = children(issuerAndSerial)
  const signer = certificates.find(({ serialNumber }) => BigInt(`0x${serialNumber}`) === BigInt(`0x${bytesOf(serial).toString('hex') || '0'}`))
  if (signer === undefined || attributes === undefined || spc === undefined) throw new Error('its signer is not in it')
  const hash = hashNamed(digestAlgorithm)
  // Signed are the attributes as a SET (RFC 2315, section 9.3), one of which is the digest of the content without its own tag.
  const messageDigest = children(attributes).map(children)
    .find(([oid]) => forge.asn1.derToOid(forge.util.createBuffer(oid?.value as string)) === '1.2.840.113549.1.9.4')
  const inner = Buffer.concat(children(spc).map(derOf))
  if (!bytesOf(children(messageDigest?.[1])[0]).equals(createHash(hash).update(inner).digest())) throw new Error('its content is another one')
  const signed = derOf(attributes)
  signed.writeUInt8(0x31, 0)
  if (!verify(hash, signed, signer.publicKey, bytesOf(encrypted))) throw new Error('its signature is bad')
  // tbsCertificate: [version], serial, algorithm, issuer.
  const fields = children(children(forge.asn1.fromDer(forge.util.createBuffer(signer.raw.toString('latin1'))))[0])
  const issuer = fields[isContext(fields[0]!, 0) ? 3 : 2]!
  return { signer: commonName(signer.subject), authority: commonName(signer.issuer), authorityName: derOf(issuer) }
}

const commonName = (name: string): string => /(?:^|\n)CN=(.*)$/m.exec(name)?.[1] ?? name.replaceAll('\n', ', ')
