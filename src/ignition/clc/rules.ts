// What ct itself asks of a Container Linux Config, before it is turned into an Ignition config and checked as such.
import { directory2 } from '../spec2/schema.js'
import { rule } from '../validate.js'
import { etcdRules } from './etcd.js'
import { flannelRules } from './flannel.js'
import { file, fileContents } from './schema.js'
import { updateRules } from './update.js'
import type { Rules } from '../validate.js'

export const clcRules: Rules<unknown> = new Map([
  rule(file, ({ mode }, report) => { if (mode === undefined) report.warning(['mode'], 'mode unspecified for file, defaulting to 0644') }),
  rule(directory2, ({ mode }, report) => { if (mode === undefined) report.warning(['mode'], 'mode unspecified for directory, defaulting to 0755') }),
  rule(fileContents, ({ remote, inline, local }, report) => {
    if ([remote.url, inline, local].filter(source => source !== '').length > 1) {
      report.error([], 'only one of the following can be set: local, inline, remote.url')
    }
  }),
  ...etcdRules,
  ...flannelRules,
  ...updateRules
])
