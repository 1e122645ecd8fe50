/* eslint-disable no-template-curly-in-string -- a shell's variables are written so too */
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
    // Within a word a quote is a character.
    J: 'a"b c"d',
    K: 'x y'
  })
  t.same([...parseEnvironmentFile('')], [])
  t.same([...parseEnvironmentFile('A=\\')], [['A', '']])
  t.end()
})

t.test('as systemd 252 read 900 files of chance, of which these tell most apart', t => {
  const recorded: ReadonlyArray<readonly [text: string, read: Readonly<Record<string, string>>]> = [
    ["A=it's\nB=1\n", { A: "it's", B: '1' }],
    ['A=\'a"\'\t#\nB="x" "y" z \n', { A: 'a"#', B: 'xyz' }],
    ['A=a\\\r\n"b"\n', { A: 'a' }],
    ['A=one\r\nB=two\r\n', { A: 'one', B: 'two' }],
    ["A='x\\\ny'\nB=\"x\\\ny\"\n", { A: 'x\\\ny', B: 'xy' }],
    ['A=a"\\"a\nB=\\= "\n', { A: 'a""a', B: '= "' }],
    ['# comment \\\nA=1\nB=2\n', { B: '2' }],
    ['export A=1\nB =2\n C=3\n', { B: '2', C: '3' }],
    ['A="open\nB=1\n', { A: 'open\nB=1\n' }],
    ['A=$HOME ${HOME} `id` %h ; # x\n', { A: '$HOME ${HOME} `id` %h ; # x' }]
  ]
  for (const [text, read] of recorded) t.same(Object.fromEntries(parseEnvironmentFile(text)), read, JSON.stringify(text))
  t.end()
})

t.test('what is written is read back', t => {
  const values = ['', 'plain', 'a pass phrase', ' blanks ', '"quoted"', "it's", 'back\\slash', '$HOME `id`', 'two\nlines', '#no comment', 'ünïcode']
  const environment = new Map(values.map((value, n) => [`V${n}`, value]))
  t.same([...parseEnvironmentFile(formatEnvironmentFile(environment))], [...environment])
  t.equal(formatEnvironmentFile(new Map([['MATCHBOX_ADDRESS', '0.0.0.0:8080']])), 'MATCHBOX_ADDRESS=0.0.0.0:8080\n')
  t.end()
})
