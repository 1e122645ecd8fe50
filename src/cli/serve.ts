// serve: the appliance in the foreground, until a signal ends it.
import { setTimeout } from 'node:timers/promises'
import { type Appliance, startAppliance } from '../appliance.js'
import { systemClock } from '../base/clock.js'
import type { LoadedConfig } from '../config/load.js'
import { messageOf } from '../base/errors.js'
import { Fence } from '../base/fence.js'
import { createLog, endLog, type Logger, prettyFor } from '../base/log.js'
import { openServiceManager, type ServiceManager } from '../wiring/service-manager.js'
import { configOptions, parse } from './arguments.js'
import { configFrom, filesAnswer } from './service-config.js'
import type { Command, Io } from './command.js'

export const serveCommand: Command = {
  name: 'serve',
  endsInOrder: () => true,
  run: async (args, io) => {
    const { values } = parse(args, configOptions)
    const manager = openServiceManager({ env: io.env, pid: io.pid, clock: systemClock })
    let restart = (_reason: string): void => {}
    const again = new Promise<{ readonly reason: string }>(resolve => { restart = reason => { resolve({ reason }) } })
    // Before it has one to reload, the signal would end the process.
    let isAsked = false
    let reload = (): void => { isAsked = true }
    io.onHangup(() => { reload() })
    const { appliance, log, fence } = await started(manager, () => configFrom(values, io), {
      io, answering: () => filesAnswer(values), restart, apart: command => io.self === undefined ? [] : [...io.self, command, '--json', ...args]
    })
    manager.ready(appliance.status)
    reload = () => {
      manager.reloading()
      void appliance.reload(readAgain(() => configFrom(values, io), log)).catch((error: unknown) => { fence.caught(error, 'reload') }).finally(manager.reloaded)
    }
    if (isAsked) reload()
    const why = await Promise.race([io.stop.then(signal => ({ signal })), again])
    manager.stopping()
    log.info(why, 'appliance.stop')
    // Each part has its own limit; this one, which keeps the process alive until then, is for the end itself. Milliseconds.
    const orderly = await Promise.race([appliance.close(), setTimeout(appliance.patience + 250, false)])
    log[orderly ? 'info' : 'warn']({ orderly }, 'appliance.end')
    await endLog(log)
    if (!orderly) io.onStuck()
    // A service manager starts again what failed.
    return 'signal' in why ? 0 : 1
  }
}

/** What can't be read leaves the configuration in force as it is. */
function readAgain (read: () => LoadedConfig, log: Logger): LoadedConfig | undefined {
  try {
    return read()
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'config.unread')
    return undefined
  }
}

interface StartedAppliance { readonly appliance: Appliance, readonly log: Logger, readonly fence: Fence }

/** The appliance; whoever manages the service hears too why it does not start. */
async function started (
  manager: ServiceManager, configured: () => LoadedConfig,
  { io, answering, restart, apart }: {
    readonly io: Io
    readonly answering: () => Promise<void>
    readonly restart: (reason: string) => void
    /** The command with this configuration, in a process of its own. */
    readonly apart: (command: 'doctor' | 'check') => readonly string[]
  }
): Promise<StartedAppliance> {
  try {
    await answering()
    const loaded = configured()
    const { log_level: level } = loaded.config
    const pretty = prettyFor(io.stdout, io.env)
    const log = createLog({ level, pretty, journal: io.journal, destination: io.stdout, background: true, rationed: systemClock })
    const fence = new Fence({ log })
    const appliance = await startAppliance(loaded, { log, fence, passphrase: io.env['MATCHBOX_PASSPHRASE'] ?? '', env: io.env, inherited: manager.sockets, doctor: apart('doctor'), check: apart('check'), ...manager.sockets.length > 0 && { restart } })
    // What goes wrong from now on is one part's; what goes wrong at the start is told and ends it.
    io.onUncaught(error => { fence.caught(error, 'process') })
    return { appliance, log, fence }
  } catch (error) {
    manager.failed(messageOf(error))
    throw error
  }
}
