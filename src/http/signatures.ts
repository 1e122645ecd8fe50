// .sig and .asc: what the path without them would answer, signed. The status stays, and of the headers only the type is
// sent, as Matchbox does: a 404 is signed too, and of a range only the part that was asked for.
import { createHash } from 'node:crypto'
import type { Answer } from './answer.js'

/** Makes detached signatures; armouring one costs next to nothing. */
export interface DetachedSigner {
  readonly sign: (content: Buffer) => Promise<Buffer>
  readonly armor: (signature: Buffer) => Buffer
}

const forms = {
  sig: { type: 'application/octet-stream', armored: false },
  asc: { type: 'text/plain; charset=utf-8', armored: true }
} as const

export type SignatureForm = keyof typeof forms

/** What follows the dot: `/ipxe.sig` is the signature of `/ipxe`. */
export const signatureForms = Object.keys(forms) as readonly SignatureForm[]

/** A machine asks for the signature of what it has just read, and reads the same again after a reboot. */
const keptSignatures = 1024

export class Signatures {
  readonly #signer: DetachedSigner
  /** By a hash of the content, the one used last at the end. */
  readonly #kept = new Map<string, Promise<Buffer>>()

  constructor (signer: DetachedSigner) {
    this.#signer = signer
  }

  async over ({ status, body }: Answer, form: SignatureForm): Promise<Answer> {
    if (status === 304) return { status, headers: {}, body: Buffer.alloc(0) }
    const signature = await this.#signatureOf(body)
    const { type, armored } = forms[form]
    return { status, headers: { 'content-type': type }, body: armored ? this.#signer.armor(signature) : signature }
  }

  #signatureOf (content: Buffer): Promise<Buffer> {
    const hash = createHash('sha256').update(content).digest('base64')
    const signature = this.#kept.get(hash) ?? this.#signer.sign(content)
    this.#kept.delete(hash)
    this.#kept.set(hash, signature)
    signature.catch(() => { this.#kept.delete(hash) })
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > keptSignatures && oldest !== undefined) this.#kept.delete(oldest)
    return signature
  }
}
