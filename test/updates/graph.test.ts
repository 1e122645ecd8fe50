// The graph against what Fedora's own builder makes of the same two documents, worked out by hand.
import t from 'tap'
import { type FedoraStream, readFedoraStream } from '../../src/updates/fedora-releases.js'
import { buildGraph, pinnedEdges, rolledOut, visibleEdges, warinessOf } from '../../src/updates/graph.js'
import { group, UpdateBench } from '../helpers/update-store.js'
import { zincatiTarget } from '../helpers/update-nodes.js'

const hex = (digit: string): string => digit.repeat(64)
const release = (version: string, digit: string, more: object = {}): object => ({
  version,
  metadata: `https://builds.example.org/${version}.json`,
  commits: [{ architecture: 'x86_64', checksum: hex(digit) }, { architecture: 'aarch64', checksum: hex(digit).replace(/^./, 'f') }],
  'oci-images': [{ architecture: 'x86_64', image: 'quay.io/fedora/fedora-coreos', 'digest-ref': `quay.io/fedora/fedora-coreos@sha256:${hex(digit)}` }],
  ...more
})

const start = Date.parse('2026-11-25T00:00:00Z')
const documents = {
  releases: JSON.stringify({
    stream: 'stable',
    note: 'For use only by Fedora CoreOS internal tooling.',
    releases: [release('41.1.3.0', '1'), release('41.2.3.0', '2'), release('42.1.3.0', '3'), release('42.2.3.0', '4', { commits: [{ architecture: 'aarch64', checksum: hex('9') }], 'oci-images': [] }), release('43.1.3.0', '5'), release('43.2.3.0', '6')]
  }),
  updates: JSON.stringify({
    stream: 'stable',
    metadata: { 'last-modified': '2026-11-25T00:00:00Z' },
    releases: [
      { version: '41.1.3.0', metadata: { deadend: { reason: 'https://example.org/deadend' } } },
      { version: '42.1.3.0', metadata: { barrier: { reason: 'https://example.org/barrier' } } },
      { version: '43.1.3.0', metadata: { rollout: { start_epoch: start / 1000 - 1_000_000, start_percentage: 1.0 } } },
      { version: '43.2.3.0', metadata: { rollout: { start_epoch: start / 1000, start_percentage: 0.0, duration_minutes: 2880 } } }
    ]
  })
}
const stream: FedoraStream = readFedoraStream('stable', documents, 'test')
const graph = buildGraph(stream, { basearch: 'x86_64', oci: false })
const versions = (edges: ReadonlyArray<readonly [number, number]>): string[] =>
  edges.map(([from, to]) => `${graph.nodes[from]?.version} ${graph.nodes[to]?.version}`).sort()

t.test('nodes: only those of the architecture, counted after the others are left out', t => {
  t.same(graph.nodes.map(({ version, metadata }) => [version, metadata['org.fedoraproject.coreos.releases.age_index']]), [['41.1.3.0', '0'], ['41.2.3.0', '1'], ['42.1.3.0', '2'], ['43.1.3.0', '3'], ['43.2.3.0', '4']])
  t.ok(graph.nodes.every(({ metadata }) => Object.values(metadata).every(value => typeof value === 'string')))
  t.match(graph.nodes[4], {
    payload: hex('6'),
    metadata: {
      'org.fedoraproject.coreos.scheme': 'checksum',
      'org.fedoraproject.coreos.updates.rollout': 'true',
      'org.fedoraproject.coreos.updates.start_epoch': String(start / 1000),
      'org.fedoraproject.coreos.updates.start_value': '0',
      'org.fedoraproject.coreos.updates.duration_minutes': '2880'
    }
  })
  const oci = buildGraph(stream, { basearch: 'x86_64', oci: true })
  t.match(oci.nodes[0], { payload: `quay.io/fedora/fedora-coreos@sha256:${hex('1')}`, metadata: { 'org.fedoraproject.coreos.scheme': 'oci' } })
  t.equal(buildGraph(stream, { basearch: 'aarch64', oci: false }).nodes.length, 6)
  t.same(buildGraph(stream, { basearch: 's390x', oci: false }), { nodes: [], edges: [], rollouts: new Map() })
  t.end()
})

t.test('edges: to rollouts and barriers, from the barrier before, and out of no dead end', t => {
  t.same(versions(graph.edges), ['41.2.3.0 42.1.3.0', '42.1.3.0 43.1.3.0', '42.1.3.0 43.2.3.0', '43.1.3.0 43.2.3.0'])
  t.end()
})

