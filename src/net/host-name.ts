// What a host or a domain may be called (RFC 1123 section 2.1), wherever a name is given: configuration, lists, groups, certificates.

/** Labels of letters, digits and hyphens with dots between. An IPv4 address looks like one. */
export const hostNamePattern = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
