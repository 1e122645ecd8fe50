// The groups of updates while the configuration changes.
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { UpdateGroups, type UpdateGroupConfigs } from '../../src/wiring/update-groups.js'

const groupsOf = (text: string): UpdateGroupConfigs => loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`updates.groups=${text}`] }).config.updates.groups

t.test('those who listen hear of groups that are others than before, and of no others', t => {
  const [before, same, after] = ['[{ name: a, os: flatcar, channel: stable }]', '[{ name: a, os: flatcar, channel: stable }]', '[{ name: b, os: flatcar, channel: beta }]'].map(groupsOf) as [UpdateGroupConfigs, UpdateGroupConfigs, UpdateGroupConfigs]
  const groups = new UpdateGroups(before)
  const heard: UpdateGroupConfigs[] = []
  for (let n = 0; n < 2; n++) groups.onChange(now => { heard.push(now) })
  t.equal(groups.set(same), false)
  t.equal(groups.now, before)
  t.equal(groups.set(after), true)
  t.same([groups.now, heard], [after, [after, after]])
  t.equal(groups.set(after), false)
  t.equal(heard.length, 2)
  t.end()
})
