// Installed machines as an update server sees them: what update_engine posts, what Zincati asks, written after their code.

export interface OmahaSaid {
  readonly version: string
  readonly track: string
  readonly machineId: string
  readonly alias?: string
  readonly board?: string
  readonly check?: boolean
  readonly event?: { readonly type: number, readonly result: number, readonly errorCode?: number, readonly previous?: string }
}

/** A request of update_engine: a check with its ping, an event, or both, as it sends them. */
export function omahaRequest ({ version, track, machineId, alias = '', board = 'amd64-usr', check = false, event }: OmahaSaid): string {
  const inside = [
    ...check ? ['        <ping active="1"></ping>', '        <updatecheck></updatecheck>'] : [],
    ...event === undefined
      ? []
      : [`        <event eventtype="${event.type}" eventresult="${event.result}"${
        event.errorCode === undefined ? '' : ` errorcode="${event.errorCode}"`}${event.previous === undefined ? '' : ` previousversion="${event.previous}"`}></event>`]
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>
<request protocol="3.0" version="update_engine-0.4.10" updaterversion="update_engine-0.4.10" installsource="scheduler" ismachine="1">
    <os version="Chateau" platform="CoreOS" sp="${version}_x86_64"></os>
    <app appid="{e96281a6-d1af-4bde-9a0a-97b76e56dc57}" version="${version}" track="${track}" bootid="{1}" oem="vmware" oemversion="1" alephversion="4081.2.0" machineid="${machineId}" machinealias="${alias}" lang="en-US" board="${board}" hardware_class="" delta_okay="false" >
${inside.join('\n')}
    </app>
</request>
`
}

/** A machine that runs update_engine against a server. */
export class FlatcarNode {
  version: string
  readonly #server: string
  readonly #said: Omit<OmahaSaid, 'version' | 'check' | 'event'>

  constructor (server: string, version: string, said: Omit<OmahaSaid, 'version' | 'check' | 'event'>) {
    this.#server = server
    this.version = version
    this.#said = said
  }

  /** Posts and gives the answer's text. */
  async post (more: Pick<OmahaSaid, 'check' | 'event'>): Promise<{ readonly status: number, readonly text: string }> {
    const response = await fetch(this.#server, {
      method: 'POST', headers: { 'content-type': 'text/xml' }, body: omahaRequest({ ...this.#said, version: this.version, ...more }), redirect: 'error'
    })
    return { status: response.status, text: await response.text() }
  }

  /** What it is offered; undefined for nothing. */
  async check (event?: OmahaSaid['event']): Promise<{ readonly version: string, readonly urls: readonly string[], readonly sha256: string } | undefined> {
    const { status, text } = await this.post({ check: true, ...event !== undefined && { event } })
    if (status !== 200) throw new Error(`${status}: ${text}`)
    const version = /<manifest version="([^"]*)"/.exec(text)?.[1]
    const codebase = /codebase="([^"]*)"/.exec(text)?.[1] ?? ''
    return version === undefined
      ? undefined
      : { version, urls: [...text.matchAll(/<package name="([^"]*)"/g)].map(([, name = '']) => `${codebase}${name}`), sha256: /event="postinstall" sha256="([^"]*)"/.exec(text)?.[1] ?? '' }
  }

  async say (type: number, result: number, errorCode?: number): Promise<void> {
    const { status, text } = await this.post({ event: { type, result, ...errorCode !== undefined && { errorCode } } })
    if (status !== 200) throw new Error(`${status}: ${text}`)
  }

  /** Downloads and installs in its own words, boots into the version and asks again. */
  async updateTo (version: string): Promise<void> {
    for (const [type, result] of [[13, 1], [14, 1], [3, 1]] as const) await this.say(type, result)
    const previous = this.version
    this.version = version
    await this.check({ type: 3, result: 2, previous })
  }
}

/** A machine that runs Zincati against a server: base URLs end in a slash, as its configuration has to have them. */
export class ZincatiNode {
  readonly #base: string
  readonly #client: { readonly group: string, readonly id: string }

  constructor (base: string, client: { readonly group: string, readonly id: string }) {
    this.#base = base
    this.#client = client
  }

  /** Zincati sends no Content-Type. */
  async #lock (path: string, headers: Readonly<Record<string, string>> = { 'fleet-lock-protocol': 'true' }): Promise<{ readonly status: number, readonly kind: string }> {
    const body = new Uint8Array(Buffer.from(JSON.stringify({ client_params: this.#client })))
    const response = await fetch(new URL(`fleetlock/v1/${path}`, this.#base), { method: 'POST', headers, body, redirect: 'error' })
    const text = await response.text()
    return { status: response.status, kind: text === '' ? '' : String((JSON.parse(text) as { kind: string }).kind) }
  }

  preReboot (headers?: Readonly<Record<string, string>>): ReturnType<ZincatiNode['steadyState']> { return this.#lock('pre-reboot', headers) }
  steadyState (): Promise<{ readonly status: number, readonly kind: string }> { return this.#lock('steady-state') }

  async graph (more: Readonly<Record<string, string>>): Promise<{ readonly status: number, readonly body: GraphAnswer }> {
    const url = new URL('updates/v1/graph', this.#base)
    url.search = new URLSearchParams({ group: this.#client.group, node_uuid: this.#client.id, platform: 'metal', ...more }).toString()
    const response = await fetch(url, { headers: { accept: 'application/json' } })
    return { status: response.status, body: await response.json() as GraphAnswer }
  }
}

export interface GraphAnswer {
  readonly nodes: ReadonlyArray<{ readonly version: string, readonly payload: string, readonly metadata: Readonly<Record<string, string>> }>
  readonly edges: ReadonlyArray<readonly [number, number]>
  readonly kind?: string
}

/** Where Zincati would go: the target with the highest age among the edges from its own payload. */
export function zincatiTarget ({ nodes, edges }: GraphAnswer, payload: string): string | undefined {
  const self = nodes.findIndex(node => node.payload === payload)
  const targets = edges.filter(([from]) => from === self).map(([, to]) => nodes[to]!)
  const age = ({ metadata }: GraphAnswer['nodes'][number]): number => Number(metadata['org.fedoraproject.coreos.releases.age_index'])
  return targets.sort((a, b) => age(b) - age(a))[0]?.version
}
