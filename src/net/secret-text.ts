// Secrets that stand in URLs, by their places: what opens a guarded config, and names and passwords before a host.

const inUrl = /(?<=[?&](?:guard|token|password|secret)=)[^&\s"'\0]+|(?<=:\/\/)[^/@\s"'\0]{1,256}(?=@)/gi

/** A copy in which each octet of a secret is an `x`: lengths stay as they are. */
export const withoutUrlSecrets = (octets: Buffer): Buffer =>
  Buffer.from(octets.toString('latin1').replace(inUrl, secret => 'x'.repeat(secret.length)), 'latin1')
