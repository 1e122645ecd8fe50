// The guard of configs: what it asks of the rest (matchbox/guard, machines/guard-tokens).
import { createHmac, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { leadsToFleet } from '../cluster/fleet-url.js'
import { lineFormats } from '../disk/state-formats.js'
import { guardKey } from '../machines/guard-key.js'
import { GuardUseFile } from '../machines/guard-use-file.js'
import type { GuardKeeper } from '../matchbox/guard.js'
import { type Mac, parseMac } from '../net/mac.js'
import type { OnClose } from './closing.js'
import type { Ground } from './ground.js'

export interface OpenGuardOptions {
  readonly ground: Pick<Ground, 'config' | 'homes' | 'log' | 'ownAddresses'> & Partial<Pick<Ground, 'cluster'>>
  readonly isAddressOf: GuardKeeper['isAddressOf']
  readonly onClose: OnClose
  readonly now?: () => number
}

/**
 * The time is that since this machine was switched on, which nobody sets and a restart of the program does not change. Tokens are of
 * one run of the machine, since the next one counts from the beginning again.
 */
export async function openGuard (options: OpenGuardOptions): Promise<GuardKeeper> {
  const { ground, isAddressOf, onClose, now = () => Math.floor(uptime() * 1000) } = options
  const { log, config, cluster } = ground
  if (cluster !== undefined) {
    const uses = await cluster.openGuard()
    return {
      mint: mac => uses.mint(mac as Mac),
      take: notYet,
      takeKept: (mac, token, limits) => uses.take(parseMac(mac) ?? mac as Mac, token, limits),
      isAddressOf,
      isOwn: url => isOwn(url, ground)
    }
  }
  const secret = await guardKey(join(config.state_path, 'guard.key'), log)
  const run = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => randomUUID())
  const ofRun = createHmac('sha256', secret).update(run.trim()).digest()
  const uses = new GuardUseFile({ path: join(config.state_path, lineFormats.guard_use.file), log, secret: ofRun, run: run.trim() })
  await uses.load()
  onClose(() => uses.close(), 'file')
  return {
    mint: mac => uses.mint(mac as Mac, now()),
    take: notYet,
    takeKept: (mac, token, limits) => uses.take(parseMac(mac) ?? mac as Mac, token, now(), limits),
    isAddressOf,
    isOwn: url => isOwn(url, ground)
  }
}

/** A use is counted before the document is made. */
const notYet = (): string => 'the use of a token is counted first'

function isOwn (url: URL, { config, homes, cluster, ownAddresses }: OpenGuardOptions['ground']): boolean {
  const { address, https } = config.http
  return leadsToFleet(url, {
    origins: homes.all.map(({ origin }) => origin),
    port: address.port,
    httpsPort: https.address?.port,
    others: cluster?.present() ?? [],
    hasAddress: ip => {
      // Without a descriptor to ask the kernel with it is taken for ours: the token is worth nothing to anybody else.
      try { return ownAddresses().some(own => own.ip === ip) } catch { return true }
    }
  })
}
