import t from 'tap'
import { didYouMean, nearest } from '../../src/base/nearest.js'

t.test('the word that was meant', t => {
  const known = ['selector', 'profile', 'metadata', 'id', 'name']
  for (const [word, meant] of [
    ['selectors', 'selector'], ['Selector', 'selector'], ['slector', 'selector'], ['seletcor', 'selector'], ['metdata', 'metadata'], ['nmae', 'name'],
    ['labels', undefined], ['selector', undefined], ['ip', undefined], ['di', undefined], ['', undefined], ['s'.repeat(65), undefined]
  ] as const) t.equal(nearest(word, known), meant, word)
  // How many slips a word of so many letters may have.
  for (const [word, other, isNear] of [
    ['a', 'b', false], ['ab', 'ac', false], ['AB', 'ab', true], ['abc', 'abd', true], ['abc', 'abcd', true], ['abc', 'abde', false], ['abcde', 'abcdx', true], ['abcde', 'abcxy', false],
    ['abcdef', 'abcdxy', true], ['abcdef', 'abcdefgh', true], ['abcdef', 'abcd', true], ['abcdef', 'abcxyz', false], ['abcdef', 'abcdefghi', false], ['abcdef', 'badcef', true], ['abcdef', 'badcfe', false],
    [`${'a'.repeat(63)}b`, 'a'.repeat(64), true], [`${'a'.repeat(64)}b`, 'a'.repeat(65), false]
  ] as const) t.equal(nearest(word, [other]), isNear ? other : undefined, `${word} ${other}`)
  t.equal(nearest('abcdef', ['abcdxy', 'abcdex', 'abcdey']), 'abcdex', 'the nearest, and the first of those')
  t.equal(nearest('lod', ['load', 'log']), 'load', 'the first of those that are as near')
  t.equal(didYouMean('chek', ['check']), '; did you mean "check"?')
  t.equal(didYouMean('dance', ['check']), '')
  t.end()
})
