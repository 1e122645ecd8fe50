// A site of any size for a bench: groups with names of their own over one profile and one Container Linux Config, what was seen of as
// many machines, their leases, and a configuration beside them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SiteSize {
  readonly groups?: number
  /** Records of machines, and leases, that the state holds. */
  readonly machines?: number
  readonly leases?: number
  /** Folders of releases, with a kernel of a few octets each. */
  readonly assets?: number
}

export interface Site {
  readonly folder: string
  readonly data: string
  readonly state: string
  readonly assets: string
}

/** The nth machine's, below 2^24. */
export const macOf = (n: number): string => `52:54:00:${octets(n)}`
const octets = (n: number): string => [n >> 16, n >> 8, n].map(octet => (octet & 255).toString(16).padStart(2, '0')).join(':')

/** What each machine gets with its own name in it. */
export const ignition = `systemd:
  units:
    - name: installer.service
      enable: true
      contents: |
        [Unit]
        Requires=network-online.target
        [Service]
        ExecStart=/usr/bin/curl http://10.0.0.1:8080/ignition?mac={{.mac}}
        [Install]
        WantedBy=multi-user.target
storage:
  files:
    - path: /etc/hostname
      filesystem: root
      mode: 0644
      contents: {inline: "{{.hostname}}"}
passwd:
  users:
    - name: core
      ssh_authorized_keys: ["{{.key}}"]
`

export const profile = {
  id: 'node',
  ignition_id: 'node.yaml',
  boot: { kernel: '/assets/kernel', initrd: ['/assets/initrd'], args: ['ignition.config.url=http://10.0.0.1:8080/ignition?mac=${mac:hexhyp}'] } // eslint-disable-line no-template-curly-in-string
} as const

interface WrittenGroup { readonly id: string, readonly profile: string, readonly selector: object, readonly metadata: object }

/** @param revision  makes the group another than it was */
export const groupOf = (n: number, revision = 0): WrittenGroup => ({
  id: `node-${n}`,
  profile: profile.id,
  selector: { mac: macOf(n) },
  metadata: { hostname: `node-${n}`, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexample core', revision }
})

export function layOutSite (folder: string, { groups = 0, machines = 0, leases = 0, assets = 0 }: SiteSize): Site {
  const site = { folder, data: join(folder, 'data'), state: join(folder, 'state'), assets: join(folder, 'assets') }
  for (const name of ['groups', 'profiles', 'ignition']) mkdirSync(join(site.data, name), { recursive: true })
  for (const path of [site.state, site.assets]) mkdirSync(path, { recursive: true })
  writeFileSync(join(site.data, 'ignition/node.yaml'), ignition)
  writeFileSync(join(site.data, 'profiles/node.json'), JSON.stringify(profile))
  for (let n = 0; n < groups; n++) writeFileSync(join(site.data, `groups/node-${n}.json`), JSON.stringify(groupOf(n)))
  for (let n = 0; n < assets; n++) {
    mkdirSync(join(site.assets, `release-${n}`))
    writeFileSync(join(site.assets, `release-${n}/kernel`), 'kernel')
  }
  const now = Date.now()
  writeLines(join(site.state, 'machines.jsonl'), 'machine', machines, n => machineRecord(n, installedAt(now - 3_600_000)))
  writeLines(join(site.state, 'leases.jsonl'), 'lease', leases, n => ({
    ip: addressOf(n), mac: macOf(n), state: 'bound', since: now, expires: now + 3_600_000
  }))
  return site
}

/** Below 10.64.0.0/10, none of which ends in 0 or 255. */
export const addressOf = (n: number): string => `10.${64 + Math.floor(n / 64_000)}.${Math.floor(n / 250) % 256}.${n % 250 + 1}`

/** A state file with those records. */
export const linesOf = (format: string, records: readonly object[]): string =>
  [{ format, version: 1 }, ...records].map(value => JSON.stringify(value)).join('\n') + '\n'

function writeLines (path: string, format: string, count: number, record: (n: number) => object): void {
  if (count > 0) writeFileSync(path, linesOf(format, Array.from({ length: count }, (_, n) => record(n))))
}

interface Entry { readonly stage: string, readonly at: number, readonly detail?: string }

/** A machine of the site, in its one boot. */
export function machineRecord (n: number, timeline: readonly Entry[]): object {
  const [first, last] = [timeline[0]!, timeline.at(-1)!]
  return {
    mac: macOf(n),
    firstSeen: first.at,
    lastSeen: last.at,
    stage: last.stage,
    ...last.stage === 'installed' && { installedAt: last.at },
    boots: 1,
    address: addressOf(n),
    name: `node-${n}`,
    architecture: 'x64 UEFI',
    group: `node-${n}`,
    profile: profile.id,
    timeline
  }
}

/** It was installed: the stages, a few seconds apart. */
function installedAt (at: number): Entry[] {
  const stages = ['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition', 'installed']
  return stages.map((stage, i) => ({ stage, at: at + i * 2000, ...stage === 'loader' && { detail: 'ipxe.efi' } }))
}
