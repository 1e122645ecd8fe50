// What install.sh is told of the configuration to come, by flags or by answers: text as it was typed, until the program reads it.
import { AppError } from '../base/errors.js'

const wishNames = ['mode', 'interface', 'subnet', 'range', 'router', 'dns', 'domain', 'unknown-clients', 'advertise'] as const
export type WishName = typeof wishNames[number]
export type Wishes = Readonly<Partial<Record<WishName, string>>>

export const modes = ['server', 'proxy', 'off'] as const
const policies = ['allow', 'deny'] as const

/** What only a DHCP server has. */
const ofServers: readonly WishName[] = ['subnet', 'range', 'router', 'dns', 'domain', 'unknown-clients']

const isAmong = (list: readonly string[], text: string | undefined): boolean => text === undefined || list.includes(text)

/** The wishes among the values of flags, by their names; AppError `usage` for what can be no value at all, wherever it would go. */
export function wishesIn (values: Readonly<Record<string, unknown>>): Wishes {
  const wishes: Partial<Record<WishName, string>> = {}
  for (const name of wishNames) {
    const value = values[name]
    if (typeof value !== 'string') continue
    if (value === '') throw new AppError('usage', `--${name} needs a value`)
    if (!isPlain(value)) throw new AppError('usage', `--${name} can't be ${JSON.stringify(value)}: ${plainLetters}`)
    wishes[name] = value
  }
  const { mode, interface: device = '', 'unknown-clients': policy } = wishes
  if (!isAmong(modes, mode)) throw new AppError('usage', `--mode is server, proxy or off, not ${mode}`)
  if (!isAmong(policies, policy)) throw new AppError('usage', `--unknown-clients is allow or deny, not ${policy}`)
  if (device.length > 15) throw new AppError('usage', `--interface: no interface is called ${device}`)
  return wishes
}

/** What is said of a text that is not plain. */
export const plainLetters = 'letters, digits and . : / , _ @ are taken, and hyphens after the first of them'

/** What may stand in YAML and in a unit of systemd as it is. */
export const isPlain = (text: string): boolean => /^[A-Za-z0-9.:/,_@][A-Za-z0-9.:/,_@-]*$/.test(text)

/** A subnet is a server's. */
export const withImplied = (wishes: Wishes): Wishes =>
  wishes.mode === undefined && wishes.subnet !== undefined ? { ...wishes, mode: 'server' } : wishes

/** AppError `usage` when they make no configuration. */
export function assertWhole (wishes: Wishes): void {
  const { mode = '' } = wishes
  if (mode !== 'off' && wishes.interface === undefined) throw new AppError('usage', `--mode ${mode} needs --interface`)
  if (mode === 'server' && wishes.subnet === undefined) throw new AppError('usage', '--mode server needs --subnet')
  if (mode !== 'server' && ofServers.some(name => wishes[name] !== undefined)) {
    throw new AppError('usage', '--subnet, --range, --router, --dns, --domain and --unknown-clients go with --mode server')
  }
}
