// try: a first boot without a configuration. A proxy beside the network's own DHCP server (or a server for an empty network), with a store
// of its own that is gone when it ends; machines are shown as they come, and at the end what would make it permanent.
import { mkdtemp, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Appliance, startAppliance } from '../appliance.js'
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { createLog, prettyFor } from '../base/log.js'
import { visibleText } from '../base/visible-text.js'
import { type LoadedConfig, loadConfig } from '../config/load.js'
import type { StageShown } from '../control/machine-shown.js'
import { contains, parseIpv4, parseSubnet, type Subnet } from '../net/ipv4.js'
import { openMirror } from '../wiring/open-mirror.js'
import { parse } from './arguments.js'
import { type Command, type Io, print } from './command.js'
import { events } from './control-client.js'
import { ProgressDisplay } from './progress.js'
import { type Booted, bootOf, openSite, permanently, placed, type Site, type Wish, writeSite } from './try-site.js'

const options = {
  interface: { type: 'string' },
  image: { type: 'string' },
  kernel: { type: 'string' },
  initrd: { type: 'string', multiple: true },
  args: { type: 'string', multiple: true },
  server: { type: 'string' },
  key: { type: 'string' },
  fingerprint: { type: 'string' },
  set: { type: 'string', multiple: true }
} as const

