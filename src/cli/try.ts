// try: a first boot without a configuration. A proxy beside the network's own DHCP server (or a server for an empty network), with a store
// of its own that is gone when it ends; machines are shown as they come, and at the end what would make it permanent.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Appliance, startAppliance } from '../appliance.js'
import { type Lines, linesTo } from '../base/background-lines.js'
import { systemClock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { Fence } from '../base/fence.js'
import { createLog, endLog, prettyFor } from '../base/log.js'
import { didYouMean } from '../base/nearest.js'
import { visibleJson, visibleText } from '../base/visible-text.js'
import { type LoadedConfig, loadConfig } from '../config/load.js'
import type { StageShown } from '../control/machine-shown.js'
import { openRunFolder } from '../disk/run-folder.js'
import { interfaceNamed, linkProblem, networkInterfaces } from '../net/interfaces.js'
import { contains, formatIpv4, parseIpv4, parseSubnet, type Subnet } from '../net/ipv4.js'
import { portSockets } from '../net/port-owner.js'
import { openMirror } from '../wiring/open-mirror.js'
import { parse } from './arguments.js'
import { type Command, type Io, print } from './command.js'
import { events } from './control-client.js'
import { ProgressDisplay } from './progress.js'
import { endedByMore } from './try-end.js'
import { callOf, permanently } from './try-permanent.js'
import { type Booted, bootOf, openSite, type Site, TakenFiles, type Wish, writeSite } from './try-site.js'

const options = {
  interface: { type: 'string' },
  image: { type: 'string' },
  kernel: { type: 'string' },
  initrd: { type: 'string', multiple: true },
  args: { type: 'string', multiple: true },
  server: { type: 'string' },
  key: { type: 'string' },
  fingerprint: { type: 'string' },
  set: { type: 'string', multiple: true },
  json: { type: 'boolean' }
} as const

/** What `--image` boots. */
const bootable = ['flatcar', 'fedora-coreos']

type TryValues = ReturnType<typeof parse<typeof options>>['values']

export const tryCommand: Command = {
  name: 'try',
  endsInOrder: () => true,
  run: async (args, outside) => {
    const { values } = parse(args, options)
    const interfaceName = checked(values)
    const { image, kernel, set = [], json = false } = values
    const own = addressOf(interfaceName, outside)
    const wish: Wish = { interfaceName, server: values.server === undefined ? undefined : subnetOf(values.server, interfaceName, own) }
    const more = wordsOf(values.args)
    const { key: file, fingerprint } = values
    const key = file === undefined || fingerprint === undefined ? undefined : { file, fingerprint }
    const { io, close } = endedByMore(outside)
    const folder = openRunFolder(tmpdir(), 'core-provisioner-try-', io.uid)
    try {
      const site = await openSite(folder.path)
      const boot = image === undefined
        ? await given(kernel ?? '', values.initrd ?? [], more, site)
        : await fetched({ image, key, folder: folder.path, site, set, own, more, json, io })
      await writeSite(folder.path, site, wish, boot.now)
      await serveUntilStopped(loadConfig({ file: site.configFile, set, env: {} }), site, json, io)
      const lasting = permanently({ wish, boot: boot.later, set, image, key, call: callOf(io) })
      print(io.stdout, json ? JSON.stringify({ permanent: lasting }) : `\n# The same to stay: saved to a file and run as root (sh FILE), this writes it down.\n${lasting}`)
      return 0
    } catch (error) {
      throw error instanceof AppError ? await advised(error, wish) : error
    } finally {
      folder.remove()
      close()
    }
  }
}

/** The interface's name; AppError usage for what does not go together. */
function checked ({ interface: name, image, kernel, initrd, key, fingerprint }: TryValues): string {
  if (name === undefined || name === '') {
    const able = [...networkInterfaces().values()].filter(({ name, addresses }) => name !== 'lo' && addresses.length > 0)
    throw new AppError('usage', `--interface says on which network: ${able.map(({ name }) => name).join(', ')}`)
  }
  if ((image === undefined) === (kernel === undefined)) throw new AppError('usage', 'expected either --image or --kernel')
  if (image !== undefined && !bootable.includes(image)) throw new AppError('usage', `--image is ${bootable.join(' or ')}, not ${JSON.stringify(image)}${didYouMean(image, bootable)}`)
  if (image !== undefined && initrd !== undefined) throw new AppError('usage', '--initrd goes with --kernel: an image has its own')
  if ((key === undefined) !== (fingerprint === undefined)) throw new AppError('usage', '--key FILE and --fingerprint FINGERPRINT go together')
  if (key !== undefined && image === undefined) throw new AppError('usage', '--key and --fingerprint go with --image: what --kernel names is not verified')
  return name
}

/** The first address of the interface; AppError interface_missing when it is not there, has none, or is down. */
function addressOf (name: string, { stderr }: Io): string {
  const found = interfaceNamed(name)
  const problem = linkProblem(name, found)
  if (problem !== undefined && !found.up) throw new AppError('interface_missing', problem)
  if (problem !== undefined) print(stderr, `core-provisioner try: ${problem}`)
  return formatIpv4(found.addresses[0]!.ip)
}

const wordsOf = (texts: readonly string[] = []): readonly string[] => texts.flatMap(text => text.split(/\s+/).filter(word => word !== ''))

/** An error of the appliance, with what can be done about it here. */
async function advised (error: AppError, { interfaceName, server }: Wish): Promise<AppError> {
  const told = (more: string): AppError => new AppError(error.code, `${error.message}${more}`, { cause: error })
  if (error.code === 'disk_full') return told('; TMPDIR=/var/tmp chooses another place')
  if (error.key === 'control_socket') return told('; TMPDIR=/tmp is shorter')
  if (error.code === 'other_dhcp_server' && server !== undefined) return new AppError(error.code, `another DHCP server answers on ${interfaceName}: leave out --server to work beside it`, { cause: error })
  if (error.code !== 'address_in_use' || error.port === undefined) return error
  const { port, transport } = error.port
  const sockets = await portSockets(transport, port)
  const holders = [...new Set(sockets.flatMap(({ holders }) => holders).map(({ name, pid }) => `${name} (pid ${pid})`))]
  const remedy = transport === 'udp' ? 'it cannot be shared: stop that, or try from another machine of the network' : '--set http.address=:8090 chooses another'
  return told(`${holders.length === 0 ? '' : `: ${holders.join(', ')}`}; ${remedy}`)
}

/** AppError usage, with what to do about an interface that is not in it. */
function subnetOf (text: string, interfaceName: string, own: string): Subnet {
  const subnet = parseSubnet(text)
  if (subnet === undefined || subnet.prefix > 29 || subnet.prefix < 8) throw new AppError('usage', `--server takes a subnet from /8 to /29 such as 192.168.100.0/24, not ${JSON.stringify(text)}`)
  if (contains(subnet, parseIpv4(own) ?? 0)) return subnet
  throw new AppError('usage', `--server ${text}: ${interfaceName} is ${own}, which is not in it: give it an address there first (ip address add ADDRESS/${subnet.prefix} dev ${interfaceName})`)
}

/** What machines boot now, and what they would once it stays: images go by a name that follows their publisher. */
interface BootForecast { readonly now: Booted, readonly later: Booted }

async function given (kernel: string, initrd: readonly string[], args: readonly string[], { assets }: Site): Promise<BootForecast> {
  const files = new TakenFiles(assets)
  const boot = { kernel: await files.take(kernel), initrd: [] as string[], args, taken: files.sources }
  for (const source of initrd) boot.initrd.push(await files.take(source))
  return { now: boot, later: boot }
}

interface Fetch {
  readonly image: string
  readonly key: { readonly file: string, readonly fingerprint: string } | undefined
  readonly folder: string
  readonly site: Site
  readonly set: readonly string[]
  readonly own: string
  readonly more: readonly string[]
  readonly json: boolean
  readonly io: Io
}

/** The publisher's newest release, verified as the mirror verifies every other. */
async function fetched ({ image, key, folder, site, set, own, more, json, io }: Fetch): Promise<BootForecast> {
  const images = set.some(pair => pair.startsWith('images.sources')) ? [] : [`images.sources=[{ os: ${image} }]`]
  const keys = key === undefined ? [] : [`images.keys=${JSON.stringify([key])}`]
  const loaded = loadConfig({ file: undefined, defaultFile: '', set: [`assets_path=${JSON.stringify(site.assets)}`, `state_path=${JSON.stringify(join(folder, 'state'))}`, ...images, ...keys, ...set], env: {} })
  const mirror = openMirror(loaded, { clock: systemClock, env: io.env })
  const display = new ProgressDisplay(io.stdout, io.terminal, () => performance.now())
  const stopping = new AbortController()
  void io.stop.then(() => { stopping.abort() })
  const [result] = await mirror.sync({ signal: stopping.signal, onProgress: ({ source, version, file, received, total }) => { if (!json) display.report({ name: `${source} ${version} ${file}`, received, total }) } })
  display.clear()
  if (result?.error !== undefined) {
    const { code, text } = result.error
    const hint = code === 'image_key_missing' ? '; --key FILE --fingerprint FINGERPRINT pins that of the publisher, compared with what it tells elsewhere' : ''
    throw new AppError(code === 'image_key_missing' || code === 'disk_full' ? code : 'image_download_failed', `${result.source}: ${text}${hint}`)
  }
  const [release] = (await mirror.list()).releases
  if (release === undefined) throw new AppError('image_download_failed', `nothing was fetched of ${image}`)
  const origin = `http://${own}:${loaded.config.http.address.port}`
  const boot = await bootOf(site.assets, release.path, origin)
  const now = { ...boot, args: [...boot.args, ...more] }
  const alias = release.aliases.find(name => name === 'stable') ?? release.aliases[0] ?? release.version
  const following = (text: string): string => text.replaceAll(`${release.path}/`, () => `${release.path.slice(0, -release.version.length)}${alias}/`).replaceAll(`-${release.version}-`, '-')
  return { now, later: { kernel: following(now.kernel), initrd: now.initrd.map(following), args: now.args.map(following) } }
}

async function serveUntilStopped (loaded: LoadedConfig, { control }: Site, json: boolean, io: Io): Promise<void> {
  const log = createLog({ level: 'warn', pretty: prettyFor(io.stderr, io.env), destination: io.stderr, background: true })
  // Machines do not wait for who reads along.
  const out = linesTo(io.stdout, error => { io.stdout.destroy(error) })
  const fence = new Fence({ log })
  let appliance: Appliance
  try {
    appliance = await startAppliance(loaded, { log, fence, env: io.env })
  } catch (error) {
    if (error instanceof AppError && error.code === 'permission_denied' && io.uid !== 0) throw new AppError(error.code, `${error.message}: ports below 1024 need root`, { cause: error })
    throw error
  }
  // What goes wrong from now on is one part's, and does not leave the rest behind.
  io.onUncaught(error => { fence.caught(error, 'process') })
  try {
    const { dhcp } = loaded.config
    if (json) print(out, JSON.stringify({ mode: dhcp.mode, interface: dhcp.interface }))
    else print(out, `${dhcp.mode === 'proxy' ? 'Beside the DHCP server of' : 'As the DHCP server of'} ${dhcp.interface}: let a machine boot from the network (BIOS or UEFI). Ctrl-C ends it.`)
    await shown(control, json, io.stop, out)
  } finally {
    await appliance.close()
    await Promise.all([endLog(log), out.finish?.(mostPatience)])
  }
}

/** Milliseconds for the last lines, when a terminal stands still. */
const mostPatience = 1000

/** No run of the program has events after that one, so all that are kept come: machines may have begun before this asks. */
const everything = 'none-0'

/** A line for each stage of each machine, with the seconds since its first. */
async function shown (control: string, json: boolean, stop: Io['stop'], out: Lines): Promise<void> {
  const began = new Map<string, number>()
  for await (const { data, event } of events(control, '/v1/events', stop, { last: everything })) {
    if (event !== 'message') continue
    if (json) {
      print(out, visibleJson(JSON.stringify(data)))
      continue
    }
    const { at, mac, stage, address = '', detail = '', failed, warning } = data as StageShown
    const time = Date.parse(at)
    const first = began.get(mac) ?? time
    began.set(mac, first)
    const remark = [address, detail, failed === undefined ? '' : `failed: ${failed}`, warning ?? ''].filter(text => text !== '').join('  ')
    print(out, visibleText(`${((time - first) / 1000).toFixed(1).padStart(7)}s  ${mac}  ${stage.padEnd(9)}  ${remark}`).trimEnd())
  }
}
