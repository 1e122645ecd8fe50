// Ignition configs as the page shows them: what could be a secret is told by its size alone.

/** Keys whose values are secrets wherever they stand. */
const secret = /^(?:passwordHash|password_hash|password|passphrase|token|secret|keyFile|clevis|custom|sshAuthorizedKeys)$/i
/** Values that hold the contents of files: data: URLs, and text of units that may carry a password. */
const contents = /^(?:source|contents|inline)$/

/** Pretty JSON with `(masked, N octets)` in place of secrets; what is no JSON is masked whole. */
export function maskIgnition (document: Buffer): string {
  try {
    return JSON.stringify(masked(JSON.parse(document.toString()), ''), null, 2)
  } catch {
    return hidden(document.length)
  }
}

const hidden = (octets: number): string => `(masked, ${octets} octets)`

function masked (value: unknown, key: string): unknown {
  if (secret.test(key)) return hidden(JSON.stringify(value).length)
  if (typeof value === 'string') return contents.test(key) && !/^https?:/.test(value) ? hidden(value.length) : withoutToken(value)
  if (Array.isArray(value)) return value.map(item => masked(item, key))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked(inner, name)]))
}

/** A guarded config's URL opens it. */
export const withoutToken = (text: string): string => text.replace(/([?&](?:guard|token)=)[^&\s"']+/g, '$1(masked)')
