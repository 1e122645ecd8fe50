// Which line of a template made a line of what it rendered to.
import t from 'tap'
import { templateLine } from '../../src/doctor/template-lines.js'

t.test('the line that made it, or none that could be another', t => {
  const rows: ReadonlyArray<readonly [why: string, template: string, rendered: string, line: number, made: number | undefined]> = [
    ['without actions each line is its own', 'a\nb\na\n', 'a\nb\na\n', 3, 3],
    ['a line that is gone moves those behind it', '{{if .x}}\na\n{{end}}\nb', 'b', 1, 4],
    ['an action stands for anything', 'x: {{.a}}\ny: {{.b}}', 'x: 1\ny: 2', 2, 2],
    ['also for nothing', 'x{{.a}}y\nz', 'xy\nz', 1, 1],
    ['what is before it has to be there', 'x: {{.a}}\nz{{.b}}', 'y: 1\nz', 1, undefined],
    ['and what is behind it', '{{.a}}: x\n{{.b}}z', '1: y\nz', 1, undefined],
    ['what is before and what is behind are not the same letters', 'aba{{.x}}aba\nq{{.y}}', 'ababa\nq', 1, undefined],
    ['an action may come first', '{{.a}}: x\nq{{.y}}', '1: x\nq', 1, 1],
    ['and what follows it be there at once', '{{.a}}b{{.b}}c\nq{{.y}}', 'b2c\nq', 1, 1],
    ['they may touch', 'aba{{.x}}aba\nq{{.y}}', 'abaaba\nq', 1, 1],
    ['what is between actions comes in its order', 'a{{.x}}b{{.y}}c{{.z}}d\nq{{.y}}', 'a1b2c3d\nq', 1, 1],
    ['and in no other', 'a{{.x}}b{{.y}}c{{.z}}d\nq{{.y}}', 'a1c2b3d\nq', 1, undefined],
    ['each once', 'a{{.x}}b{{.y}}b{{.z}}d\nq{{.y}}', 'a1b3d\nq', 1, undefined],
    ['not in what comes last', 'a{{.x}}b{{.y}}bc\nq{{.y}}', 'abc\nq', 1, undefined],
    ['nothing but actions says too little', ' {{.a}} {{.b}}\nq{{.y}}', 'x\nq', 1, undefined],
    ['an action that goes on in the next line made nothing alone', 'a{{b\nq{{.y}}', 'a{{b\nq', 1, undefined],
    ['two that may have made it', 'x: {{.a}}\nx: {{.b}}', 'x: 1\nx: 2', 2, undefined],
    ['as often here as there: in their order', 'x\n{{.a}}\nx', 'x\ny\nx', 3, 3],
    ['the first of them', 'x\n{{.a}}\nx', 'x\ny\nx', 1, 1],
    ['more often than it is written', '{{range .l}}\nx\n{{end}}\nx', 'x\nx\nx', 2, undefined],
    ['behind the last line', '{{.a}}', 'x', 2, undefined],
    ['before the first', '{{.a}}', 'x', 0, undefined]
  ]
  for (const [why, template, rendered, line, made] of rows) t.equal(templateLine(template, rendered, line), made, why)
  t.end()
})
