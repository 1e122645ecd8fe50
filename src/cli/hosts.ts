// hosts: lists of machines that other programs keep, taken in and given back; and the reservations that there are.
import { AppError } from '../base/errors.js'
import { visibleText } from '../base/visible-text.js'
import { formatIpv4 } from '../net/ipv4.js'
import { configOptions, parse } from './arguments.js'
import { serviceConfig } from './service-config.js'
import { type Command, errorJson, print, printJson, table } from './command.js'
import { exportHosts } from './hosts-export.js'
import { importHosts } from './hosts-import.js'
import { knownHosts, openQuietStore } from './hosts-known.js'
import { unreadIfMade } from './unread.js'

/** Operands of one call: Mayu's machines are a file each. */
const mostOperands = 10_000

export const hostsCommand: Command = {
  name: 'hosts',
  run: async (args, io, hold = () => {}) => {
    const options = {
      ...configOptions,
      json: { type: 'boolean' },
      format: { type: 'string' },
      name: { type: 'string' },
      'dry-run': { type: 'boolean' },
      groups: { type: 'boolean' },
      profile: { type: 'string' },
      map: { type: 'string', multiple: true },
      templates: { type: 'string' },
      group: { type: 'string' },
      cluster: { type: 'string' },
      write: { type: 'string' },
      'import-blocks': { type: 'boolean' }
    } as const
    const { values, positionals: [action, ...operands] } = parse(args, options, mostOperands)
    const loaded = await serviceConfig(values, io)
    if (action === 'import') {
      return await importHosts({
        operands,
        format: values.format,
        name: values.name,
        dryRun: values['dry-run'] === true,
        groups: values.groups === true,
        profile: values.profile,
        map: values.map ?? [],
        templates: values.templates,
        json: values.json === true,
        loaded,
        io,
        hold
      })
    }
    if (action === 'export' && operands.length === 0) {
      const { format, group, cluster = 'core-provisioner', write } = values
      return await exportHosts({ format, group, cluster, write, importBlocks: values['import-blocks'] === true, json: values.json === true, loaded, io })
    }
    if (action !== 'list' || operands.length > 0) throw new AppError('usage', 'expected import and files, export, or list')
    const store = await openQuietStore(loaded, io)
    await store.close()
    const { hosts, problems: filed } = await knownHosts(loaded, store.snapshot.groups.values())
    const problems = [...filed, ...unreadIfMade(store.problems(), ['groups'])]
    const shown = hosts.map(({ macs, ip, name, role, source }) => ({ mac: macs.join(','), ip: ip === undefined ? '' : formatIpv4(ip), hostname: name ?? '', role: role ?? '', source }))
    if (values.json === true) printJson(io.stdout, problems.length === 0 ? shown : { ...errorJson('list_invalid', problems.join('; ')), hosts: shown })
    else print(io.stdout, table(['address', 'mac', 'name', 'role', 'from'], shown.map(({ mac, ip, hostname, role, source }) => [ip, mac, hostname, role, source])))
    for (const problem of problems) print(io.stderr, visibleText(`core-provisioner hosts list: ${problem}`))
    return problems.length === 0 ? 0 : 1
  }
}
