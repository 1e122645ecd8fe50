// printf and, through it, format.ts, print.ts and float.ts: one row for each rule of Go's package fmt.
import t from 'tap'
import { render } from '../../helpers/render-template.js'

const data = {
  list: ['a', 'b'],
  numbers: [1, 2.5],
  map: { b: 1, a: 'x' },
  nil: null,
  nils: [null],
  third: 1 / 3,
  tiny: 5e-324,
  max: 1.7976931348623157e308,
  minusZero: -0,
  sub: 1e-323
}

const rows: ReadonlyArray<readonly [call: string, output: string]> = [
  // strings
  ['"%08q" "abc"', '000"abc"'], ['"%5s" "abc"', '  abc'], ['"%2s" "☺"', ' ☺'], ['"%-5s|" "abc"', 'abc  |'], ['"%05s" "abc"', '00abc'],
  ['"%0-5s|" "abc"', 'abc  |'], ['"%-05s|" "abc"', 'abc  |'], ['"%.5s" "日本語日本語"', '日本語日本'], ['"%.0s" "日"', ''], ['"%.3x" "日本語日本語"', 'e697a5'],
  ['"%.1q" "日本語"', '"日"'], ['"%10.1q" "日本語"', '       "日"'], ['"%.10s" "ab"', 'ab'], ['"%x" ""', ''], ['"%5x|" ""', '     |'],
  ['"%x" "hello"', '68656c6c6f'], ['"% X" "hi"', '68 69'], ['"%#x" "hi"', '0x6869'], ['"%# X" "hi"', '0X68 0X69'],
  ['"%010x" "\\xab\\xcd"', '000000abcd'], ['"%#010x" "\\xab\\xcd"', '00000xabcd'], ['"% -010X|" "\\xab"', 'AB        |'],
  ['"%q" "a\\tb\\x00\\u200b"', '"a\\tb\\x00\\u200b"'], ['"%+q" "☺é"', '"\\u263a\\u00e9"'], ['"%+q" "🚀"', '"\\U0001f680"'], ['"%q" "\\xff"', '"\\xff"'],
  ['"%#q" "a\\"b"', '`a"b`'], ['"%#q" "a`b"', '"a`b"'], ['"%#q" "\\t\\n"', '"\\t\\n"'], ['"%#+q" "☺"', '`☺`'], ['"%v" "a"', 'a'], ['"%#v" "a"', '"a"'],
  ['"%d" "a"', '%!d(string=a)'], ['"%5t" "a"', '%!t(string=    a)'], ['"%c" "a"', '%!c(string=a)'],
  // integers
  ['"%d|%5d|%-5d|%05d" 42 42 42 42', '42|   42|42   |00042'], ['"%+d|% d|%+d" 42 42 -42', '+42| 42|-42'], ['"%.3d|%.0d|%6.0d|%06.0d" 7 0 0 0', '007||      |      '], ['"%.3d|%.0d|%.1d" 0 7 0', '000|7|0'],
  ['"%20.8d" 1234', '            00001234'], ['"%020.8d" -1234', '           -00001234'], ['"%-#20.8x|" 19088743', '0x01234567          |'],
  ['"%b|%#b|%b" 7 7 -7', '111|0b111|-111'], ['"%o|%#o|%O|%#O" 8 8 8 8', '10|010|0o10|0o010'], ['"%x|%X|%#x|%#X|%x" 255 255 255 255 -42', 'ff|FF|0xff|0XFF|-2a'],
  ['"%#08x|%+#.3o" 255 8', '0x000000ff|+010'], ['"%d" 9223372036854775807', '9223372036854775807'], ['"%c|%5c|%-3c|" 65 8984 65', 'A|    ⌘|A  |'], ['"%c%c" -1 0x110000', '��'],
  ['"%q|%+q|%q|%q" 65 8984 10 0x110000', "'A'|'\\u2318'|'\\n'|'�'"], ['"%U|%#U|%#U|%.6U" 8984 8984 7 65', "U+2318|U+2318 '⌘'|U+0007|U+000041"],
  ['"%#14.6U|%#-14.6U|" 8984 8984', "  U+002318 '⌘'|U+002318 '⌘'  |"], ['"%U" -1', 'U+FFFFFFFFFFFFFFFF'], ['"%v|%#v|%T" 1 1 1', '1|1|int'],
  ['"%s|%t|%f|%e|%g|%p" 1 1 1 1 1 1', '%!s(int=1)|%!t(int=1)|%!f(int=1)|%!e(int=1)|%!g(int=1)|%!p(int=1)'],
  // a byte of a string
  ['"%d %v %c %x %#v %T %s" (index "a" 0) (index "a" 0) (index "a" 0) (index "a" 0) (index "a" 0) (index "a" 0) (index "a" 0)', '97 97 a 61 0x61 uint8 %!s(uint8=97)'],
  // floats
  ['"%e|%E|%.2e|%.0e" 1234.5678 1234.5678 1234.5678 2.5', '1.234568e+03|1.234568E+03|1.23e+03|2e+00'], ['"%f|%F|%.2f|%8.2f|%-8.2f|" 1.5 1.5 1.005 3.14159 3.14159', '1.500000|1.500000|1.00|    3.14|3.14    |'],
  ['"%.0f %.0f %.0f %.1f" 0.5 1.5 2.5 0.25', '0 2 2 0.2'], ['"%.0f %.2f %.3f" 0.51 0.001 0.0006', '1 0.00 0.001'], ['"%.1f %.0f" 9.96 99.6', '10.0 100'],
  ['"%g|%g|%g|%g|%G" 100000.0 1000000.0 1e21 1e-5 1e-5', '100000|1e+06|1e+21|1e-05|1E-05'], ['"%.3g|%.3g|%.10g|%.0g" 1234.5678 0.00012345 100000.0 15.0', '1.23e+03|0.000123|100000|2e+01'],
  ['"%+.3g|%+.3e|% .3f" 0.0 0.0 1.0', '+0|+0.000e+00| 1.000'], ['"%+07.2f|%07.2f|%-07.2f|" 1.0 -1.0 -1.0', '+001.00|-001.00|-1.00  |'], ['"%+010.2f|% 07.2f" -1.0 1.0', '-000001.00| 001.00'],
  ['"%.20f" .third', '0.33333333333333331483'], ['"%.25g" 0.1', '0.1000000000000000055511151'], ['"%v %g %.3e" .tiny .max .tiny', '5e-324 1.7976931348623157e+308 4.941e-324'], ['"%v %d" .minusZero .minusZero', '-0 %!d(float64=-0)'],
  ['"%x|%X|%.1x|%.0x|%.3x|%x" 3.5 3.5 3.7 1.5 1.0 0.0', '0x1.cp+01|0X1.CP+01|0x1.ep+01|0x1p+01|0x1.000p+00|0x0p+00'], ['"%b %b" 1.0 .tiny', '4503599627370496p-52 1p-1074'], ['"%x %x" 1e300 .tiny', '0x1.7e43c8800759cp+996 0x1p-1074'],
  ['"%#g|%#g|%#g|%#g|%#g" -1.0 1.1 123456.0 1234567.0 0.0', '-1.00000|1.10000|123456.|1.234567e+06|0.00000'], ['"%#.0f|%#.0e|%#.0g|%#.4g|%#.4g" 1.0 1.0 1100000.0 1.0 100000.0', '1.|1.e+00|1.e+06|1.000|1.000e+05'],
  ['"%#.0x|%#.4x|%#g" 123.0 1.0 .sub', '0x1.p+07|0x1.0000p+00|1.00000e-323'], ['"%#v|%#v|%+v" 1.0 1e6 1.5', '1|1e+06|1.5'], ['"%s|%c|%U|%t|%q|%o" 1.5 1.5 1.5 1.5 1.5 1.5', '%!s(float64=1.5)|%!c(float64=1.5)|%!U(float64=1.5)|%!t(float64=1.5)|%!q(float64=1.5)|%!o(float64=1.5)'],
  // complex numbers, of literals alone
  ['"%v|%.1f|%+.3g|%7.2f|%+07.2f|%d|%T" 1i 1+2i 1+2i 1+2i -1-2i 1i 1i', '(0+1i)|(1.0+2.0i)|(+1+2i)|(   1.00  +2.00i)|(-001.00-002.00i)|%!d(complex128=(0+1i))|complex128'],
  // booleans and nil
  ['"%t|%v|%6t|%-6t|%06t" true false true false true', 'true|false|  true|false |00true'], ['"%s %d %#v %T" true true true true', '%!s(bool=true) %!d(bool=true) true bool'],
  ['"%v|%8v|%s|%d|%T|%q" nil nil nil nil nil .nil', '<nil>|   <nil>|%!s(<nil>)|%!d(<nil>)|<nil>|%!q(<nil>)'], ['"%v %d %#v" .nils .nils .nils', '[<nil>] [<nil>] []interface {}{interface {}(nil)}'],
  // lists and maps
  ['"%v|%s|%q|%5s|%x" .list .list .list .list .list', '[a b]|[a b]|["a" "b"]|[    a     b]|[61 62]'], ['"%d|%.1f|%5v" .numbers .numbers .numbers', '[%!d(float64=1) %!d(float64=2.5)]|[1.0 2.5]|[    1   2.5]'],
  ['"%v|%s|%#v|%T" .map .map .map .map', 'map[a:x b:1]|map[a:x b:%!s(float64=1)]|map[string]interface {}{"a":"x", "b":1}|map[string]interface {}'], ['"%#v %T" .list .list', '[]interface {}{"a", "b"} []interface {}'],
  ['"%w|%w" "a" .list', '%!w(string=a)|%!w([]interface {}=[a b])'],
  // the format itself
  ['"%%|%5%|%-5.2%"', '%|%|%'], ['"%d"', '%!d(MISSING)'], ['"%d %d" 1', '1 %!d(MISSING)'], ['"%!"', '%!!(MISSING)'], ['"%! "', '%!!(MISSING) '], ['"a%"', 'a%!(NOVERB)'], ['"%-.2" 1', '%!(NOVERB)%!(EXTRA int=1)'],
  ['"" nil 2 "a"', '%!(EXTRA <nil>, int=2, string=a)'], ['"%d" 1 .list', '1%!(EXTRA []interface {}=[a b])'], ['"%z %☺" 1 2', '%!z(int=1) %!☺(int=2)'], ['"%\\xff" 1', '%!�(int=1)'],
  ['"%*d|%-*d|%*d" 5 1 5 1 -5 1', '    1|1    |1    '], ['"%.*f|%*.*f" 2 1.0 8 3 1.0', '1.00|   1.000'], ['"%*d|%*d" "a" 1 1.5 2', '%!(BADWIDTH)1|%!(BADWIDTH)2'], ['"%.*d|%.*d" -1 1 "a" 2', '%!(BADPREC)1|%!(BADPREC)2'],
  ['"%*d" 1000001 1', '%!(BADWIDTH)1'], ['"%*d" (index "\\x05" 0) 1', '    1'], ['"%*"', '%!(BADWIDTH)%!(NOVERB)'], ['"%017091901790959340919092959340919017929593813360" 0', '%!(NOVERB)%!(EXTRA int=0)'],
  ['"%[2]d %[1]d" 1 2', '2 1'], ['"%[1]d %d %[1]q" 65 66', "65 66 'A'"], ['"%[3]*.[2]*[1]f" 12.0 2 6', ' 12.00'], ['"%6.2f" 12.0', ' 12.00'], ['"%[1]*d" 5 1', '    1'],
  ['"%[5]d|%[-1]d|%[]d|%[x]d|%[0]d" 1', '%!d(BADINDEX)|%!d(BADINDEX)|%!d(BADINDEX)|%!d(BADINDEX)|%!d(BADINDEX)'], ['"%[1]" 1', '%!(NOVERB)'], ['"%[1" 1', '%!(NOVERB)'], ['"%[]" 1', '%!](BADINDEX)'], ['"%[2]2d" 1 2', '%!d(BADINDEX)'],
  ['"%.[2]d" 1 2', '2'], ['"%.[2]d" 7', '%!d(BADINDEX)'], ['"%[2]*[1]d" 2 5', '    2'], ['"%[1]d %d" 1', '1 %!d(MISSING)'], ['"%[2]d" 1 2 3', '2'], ['"%[" 1', '%!(NOVERB)']
]

for (const [call, output] of rows) t.equal(render(`{{printf ${call}}}`, data), output, call)

t.equal(render('{{printf 1}}'), 'error: template: :1:9: executing "" at <1>: expected string; found 1')
t.match(render('{{printf nil}}'), /cannot assign nil to string/)
t.match(render('{{printf .}}', [1]), /wrong type for value; expected string; found \[\]interface \{\}/)
t.match(render('{{.nil | printf}}', data), /invalid value; expected string/)
t.match(render('{{printf .nil}}', data), /expected string; found interface \{\}/)
t.equal(render('{{"%d!" | printf}} {{5 | printf "%d"}}'), '%!d(MISSING)! 5')
t.match(render('{{printf "%p" .list}}', data), /^0x[0-9a-f]+$/, 'an address: which one is nobody\'s business')
t.match(render('{{printf "%9999999d" 1}}', null, { outputBytes: 1000 }), /output is larger than 1000 bytes/)
