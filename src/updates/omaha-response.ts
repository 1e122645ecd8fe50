// What an Omaha server answers (protocol 3.0), as far as update_engine reads it: by XPath, so that the first package is the system
// itself, and `sha256` of the postinstall action is base64, mandatory, and of the whole first package. What flatcar-postinst
// fetches besides (the OEM's files and the extensions) are further packages of the same answer.

export interface UpdatePackage {
  readonly name: string
  readonly bytes: number
  /** Base64. */
  readonly sha1: string
  readonly sha256: string
}

export interface OmahaUpdate {
  readonly version: string
  /** Where the packages are, with a slash at its end. */
  readonly codebase: string
  /** The system's own first. */
  readonly packages: readonly [UpdatePackage, ...UpdatePackage[]]
}

export interface AppAnswer {
  /** As the client wrote it. */
  readonly appId: string
  /** `ok`, or what is wrong with the app. */
  readonly status: 'ok' | 'error-unknownApplication' | 'error-unknownApplicationOrGroup' | 'error-invalidMachineId'
  readonly ping: boolean
  readonly events: number
  /** undefined when nothing was asked. */
  readonly updateCheck: OmahaUpdate | 'noupdate' | 'error-internal' | undefined
}

export function encodeOmahaResponse (apps: readonly AppAnswer[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<response protocol="3.0" server="core-provisioner">\n  <daystart elapsed_seconds="0"></daystart>\n${
    apps.map(encodeApp).join('')}</response>\n`
}

function encodeApp ({ appId, status, ping, events, updateCheck }: AppAnswer): string {
  const inside = [
    ...ping ? ['    <ping status="ok"></ping>'] : [],
    ...Array.from({ length: events }, () => '    <event status="ok"></event>'),
    ...updateCheck === undefined
      ? []
      : typeof updateCheck === 'string'
        ? [`    <updatecheck status="${updateCheck}"></updatecheck>`]
        : encodeUpdate(updateCheck)
  ]
  return `  <app appid="${escapeXml(appId)}" status="${status}">\n${inside.map(line => `${line}\n`).join('')}  </app>\n`
}

const encodeUpdate = ({ version, codebase, packages }: OmahaUpdate): readonly string[] => [
  '    <updatecheck status="ok">',
  `      <urls><url codebase="${escapeXml(codebase)}"></url></urls>`,
  `      <manifest version="${escapeXml(version)}">`,
  '        <packages>',
  ...packages.map(({ name, bytes, sha1, sha256 }, at) =>
    `          <package name="${escapeXml(name)}" hash="${sha1}" hash_sha256="${sha256}" size="${bytes}" required="${at === 0}"></package>`),
  '        </packages>',
  '        <actions><action event="postinstall" sha256="' + packages[0].sha256 +
    '" needsadmin="false" IsDeltaPayload="false" DisablePayloadBackoff="true"></action></actions>',
  '      </manifest>',
  '    </updatecheck>'
]

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** For an attribute; what XML 1.0 can't hold is left out. */
const escapeXml = (text: string): string => text.toWellFormed()
  .replace(/[^\t\n\r\x20-\uFFFD\u{10000}-\u{10FFFF}]/gu, '').replace(/[&<>"]/g, letter => entities[letter]!)
