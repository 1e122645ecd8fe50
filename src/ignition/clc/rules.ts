// What ct itself asks of a Container Linux Config, before it is turned into an Ignition config and checked as such.
import { errorIf, rule, warningRemark } from '../validate.js'
import { etcdRules } from './etcd.js'
import { flannelRules } from './flannel.js'
import { directory, file, fileContents } from './schema.js'
import { updateRules } from './update.js'
import type { Rule } from '../validate.js'

export const clcRules: readonly Rule[] = [
  rule(file, {
    fields: { mode: ({ mode }) => mode === undefined ? [warningRemark('mode unspecified for file, defaulting to 0644')] : [] }
  }),
  rule(directory, {
    fields: { mode: ({ mode }) => mode === undefined ? [warningRemark('mode unspecified for directory, defaulting to 0755')] : [] }
  }),
  rule(fileContents, {
    whole: ({ remote, inline, local }) => errorIf([remote.url, inline, local].filter(source => source !== '').length > 1,
      'only one of the following can be set: local, inline, remote.url')
  }),
  ...etcdRules,
  ...flannelRules,
  ...updateRules
]
