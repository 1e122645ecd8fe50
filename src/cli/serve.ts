// serve: the appliance in the foreground, until a signal ends it.
import { startAppliance } from '../appliance.js'
import { createLog } from '../log.js'
import { configFrom, configOptions, parse } from './arguments.js'
import type { Command } from './command.js'

/** How long an orderly end may take, in milliseconds: longer than the graces of all parts together (wiring/). */
const patience = 4500

export const serveCommand: Command = {
  name: 'serve',
  synopsis: '[--config FILE] [--set key=value ...]',
  summary: 'start the appliance in the foreground',
  run: async (args, io) => {
    const { values } = parse(args, configOptions)
    const loaded = configFrom(values, io)
    const log = createLog({ level: loaded.config.log_level, pretty: io.terminal, destination: io.stdout, background: true })
    const appliance = await startAppliance(loaded, { log, passphrase: io.env['MATCHBOX_PASSPHRASE'] ?? '' })
    io.onHangup(() => { void appliance.reload() })
    const signal = await io.stop
    log.info({ signal }, 'appliance.stop')
    const late = AbortSignal.timeout(patience)
    const closed = await Promise.race([
      appliance.close().then(() => true),
      new Promise<boolean>(resolve => { late.addEventListener('abort', () => { resolve(false) }) })
    ])
    log[closed ? 'info' : 'warn']({ orderly: closed }, 'appliance.end')
    return 0
  }
}
