// The update and locksmith sections: both end up in /etc/coreos/update.conf.
import { goQuote } from '../../go/quote.js'
import { isDuration } from '../../go/time.js'
import { lowerCase } from '../../go/unicode.js'
import { GoUrlError, parseGoUrl } from '../../go/url.js'
import { optional, string, struct } from '../schema.js'
import { rule } from '../validate.js'
import type { ValueOf } from '../schema.js'
import type { Rule } from '../validate.js'

const updateServer = string('types.UpdateServer')
export const updateSection = struct('types.Update', { group: string('types.UpdateGroup'), server: updateServer })

const text = optional(string())
export const locksmithSection = struct('types.Locksmith', {
  rebootStrategy: text,
  windowStart: text,
  windowLength: text,
  group: text,
  etcdEndpoints: text,
  etcdCafile: text,
  etcdCertfile: text,
  etcdKeyfile: text
})

type Update = ValueOf<typeof updateSection>
type Locksmith = ValueOf<typeof locksmithSection>

const variables: Readonly<Record<keyof Locksmith, string>> = {
  rebootStrategy: 'REBOOT_STRATEGY',
  windowStart: 'LOCKSMITHD_REBOOT_WINDOW_START',
  windowLength: 'LOCKSMITHD_REBOOT_WINDOW_LENGTH',
  group: 'LOCKSMITHD_GROUP',
  etcdEndpoints: 'LOCKSMITHD_ENDPOINT',
  etcdCafile: 'LOCKSMITHD_ETCD_CAFILE',
  etcdCertfile: 'LOCKSMITHD_ETCD_CERTFILE',
  etcdKeyfile: 'LOCKSMITHD_ETCD_KEYFILE'
}

/** The contents of update.conf, '' when there is nothing to say. */
export function updateConf (update: Update | undefined, locksmith: Locksmith | undefined): string {
  const group = update === undefined || update.group === '' ? '' : `GROUP=${lowerCase(update.group)}`
  const server = update === undefined || update.server === '' ? '' : `\nSERVER=${update.server}`
  const lines = Object.entries(variables).flatMap(([key, variable]) => {
    const value = locksmith?.[key as keyof Locksmith]
    return value === undefined ? [] : [`\n${variable}=${goQuote(value)}`]
  })
  return group + server + lines.join('')
}

function checkServer (server: string): string | undefined {
  try {
    parseGoUrl(server)
    return undefined
  } catch (error) {
    if (error instanceof GoUrlError) return error.message
    throw error
  }
}

const isBlank = (value: string | undefined): value is '' | undefined => value === undefined || value === ''

function checkWindowStart (start: string): string | undefined {
  const [, day = 'not-present', time = start] = /^[^\S\n]*(\S+)[^\S\n]+(\S+)/.exec(start) ?? []
  if (!['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'not-present'].includes(lowerCase(day))) return 'unknown day in window start'
  const clock = /^(\d{1,2}):(\d{2})$/.exec(time)
  return clock === null || Number(clock[1]) > 23 || Number(clock[2]) > 59 ? "couldn't parse window start" : undefined
}

export const updateRules: ReadonlyArray<Rule<unknown>> = [
  rule(updateServer, (server, report) => report.error([], checkServer(server))),
  rule(updateSection, ({ group, server }, report) => {
    if (!['stable', 'beta', 'alpha'].includes(lowerCase(group)) && server === '') report.warning([], 'unknown update group')
  }),
  rule(locksmithSection, ({ rebootStrategy: strategy, windowStart: start, windowLength: length }, report) => {
    if (isBlank(start) !== isBlank(length)) report.error([], 'window-start and window-length must both be specified')
    if (!isBlank(strategy) && !['reboot', 'etcd-lock', 'off'].includes(lowerCase(strategy))) report.error(['rebootStrategy'], 'unknown reboot strategy')
    if (!isBlank(start)) report.error(['windowStart'], checkWindowStart(start))
    if (!isBlank(length) && !isDuration(length)) report.error(['windowLength'], "couldn't parse window length")
  })
]