t.test('a rollout: nobody before it, all after it, by wariness between', t => {
  const [, rollout] = [...graph.rollouts].at(-1)!
  const hour = 3_600_000
  const shares = [[-1, 0], [0, 0], [12 * hour, 0.25], [24 * hour, 0.5], [48 * hour, 1], [480 * hour, 1]] as const
  for (const [time, share] of shares) t.equal(rolledOut(rollout, start + time), share, String(time / hour))
  t.equal(rolledOut({ startEpoch: 0, startValue: 0.3, minutes: undefined }, start), 0.3, 'without an end it stays')
  const sees = (wariness: number, time: number): boolean => versions(visibleEdges(graph, wariness, start + time)).includes('43.1.3.0 43.2.3.0')
  t.same([sees(0.5, -1), sees(0, 0), sees(0.001, 0), sees(0.5, 24 * hour), sees(0.51, 24 * hour), sees(1, 48 * hour)], [false, true, false, true, false, true])
  t.same([warinessOf('0.500000', ''), warinessOf('7', ''), warinessOf('-1', ''), warinessOf('', '')], [0.5, 1, 0, 1])
  const own = warinessOf('', 'c988d2509fdf4cdcbed39037c56406fb')
  t.ok(own > 0 && own <= 1 && own === warinessOf('nonsense', 'c988d2509fdf4cdcbed39037c56406fb'), 'one of its own, always the same')
  const nodes = Array.from({ length: 2000 }, (_, i) => warinessOf('', i.toString(16).padStart(32, '0')))
  t.ok(Math.abs(nodes.filter(value => value <= 0.25).length / nodes.length - 0.25) < 0.04, 'spread evenly')
  t.end()
})

t.test('a group that is pinned goes through the barrier, and no further', t => {
  t.same(versions(pinnedEdges(graph, '43.1.3.0')), ['41.2.3.0 42.1.3.0', '42.1.3.0 43.1.3.0'])
  t.same(versions(pinnedEdges(graph, '41.2.3.0')), [], 'out of a dead end neither')
  t.same(pinnedEdges(graph, '99.1.3.0'), [])
  t.end()
})

t.test('documents that are none', t => {
  const refuse = (texts: Partial<typeof documents>, message: RegExp, name = 'stable'): void => {
    t.throws(() => readFedoraStream(name, { ...documents, ...texts }, 'here'), { code: 'image_metadata_invalid', message })
  }
  refuse({ releases: '{' }, /^here \(releases\): /)
  refuse({ updates: '{"stream":"stable","releases":[{"version":4}]}' }, /^here \(updates\): releases\.0\.version: /)
  refuse({}, /it is of the stream "stable", not next/, 'next')
  refuse({ releases: JSON.stringify({ stream: 'stable', releases: Array.from({ length: 5001 }, () => release('1', '1')) }) }, /more than 5000/)
  t.end()
})

t.test('groups: pinned, paused and a few at a time; others get what Fedora says', async t => {
  const now = Date.parse('2026-11-28T00:00:00Z')
  const bench = new UpdateBench([group({ os: 'fedora-coreos', channel: undefined }), group({ name: 'held', os: 'fedora-coreos', channel: undefined, version: '43.1.3.0' })], [], { fedora: name => name === 'stable' ? stream : undefined })
  bench.clock.advance(now - bench.clock.now())
  const query = { stream: 'stable', basearch: 'x86_64', oci: false, version: '43.1.3.0', checksum: hex('5'), group: 'workers', nodeId: 'a'.repeat(32), platform: 'metal', wariness: '0' }
  const goesTo = async (more: Partial<typeof query>): Promise<string | undefined> => zincatiTarget((await bench.updates.answerGraph({ ...query, ...more }, '10.0.0.1'))!, more.checksum ?? query.checksum)
  t.equal(await goesTo({}), '43.2.3.0')
  t.equal(await goesTo({ nodeId: 'b'.repeat(32) }), undefined, 'the period has one')
  t.equal(await goesTo({}), '43.2.3.0', 'a grant is repeated')
  t.equal(await goesTo({ nodeId: 'b'.repeat(32), group: 'default' }), '43.2.3.0', 'nobody limits who is of no group of ours')
  t.equal(await goesTo({ version: '43.2.3.0', checksum: hex('6') }), undefined)
  t.match(bench.updates.state.instances.get('a'.repeat(32)), { status: 'complete', version: '43.2.3.0', previousVersion: '43.1.3.0', os: 'fedora-coreos' })
  bench.clock.advance(1_000_000)
  await bench.updates.pause('workers')
  t.equal(await goesTo({ nodeId: 'b'.repeat(32) }), undefined)
  await bench.updates.resume('workers')
  t.equal(await goesTo({ nodeId: 'b'.repeat(32) }), '43.2.3.0')
  t.equal(await goesTo({ nodeId: 'c'.repeat(32), group: 'held', version: '42.1.3.0', checksum: hex('3') }), '43.1.3.0')
  t.equal(await goesTo({ nodeId: 'd'.repeat(32), group: 'held' }), undefined)
  t.equal(await goesTo({ nodeId: 'e'.repeat(32), checksum: hex('7') }), undefined, 'a release that is not in the graph leads nowhere')
  t.equal(await bench.updates.answerGraph({ ...query, stream: 'next' }, '10.0.0.1'), undefined)
})
