import t from 'tap'
import { didYouMean, nearest } from '../../src/base/nearest.js'

t.test('the word that was meant', t => {
  const known = ['selector', 'profile', 'metadata', 'id', 'name']
  for (const [word, meant] of [
    ['selectors', 'selector'], ['Selector', 'selector'], ['slector', 'selector'], ['seletcor', 'selector'], ['metdata', 'metadata'], ['nmae', 'name'],
    ['labels', undefined], ['selector', undefined], ['ip', undefined], ['di', undefined], ['', undefined], ['s'.repeat(65), undefined]
  ] as const) t.equal(nearest(word, known), meant, word)
  t.equal(nearest('lod', ['load', 'log']), 'load', 'the first of those that are as near')
  t.equal(didYouMean('chek', ['check']), '; did you mean "check"?')
  t.equal(didYouMean('dance', ['check']), '')
  t.end()
})
