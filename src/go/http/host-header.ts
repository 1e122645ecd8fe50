// The Host header as net/http holds it to RFC 9112 section 3.2: exactly one, and one that could be a host. Node keeps the first of several
// and says nothing of the others, which a proxy before us may have believed.

// As in golang.org/x/net/http/httpguts: generous, what is no character of a host or a port is not checked further.
const validHost = /^[A-Za-z0-9!$%&()*+,\-.:;=['\]_~]*$/

/**
 * What is wrong with it, in Go's words; undefined when nothing is.
 * @param rawHeaders names and values by turns, as they came
 * @param required whether it may not be missing: from HTTP/1.1 on
 */
export function hostProblem (rawHeaders: readonly string[], required: boolean): string | undefined {
  let host: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length !== 4 || rawHeaders[i]!.toLowerCase() !== 'host') continue
    if (host !== undefined) return 'too many Host headers'
    host = rawHeaders[i + 1]!
  }
  if (host === undefined) return required ? 'missing required Host header' : undefined
  return validHost.test(host) ? undefined : 'malformed Host header'
}
