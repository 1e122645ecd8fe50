// A text as a YAML document, with a bound on nesting: the composer recurses, and V8 ends the whole process where the stack runs out while
// it compiles a regular expression.
import { Composer, type CST, type Document, LineCounter, Parser, YAMLParseError } from 'yaml'

export const mostLevels = 100

/** Each message would end with an excerpt of its line, which a line of a hundred thousand quotation marks has as often. */
const plainErrors = { prettyErrors: false } as const

/** What is wrong is among its errors, with offsets. */
export function yamlDocument (text: string, lines = new LineCounter()): Document {
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  const deep = tooDeep(tokens)
  if (deep !== undefined) {
    const document = yamlDocument('')
    document.errors.push(new YAMLParseError([deep, deep + 1], 'BAD_COLLECTION_TYPE', `maps and lists lie in one another more than ${mostLevels} times`))
    return document
  }
  const [document, another] = new Composer(plainErrors).compose(tokens, true, text.length)
  if (another !== undefined) {
    const [from, to] = another.range
    document!.errors.push(new YAMLParseError([from, to], 'MULTIPLE_DOCS', 'expected one document'))
  }
  return document!
}

/** Where the first stands that lies too deep; without calls that go down themselves. */
function tooDeep (tokens: readonly CST.Token[]): number | undefined {
  let level: readonly CST.Token[] = tokens.flatMap(token => token.type === 'document' && token.value !== undefined ? [token.value] : [])
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > mostLevels) return level[0]!.offset
    level = level.flatMap(token => 'items' in token ? token.items.flatMap(({ key, value }) => [key, value].filter(part => part != null && 'items' in part) as CST.Token[]) : [])
  }
  return undefined
}
