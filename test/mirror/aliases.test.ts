// Which of the sources of one folder its links lead to: a table of the configuration's sources and what each owns.
import t from 'tap'
import { aliasesOf } from '../../src/mirror/aliases.js'
import { openSource } from '../../src/mirror/catalog.js'
import type { SourceConfig } from '../../src/mirror/source.js'
import { sourceConfig } from '../helpers/mirror.js'

t.test('each link belongs to one source: the first that follows its publisher, else the first that is pinned', t => {
  const flatcar = (channel: string, version?: string): Partial<SourceConfig> & Pick<SourceConfig, 'os'> => ({ os: 'flatcar', channel, ...version !== undefined && { version } })
  const rows: ReadonlyArray<readonly [string, ReadonlyArray<readonly [ReturnType<typeof flatcar>, readonly string[]]>]> = [
    ['one that follows', [[flatcar('stable'), ['stable', 'current', 'latest']]]],
    ['one that is pinned', [[flatcar('stable', '1.0.0'), ['stable', 'current', 'latest']]]],
    ['two pinned', [[flatcar('stable', '1.0.0'), ['stable', 'current', 'latest']], [flatcar('stable', '2.0.0'), []]]],
    ['what follows wins, wherever it stands', [
      [flatcar('stable', '1.0.0'), []], [flatcar('stable'), ['stable', 'current', 'latest']], [flatcar('stable', '2.0.0'), []]
    ]],
    ['a link for each channel, those of the folder for the first', [[flatcar('beta'), ['beta', 'current', 'latest']], [flatcar('stable'), ['stable']]]],
    ['a channel that only pinned ones have', [[flatcar('beta', '1.0.0'), ['beta']], [flatcar('beta', '2.0.0'), []], [flatcar('stable'), ['stable', 'current', 'latest']]]],
    ['what its publisher calls by a year', [[flatcar('lts', 'current-2023'), ['current-2023', 'lts', 'current', 'latest']]]],
    ['a year, beside the newest', [[flatcar('lts'), ['lts', 'current', 'latest']], [flatcar('lts', 'current-2023'), ['current-2023']]]],
    ['another architecture has a folder of its own', [
      [flatcar('stable'), ['stable', 'current', 'latest']], [{ ...flatcar('stable'), arch: 'arm64' }, ['stable', 'current', 'latest']]
    ]]
  ]
  for (const [what, row] of rows) {
    const sources = row.map(([config]) => openSource(sourceConfig(config)))
    t.same(sources.map(source => aliasesOf(source, sources)), row.map(([, owned]) => owned), what)
  }
  t.end()
})
