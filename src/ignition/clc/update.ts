// The update and locksmith sections: both end up in /etc/coreos/update.conf.
import { goQuote } from '../../go/quote.js'
import { lowerCase } from '../../go/unicode.js'
import { GoUrlError, parseGoUrl } from '../../go/url.js'
import { optional, string, struct } from '../schema.js'
import { errorIf, errorRemark, rule, warningRemark } from '../validate.js'
import type { ValueOf } from '../schema.js'
import type { Remark, Rule } from '../validate.js'

const updateServer = string('types.UpdateServer')
export const updateSection = struct('types.Update', { group: string('types.UpdateGroup'), server: updateServer })

const text = optional(string())
export const locksmithSection = struct('types.Locksmith', {
  reboot_strategy: text,
  window_start: text,
  window_length: text,
  group: text,
  etcd_endpoints: text,
  etcd_cafile: text,
  etcd_certfile: text,
  etcd_keyfile: text
})

type Update = ValueOf<typeof updateSection>
type Locksmith = ValueOf<typeof locksmithSection>

const variables: Readonly<Record<keyof Locksmith, string>> = {
  reboot_strategy: 'REBOOT_STRATEGY',
  window_start: 'LOCKSMITHD_REBOOT_WINDOW_START',
  window_length: 'LOCKSMITHD_REBOOT_WINDOW_LENGTH',
  group: 'LOCKSMITHD_GROUP',
  etcd_endpoints: 'LOCKSMITHD_ENDPOINT',
  etcd_cafile: 'LOCKSMITHD_ETCD_CAFILE',
  etcd_certfile: 'LOCKSMITHD_ETCD_CERTFILE',
  etcd_keyfile: 'LOCKSMITHD_ETCD_KEYFILE'
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

function checkServer (server: string): Remark[] {
  try {
    parseGoUrl(server)
    return []
  } catch (error) {
    if (error instanceof GoUrlError) return [errorRemark(error.message)]
    throw error
  }
}

const isBlank = (value: string | undefined): value is '' | undefined => value === undefined || value === ''

function checkWindowStart ({ window_start: start }: Locksmith): Remark[] {
  if (isBlank(start)) return []
  const [, day = 'not-present', time = start] = /^[^\S\n]*(\S+)[^\S\n]+(\S+)/.exec(start) ?? []
  if (!['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'not-present'].includes(lowerCase(day))) {
    return [errorRemark('unknown day in window start')]
  }
  const clock = /^(\d{1,2}):(\d{2})$/.exec(time)
  return errorIf(clock === null || Number(clock[1]) > 23 || Number(clock[2]) > 59, "couldn't parse window start")
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9
}

// Go's time.ParseDuration: `2h15m`, `.5s`, `0`, with a sign; days are not known to it.
function isDuration (value: string): boolean {
  const unsigned = value.replace(/^[-+]/, '')
  if (unsigned === '0') return true
  const part = /(\d+(?:\.\d*)?|\.\d+)([^\d.]+)/gy
  let total = 0
  let end = 0
  for (let found = part.exec(unsigned); found !== null; found = part.exec(unsigned)) {
    const unit = nanoseconds[found[2] ?? '']
    if (unit === undefined) return false
    total += Number(found[1]) * unit
    end = part.lastIndex
  }
  return end > 0 && end === unsigned.length && total < 2 ** 63
}

export const updateRules: readonly Rule[] = [
  rule(updateServer, { whole: checkServer }),
  rule(updateSection, {
    whole: ({ group, server }) => ['stable', 'beta', 'alpha'].includes(lowerCase(group)) || server !== ''
      ? []
      : [warningRemark('unknown update group')]
  }),
  rule(locksmithSection, {
    whole: ({ window_start: start, window_length: length }) =>
      errorIf(isBlank(start) !== isBlank(length), 'window-start and window-length must both be specified'),
    fields: {
      reboot_strategy: ({ reboot_strategy: strategy }) =>
        errorIf(!isBlank(strategy) && !['reboot', 'etcd-lock', 'off'].includes(lowerCase(strategy)), 'unknown reboot strategy'),
      window_start: checkWindowStart,
      window_length: ({ window_length: length }) => errorIf(!isBlank(length) && !isDuration(length), "couldn't parse window length")
    }
  })
]
