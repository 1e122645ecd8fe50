// Many changes to a source at once, each behind a switch: `a < b` becomes `($mutant(7) ? a <= b : a < b)`, and which of them is in force is
// said when the source is run. One text is compiled then for all of them. A change to a condition stands around the whole of it, as
// operators bind otherwise once one of them is another: each branch is the text that the change alone would have made.
import ts from 'typescript'
import type { Mutation } from './mutations.js'

export interface SwitchedSource {
  readonly text: string
  /** Places in the list of those for which there is no switch: they are tried by themselves. */
  readonly left: ReadonlySet<number>
}

/** `$mutant(n)` says whether the change with that number is in force; `numberOf` numbers them by their place in `mutations`. */
export function switched (
  name: string, source: string, mutations: readonly Mutation[], numberOf: (place: number) => number
): SwitchedSource {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true)
  const anchored = new Map<ts.Node, number[]>()
  const left = new Set<number>()
  for (const [place, { start, end }] of mutations.entries()) {
    const anchor = anchorOf(file, start, end)
    if (anchor === undefined) left.add(place)
    else anchored.set(anchor, [...anchored.get(anchor) ?? [], place])
  }
  const changed = (node: ts.Node, place: number): string => {
    const { start, end, text } = mutations[place]!
    return source.slice(node.getStart(), start) + text + source.slice(end, node.end)
  }
  const emit = (node: ts.Node): string => {
    let text = ''
    let from = node.getStart()
    ts.forEachChild(node, child => {
      // A child that the parser made up, or a type, is copied with what is around it.
      if (child.getStart() < from || ts.isTypeNode(child)) return
      text += source.slice(from, child.getStart()) + emit(child)
      from = child.end
    })
    text += source.slice(from, node.end)
    for (const place of anchored.get(node) ?? []) text = withSwitch(node, numberOf(place), changed(node, place), text)
    return text
  }
  return { text: source.slice(0, file.getStart()) + emit(file), left }
}

function withSwitch (node: ts.Node, number: number, changed: string, text: string): string {
  if (ts.isNumericLiteral(node) && isName(node)) return `[$mutant(${number}) ? ${changed} : ${bare(text)}]`
  if (ts.isExpression(node)) {
    // Where no semicolon ends the line before, a bracket would go on with it.
    const within = node.parent.parent
    const isAmongOthers = ts.isBlock(within) || ts.isSourceFile(within) || ts.isCaseOrDefaultClause(within)
    const isFirst = ts.isExpressionStatement(node.parent) && isAmongOthers
    return `${isFirst ? ';' : ''}($mutant(${number}) ? ${changed} : ${text.replace(/^;/, '')})`
  }
  // A statement that is gone, or does nothing.
  return `{ if ($mutant(${number})) ${changed === ';' ? '{}' : changed} else { ${text} } }`
}

/** Of a key that has a switch already. */
const bare = (text: string): string => text.startsWith('[') ? text.slice(1, -1) : text

/** Of a property, in an object or in a pattern. */
function isName (node: ts.Node): boolean {
  const { parent } = node
  if (ts.isBindingElement(parent)) return parent.propertyName === node
  return (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent)) && parent.name === node
}

/** The smallest expression or statement that can be there in two ways. */
function anchorOf (file: ts.SourceFile, start: number, end: number): ts.Node | undefined {
  let node: ts.Node = file
  for (let inner: ts.Node | undefined = file; inner !== undefined;) {
    node = inner
    inner = ts.forEachChild(node, child => child.getStart() <= start && end <= child.end ? child : undefined)
  }
  // What begins and ends alike: an expression and the statement that is nothing else.
  while (!ts.isExpression(node) && !ts.isStatement(node)) {
    if (node.parent === undefined) return undefined
    node = node.parent
  }
  if (ts.isSourceFile(node)) return undefined
  if (!ts.isExpression(node)) {
    // What a statement declares is there for those after it.
    return node.getStart() === start && node.end === end && !ts.isVariableStatement(node) ? node : undefined
  }
  if (ts.isExpressionStatement(node.parent) && node.parent.getStart() === start && node.parent.end === end) return node.parent
  // What stands behind a dot is no expression by itself.
  if (ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) node = node.parent
  while (ts.isBinaryExpression(node.parent) && !isAssignment(node.parent) && !isAssignment(node)) node = node.parent
  return node
}

function isAssignment (node: ts.Node): boolean {
  const { FirstAssignment, LastAssignment } = ts.SyntaxKind
  return ts.isBinaryExpression(node) && node.operatorToken.kind >= FirstAssignment && node.operatorToken.kind <= LastAssignment
}
