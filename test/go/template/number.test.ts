// Number and character literals, as the template that prints them sees them.
import t from 'tap'
import { renderBrief } from '../../helpers/render-template.js'

const values: ReadonlyArray<readonly [literal: string, type: string, printed: string]> = [
  ['0', 'int', '0'], ['-0', 'int', '0'], ['+5', 'int', '5'], ['-7', 'int', '-7'], ['1_000', 'int', '1000'], ['017', 'int', '15'], ['0_17', 'int', '15'], ['0o17', 'int', '15'], ['0O17', 'int', '15'],
  ['0b101', 'int', '5'], ['0B_1', 'int', '1'], ['0xFF', 'int', '255'], ['0X_f', 'int', '15'], ['0xe', 'int', '14'], ['-0x10', 'int', '-16'],
  ['9223372036854775807', 'int', '9223372036854775807'], ['-9223372036854775808', 'int', '-9223372036854775808'],
  ['-0xe', 'float64', '-14'], ['+0xE', 'float64', '14'], ['1e3', 'float64', '1000'], ['1E3', 'float64', '1000'], ['.5', 'float64', '0.5'], ['5.', 'float64', '5'], ['-0.0', 'float64', '-0'],
  ['1e6', 'float64', '1e+06'], ['1e-7', 'float64', '1e-07'], ['08.5', 'float64', '8.5'], ['1_0.2_5', 'float64', '10.25'], ['0x1p-2', 'float64', '0.25'], ['0x1.8p1', 'float64', '3'], ['-0x.8p0', 'float64', '-0.5'], ['0x1p4', 'float64', '16'],
  ['1e-999', 'float64', '0'], ['18446744073709551616.0', 'float64', '1.8446744073709552e+19'],
  ['1i', 'complex128', '(0+1i)'], ['0i', 'complex128', '(0+0i)'], ['1.5e3i', 'complex128', '(0+1500i)'], ['1+2i', 'complex128', '(1+2i)'], ['-1.5-2e1i', 'complex128', '(-1.5-20i)'], ['0x1p1+1i', 'complex128', '(2+1i)'],
  ["'a'", 'int', '97'], ["'\\n'", 'int', '10'], ["'\\''", 'int', '39'], ["'\"'", 'int', '34'], ["'\\x41'", 'int', '65'], ["'\\377'", 'int', '255'], ["'世'", 'int', '19990'], ["'\\U0001F680'", 'int', '128640'], ["'e'", 'int', '101']
]
for (const [literal, type, printed] of values) t.equal(renderBrief(`{{printf "%T" ${literal}}} {{${literal}}}`), `${type} ${printed}`, literal)

const refused: ReadonlyArray<readonly [literal: string, message: string]> = [
  ['08', 'integer overflow: "08"'], ['18446744073709551616', 'integer overflow: "18446744073709551616"'], ['0x1.8', 'illegal number syntax: "0x1.8"'], ['1e999', 'illegal number syntax: "1e999"'],
  ['1__0', 'illegal number syntax: "1__0"'], ['1_', 'illegal number syntax: "1_"'], ['1_.5', 'illegal number syntax: "1_.5"'], ['0x', 'illegal number syntax: "0x"'], ['0b', 'illegal number syntax: "0b"'], ['-', 'illegal number syntax: "-"'],
  ['1e', 'illegal number syntax: "1e"'], ['0x1p', 'illegal number syntax: "0x1p"'], ['1a', 'bad number syntax: "1a"'], ['0b2', 'bad number syntax: "0b2"'], ['0o8', 'bad number syntax: "0o8"'],
  ['0xg', 'bad number syntax: "0xg"'], ['1+2', 'bad number syntax: "1+2"'], ['1i+2i', 'syntax error scanning complex number'], ["''", 'invalid syntax'], ["'ab'", "malformed character constant: 'ab'"], ["'\\\"'", 'invalid syntax'],
  ["'\\ud800'", 'invalid syntax'], ["'a", 'unterminated character constant']
]
for (const [literal, message] of refused) t.equal(renderBrief(`{{${literal}}}`), `error: 1: ${message}`, literal)

t.equal(renderBrief('{{if false}}{{9223372036854775808}}{{end}}'), '', 'only running it overflows')
t.equal(renderBrief('{{9223372036854775808}}'), 'error: 1:2: 9223372036854775808 overflows int')
t.equal(renderBrief(`{{${'1'.repeat(100_000)}}}`).slice(0, 40), 'error: 1: illegal number syntax: "111111')
