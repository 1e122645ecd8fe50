import t from 'tap'
import { formatEnvironmentFile, parseEnvironmentFile } from '../../src/config/environment-file.js'

t.test('as systemd reads it', t => {
  const text = [
    '# a comment', '; another', '', 'A=plain', 'B="with blanks and \\"quotes\\""', "C='verbatim \\n $x'", 'D=first \\', 'second', 'E=trailing   ', 'F= leading',
    'G="dollar \\$ tick \\` other \\n"', 'no assignment', '1X=bad name', 'H=', 'I="two', 'lines"', 'J=a"b c"d', 'K=x\\ y', 'A=last counts'
  ].join('\n')
  t.same(Object.fromEntries(parseEnvironmentFile(text)), {
    A: 'last counts',
    B: 'with blanks and "quotes"',
    C: 'verbatim \\n $x',
    D: 'first second',
    E: 'trailing',
    F: 'leading',
    G: 'dollar $ tick ` other \\n',
    H: '',
    I: 'two\nlines',
    J: 'ab cd',
    K: 'x y'
  })
  t.same([...parseEnvironmentFile('')], [])
  t.same([...parseEnvironmentFile('A=\\')], [['A', '']])
  t.end()
})

t.test('what is written is read back', t => {
  const values = ['', 'plain', 'a pass phrase', ' blanks ', '"quoted"', "it's", 'back\\slash', '$HOME `id`', 'two\nlines', '#no comment', 'ünïcode']
  const environment = new Map(values.map((value, n) => [`V${n}`, value]))
  t.same([...parseEnvironmentFile(formatEnvironmentFile(environment))], [...environment])
  t.equal(formatEnvironmentFile(new Map([['MATCHBOX_ADDRESS', '0.0.0.0:8080']])), 'MATCHBOX_ADDRESS=0.0.0.0:8080\n')
  t.end()
})
