// Lists of many machines: what is read takes work that grows with it, and nothing ends at some number.
import t from 'tap'
import { joinLists } from '../../src/inventory/join.js'
import { readers } from '../../src/inventory/recognise.js'
import { formats, sample } from '../helpers/list-samples.js'
import { sourceOf } from '../helpers/lists.js'
import { growth, muchGrowth } from '../helpers/work.js'

for (const format of formats) {
  t.test(`${format}: a hundred thousand machines take what a hundred thousand take`, t => {
    const [little, much] = [sourceOf(sample(format, 1000)), sourceOf(sample(format, 8000))]
    const factor = growth(size => { joinLists([readers[format](size === 1000 ? little : much)]) }, 1000)
    t.ok(factor < muchGrowth, factor.toFixed(1))
    const all = readers[format](sourceOf(sample(format, 100_000)))
    t.equal(format === 'mayu' ? all.hosts[0]?.macs.length : all.hosts.length, 100_000)
    t.end()
  })
}