export const tryCommand: Command = {
  name: 'try',
  run: async (args, io) => {
    const { values } = parse(args, options)
    const { interface: interfaceName, image, kernel } = values
    if (interfaceName === undefined) throw new AppError('usage', `--interface says on which network: ${Object.keys(networkInterfaces()).filter(name => name !== 'lo').join(', ')}`)
    if ((image === undefined) === (kernel === undefined)) throw new AppError('usage', 'expected either --image or --kernel')
    const own = networkInterfaces()[interfaceName]?.find(({ family }) => family === 'IPv4')?.address
    if (own === undefined) throw new AppError('interface_missing', `${interfaceName} has no IPv4 address, or no cable: ip address show ${interfaceName} tells`)
    const wish: Wish = { interfaceName, server: values.server === undefined ? undefined : subnetOf(values.server, interfaceName, own) }
    const folder = await mkdtemp(join(tmpdir(), 'core-provisioner-try-'))
    try {
      const site = await openSite(folder)
      const set = values.set ?? []
      const key = keyOf(values.key, values.fingerprint)
      const boot = image === undefined
        ? await given(kernel ?? '', values.initrd ?? [], values.args ?? [], site)
        : await fetched({ image, key, folder, site, set, own, more: values.args ?? [], io })
      await writeSite(folder, site, wish, boot, site.assets)
      await serveUntilStopped(loadConfig({ file: site.configFile, set, env: {} }), site, io)
      print(io.stdout, `\nThe same to stay (core-provisioner check tells more):\n\n${permanently(wish, boot, image)}`)
      return 0
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** AppError usage, with what to do about an interface that is not in it. */
function subnetOf (text: string, interfaceName: string, own: string): Subnet {
  const subnet = parseSubnet(text)
  if (subnet === undefined || subnet.prefix > 29 || subnet.prefix < 8) throw new AppError('usage', `--server takes a subnet from /8 to /29 such as 192.168.100.0/24, not ${JSON.stringify(text)}`)
  if (contains(subnet, parseIpv4(own) ?? 0)) return subnet
  throw new AppError('usage', `--server ${text}: ${interfaceName} is ${own}, which is not in it: give it an address there first (ip address add ADDRESS/${subnet.prefix} dev ${interfaceName})`)
}

function keyOf (file: string | undefined, fingerprint: string | undefined): readonly string[] {
  if (file === undefined && fingerprint === undefined) return []
  if (file === undefined || fingerprint === undefined) throw new AppError('usage', '--key FILE and --fingerprint FINGERPRINT go together')
  return [`images.keys=[{ file: ${JSON.stringify(file)}, fingerprint: ${JSON.stringify(fingerprint)} }]`]
}

async function given (kernel: string, initrd: readonly string[], args: readonly string[], { assets }: Site): Promise<Booted> {
  const taken: string[] = []
  for (const source of initrd) taken.push(await placed(source, assets))
  return { kernel: await placed(kernel, assets), initrd: taken, args: args.flatMap(text => text.split(/\s+/).filter(arg => arg !== '')) }
}

interface Fetch {
  readonly image: string
  /** As `--set` has it. */
  readonly key: readonly string[]
  readonly folder: string
  readonly site: Site
  readonly set: readonly string[]
  readonly own: string
  readonly more: readonly string[]
  readonly io: Io
}

/** The publisher's newest release, verified as the mirror verifies every other. */
async function fetched ({ image, key, folder, site, set, own, more, io }: Fetch): Promise<Booted> {
  const images = set.some(pair => pair.startsWith('images.sources')) ? [] : [`images.sources=[{ os: ${JSON.stringify(image)} }]`]
  const loaded = loadConfig({ file: undefined, defaultFile: '', set: [`assets_path=${site.assets}`, `state_path=${join(folder, 'state')}`, ...images, ...key, ...set], env: {} })
  const mirror = openMirror(loaded, { clock: systemClock, env: io.env })
  const display = new ProgressDisplay(io.stdout, io.terminal, () => performance.now())
  const stopping = new AbortController()
  void io.stop.then(() => { stopping.abort() })
  const [result] = await mirror.sync({ signal: stopping.signal, onProgress: ({ source, version, file, received, total }) => { display.report({ name: `${source} ${version} ${file}`, received, total }) } })
  display.clear()
  if (result?.error !== undefined) {
    const hint = result.error.code === 'image_key_missing' ? '; --key FILE --fingerprint FINGERPRINT pins that of the publisher, compared with what it tells elsewhere' : ''
    throw new AppError(result.error.code === 'image_key_missing' ? 'image_key_missing' : 'image_download_failed', `${result.source}: ${result.error.text}${hint}`)
  }
  const [release] = (await mirror.list()).releases
  if (release === undefined) throw new AppError('image_download_failed', `nothing was fetched of ${image}`)
  const boot = await bootOf(site.assets, release.path, `http://${own}:${loaded.config.http.address.port}`)
  return { ...boot, args: [...boot.args, ...more.flatMap(text => text.split(/\s+/).filter(arg => arg !== ''))] }
}

async function serveUntilStopped (loaded: LoadedConfig, { control }: Site, io: Io): Promise<void> {
  const log = createLog({ level: 'warn', pretty: prettyFor(io.stderr, io.env), destination: io.stderr })
  let appliance: Appliance
  try {
    appliance = await startAppliance(loaded, { log, env: io.env })
  } catch (error) {
    if (error instanceof AppError && error.code === 'permission_denied' && io.uid !== 0) throw new AppError(error.code, `${error.message}: ports below 1024 need root`, { cause: error })
    throw error
  }
  try {
    const { dhcp } = loaded.config
    print(io.stdout, `${dhcp.mode === 'proxy' ? 'Beside the DHCP server of' : 'As the DHCP server of'} ${dhcp.interface}: let a machine boot from the network (BIOS or UEFI). Ctrl-C ends it.`)
    await shown(control, io)
  } finally {
    await appliance.close()
  }
}

/** A line for each stage of each machine, with the seconds since its first. */
async function shown (control: string, io: Io): Promise<void> {
  const began = new Map<string, number>()
  for await (const { data, event } of events(control, '/v1/events', io.stop)) {
    if (event !== 'message') continue
    const { at, mac, stage, address = '', detail = '', failed, warning } = data as StageShown
    const time = Date.parse(at)
    const first = began.get(mac) ?? time
    began.set(mac, first)
    const remark = [address, detail, failed === undefined ? '' : `failed: ${failed}`, warning ?? ''].filter(text => text !== '').join('  ')
    print(io.stdout, visibleText(`${((time - first) / 1000).toFixed(1).padStart(7)}s  ${mac}  ${stage.padEnd(9)}  ${remark}`).trimEnd())
  }
}
