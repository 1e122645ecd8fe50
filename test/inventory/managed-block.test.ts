import t from 'tap'
import { clusterMarkers, fusionMarkers, replaceBlock } from '../../src/inventory/managed-block.js'

const markers = clusterMarkers('lab')
const replaced = (text: string, body = 'new\n', which = markers): string => replaceBlock('f', text, body, which)
const block = (body: string): string => `# BEGIN lab CLUSTER MANAGED BLOCK\n${body}# END lab CLUSTER MANAGED BLOCK\n`

t.test('only what stands between the markers is replaced', t => {
  t.equal(replaced(`a\n${block('old\nold\n')}b\n`), `a\n${block('new\n')}b\n`)
  t.equal(replaced(`a\n  ${block('')}`), `a\n${block('new\n')}`)
  t.equal(replaced(block('old\n').trimEnd()), block('new\n').trimEnd(), 'no new line at the end')
  t.equal(replaced(`${block('old\n').replaceAll('lab', 'other')}`), `${block('old\n').replaceAll('lab', 'other')}${block('new\n')}`, 'the block of another cluster')
  t.equal(replaced('a'), `a\n${block('new\n')}`)
  t.equal(replaced(''), block('new\n'))
  t.equal(replaced(replaced('a\n')), replaced('a\n'), 'twice is once')
  t.end()
})

t.test('line ends and bytes stay as they are', t => {
  t.equal(replaced(`a\xe9\r\n${block('old\n').replaceAll('\n', '\r\n')}b\r\n`), `a\xe9\r\n${block('new\n').replaceAll('\n', '\r\n')}b\r\n`)
  t.equal(replaced('a\r\n'), `a\r\n${block('new\n').replaceAll('\n', '\r\n')}`)
  t.equal(replaced('', '"é"\n'), block(Buffer.from('"é"\n').toString('latin1')))
  t.end()
})

t.test('markers that are no pair are nobody\'s to guess', t => {
  const [begin, end] = [`${markers.begin}\n`, `${markers.end}\n`]
  for (const [text, line] of [[`a\n${begin}`, 2], [end, 1], [`${end}${begin}`, 1], [`${begin}${end}${begin}${end}`, 3], [`${begin}${begin}${end}`, 2]] as const) {
    t.throws(() => replaced(text), new RegExp(`^f:${line}:1: .*mend this by hand`), JSON.stringify(text))
  }
  t.end()
})

t.test("VMware's own part is never touched", t => {
  const [start, stop] = ['###### VMNET DHCP Configuration. Start of "DO NOT MODIFY SECTION" #####\n', '####### VMNET DHCP Configuration. End of "DO NOT MODIFY SECTION" #######\n']
  const fusion = fusionMarkers('lab')
  t.equal(replaced(`${start}x\n${stop}`, 'new\n', fusion), `${start}x\n${stop}### coreos-pxe:lab:start\nnew\n### coreos-pxe:lab:end\n`)
  t.throws(() => replaced(`${start}${fusion.begin}\n${fusion.end}\n${stop}`, 'new\n', fusion), /^f:1:1: our block would stand in VMware's own part/)
  t.throws(() => replaced(`${start}x\n`, 'new\n', fusion), /^f:1:1: our block would stand in VMware's own part/, 'cut off')
  t.end()
})
