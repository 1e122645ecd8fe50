// render: what a machine with these labels would get, or why not, without a machine and without a running appliance.
import { openPinner, openSnippets, openStore } from '../wiring/looking.js'
import { AppError } from '../base/errors.js'
import { exampleUrls } from '../matchbox/etcd-cluster.js'
import { type DocumentKind, documentKinds } from '../matchbox/document-bodies.js'
import { createProvisioner } from '../matchbox/provisioner.js'
import { explainSelection } from '../matchbox/explain.js'
import { isMacKey } from '../matchbox/group.js'
import { parseMac } from '../net/mac.js'
import { eyesOptions, parse } from './arguments.js'
import { errorLog } from './error-log.js'
import { eyesOf } from './service-config.js'
import { tellUnread, unreadOf } from './unread.js'
import { type Command, errorJson, print, printJson, table } from './command.js'

export const renderCommand: Command = {
  name: 'render',
  run: async (args, io) => {
    const options = { ...eyesOptions, label: { type: 'string', short: 'l', multiple: true }, explain: { type: 'boolean' }, json: { type: 'boolean' } } as const
    const { values, positionals } = parse(args, options, 1)
    const kind = documentKind(positionals[0])
    const labels = new Map((values.label ?? []).map(labelOf))
    const { loaded: { config } } = await eyesOf(values, io)
    const store = await openStore(config, errorLog(io))
    try {
      const unread = unreadOf(store.problems())
      const left = unread.length === 0 ? undefined : { unread }
      const provisioner = createProvisioner({
        store, resilient: config.boot.resilient, assets: openPinner(config), ownSnippets: openSnippets(config), discovery: exampleUrls
      })
      const rawQuery = [...labels].map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&')
      const { group, profile, body, error, problem, report } = provisioner.render(kind, { labels, rawQuery, client: undefined })
      const failure = error === undefined ? undefined : errorJson(error.code, error.message)
      if (error !== undefined || values.explain === true) tellUnread(unread, 'render', io)
      if (values.explain === true) {
        const groups = explainSelection(store.snapshot.groups.values(), labels, group)
        if (values.json === true) printJson(io.stdout, { group: group?.id, profile: profile?.id, groups, ...left, ...failure })
        else print(io.stdout, table(['', 'group', 'profile', 'why'], groups.map(({ id, chosen, profile, why }) => [chosen ? '*' : '', id, profile, why])))
        if (values.json !== true && error !== undefined) print(io.stderr, `core-provisioner render: ${error.message}`)
        return error === undefined ? 0 : 1
      }
      for (const line of report) print(io.stderr, line)
      if (problem !== undefined) print(io.stderr, `warning: ${problem}`)
      if (values.json === true) {
        printJson(io.stdout, { group: group?.id, profile: profile?.id, body: body?.toString(), problem, report, ...left, ...failure })
        return error === undefined ? 0 : 1
      }
      if (error !== undefined) throw error
      if (body !== undefined) io.stdout.write(body)
      return 0
    } finally {
      await store.close()
    }
  }
}

function documentKind (text: string | undefined): DocumentKind {
  const kind = documentKinds.find(name => name === text)
  if (kind === undefined) throw new AppError('usage', `expected one of ${documentKinds.join(', ')}${text === undefined ? '' : `, not ${JSON.stringify(text)}`}`)
  return kind
}

function labelOf (text: string): readonly [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new AppError('usage', `--label takes key=value, not ${JSON.stringify(text)}`)
  const key = text.slice(0, equals)
  const value = text.slice(equals + 1)
  const label = isMacKey(key) ? parseMac(value) : value
  if (label === undefined) throw new AppError('usage', `--label ${key}: ${JSON.stringify(value)} is not a hardware address`)
  return [key, label]
}
