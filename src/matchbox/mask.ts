// A machine's documents as people may see them: what could be a secret is told by its size alone. What can't be read as what it should be
// is hidden whole.
import { Buffer } from 'node:buffer'
import { readYaml } from '../yaml/read-yaml.js'
import { behindAlias, nodeText, type YamlNode } from '../yaml/node.js'
import type { DocumentKind } from './document-bodies.js'

/** Of Ignition, keys whose values are secrets wherever they stand. */
const secretOfIgnition = /^(?:passwordHash|password_hash|password|passphrase|token|secret|keyFile|clevis|custom|sshAuthorizedKeys)$/i
/** Of Ignition, values that hold the contents of files: data: URLs, and text of units that may carry a password. */
const contents = /^(?:source|contents|inline)$/
/** Of what everybody writes as he likes: a word in a key that says enough. Commands and contents of files may say anything. */
const secretAnywhere = /pass|secret|token|cred|priv|auth|keys?(?:$|[_-])|hash|salt|cert|content|inline|cmd|command|script|discovery|pwd|psk|cookie|session|license/i
/** Values that are secrets under whatever key: PEM, hashes of crypt(3), SSH keys, and what is long and looks like chance. */
const looksSecret = /-----BEGIN |^\$\w{1,3}\$|^(?:ssh|ecdsa|sk)-|^bearer /i
const chance = /^[A-Za-z0-9+/_-]{24,}={0,2}$/

type IsSecret = (key: string, text: string | undefined) => boolean

const byIgnition: IsSecret = (key, text) => secretOfIgnition.test(key) || (text !== undefined && contents.test(key) && !/^https?:/.test(text))
const byWord: IsSecret = (key, text) => secretAnywhere.test(key) || (text !== undefined && (looksSecret.test(text) || (chance.test(text) && /\d/.test(text))))

/** The document of a kind without its secrets. Configs come out as pretty JSON, whatever they were. */
export function maskDocument (kind: DocumentKind, document: Buffer): string {
  switch (kind) {
    case 'ipxe':
    case 'grub': return withoutToken(document.toString())
    case 'ignition': return maskIgnition(document)
    case 'metadata': return maskMetadata(document)
    case 'cloud':
    case 'generic': return maskYaml(document)
  }
}

/** Pretty JSON with `(masked, N octets)` in place of secrets; what is no JSON is masked whole. */
export function maskIgnition (document: Buffer): string {
  try {
    return JSON.stringify(masked(JSON.parse(document.toString()), '', byIgnition), null, 2)
  } catch {
    return hidden(document.length)
  }
}

/** A mapping in YAML or JSON; a script, and anything else, could say a secret in any word. */
function maskYaml (document: Buffer): string {
  try {
    const node = /^#!/.test(document.toString('latin1', 0, 2)) ? undefined : readYaml(document, 'v3')
    if (node?.kind !== 'mapping') return hidden(document.length)
    return JSON.stringify(masked(valueOf(node), '', byWord), null, 2)
  } catch {
    return hidden(document.length)
  }
}

/** What aliases stand for is shown once, where its anchor is: a few of them can stand for more than there is memory. */
function valueOf (node: YamlNode): unknown {
  const real = behindAlias(node)
  if (real === undefined) return nodeText(node)
  if (node.kind === 'alias' && real.kind !== 'scalar') return `*${node.name}`
  if (real.kind === 'scalar') return real.value
  return real.kind === 'sequence'
    ? real.items.map(item => valueOf(item))
    : Object.fromEntries(real.pairs.map(({ key, value }) => [nodeText(key), valueOf(value)]))
}

/** NAME=value in each line; where one is none, some value goes over several, and all are masked. */
function maskMetadata (document: Buffer): string {
  const lines = document.toString().split('\n').filter(line => line !== '')
  const pairs = lines.map(line => /^([^=\s]+)=(.*)$/.exec(line))
  if (pairs.includes(null)) return hidden(document.length)
  return lines.map((line, at) => {
    const [, name = '', value = ''] = pairs[at] ?? []
    return byWord(name, value) ? `${name}=${hidden(Buffer.byteLength(value))}` : withoutToken(line)
  }).join('\n')
}

const hidden = (octets: number): string => `(masked, ${octets} octets)`

function masked (value: unknown, key: string, isSecret: IsSecret): unknown {
  const text = typeof value === 'string' ? value : undefined
  if (isSecret(key, text)) return hidden(Buffer.byteLength(text ?? JSON.stringify(value) ?? ''))
  if (text !== undefined) return withoutToken(text)
  // What a header of a download says is the key to it as often as not.
  if (/^http_?headers$/i.test(key) && Array.isArray(value)) return value.map((header: unknown) => masked(header, '', (name, said) => isSecret(name, said) || name === 'value'))
  if (Array.isArray(value)) return value.map(item => masked(item, key, isSecret))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked(inner, name, isSecret)]))
}

/** A guarded config's URL opens it, and so does what stands before the host of another. */
export const withoutToken = (text: string): string => text
  .replace(/([?&](?:guard|token|password|secret|key|sig|signature|access_token|api_key)=)[^&\s"']+/gi, '$1(masked)')
  .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s"'@]+@/gi, '$1(masked)@')
