// Small changes to a source file of which a test should notice each one: comparisons, bounds, booleans, calls left out.
import ts from 'typescript'

export interface Mutation {
  /** What is replaced, and by what. */
  readonly start: number
  readonly end: number
  readonly text: string
  /** The change in words, and where. */
  readonly what: string
  readonly line: number
}

const operators: Readonly<Record<string, string>> = {
  '<': '<=', '<=': '<', '>': '>=', '>=': '>', '===': '!==', '!==': '===', '&&': '||', '||': '&&', '+': '-', '-': '+', '*': '/', '%': '*'
}

/** Calls without which a file would still type-check, and lose a promise: syncs, closes, cancels, deletes. */
const droppable = /\.(?:sync|datasync|close|cancel|delete|clear|end|destroy|push|add)\(|^(?:syncFolder|unlink|rm)\(/

export function mutationsOf (name: string, source: string): Mutation[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true)
  const found: Mutation[] = []
  const add = (start: number, end: number, text: string): void => {
    const { line } = file.getLineAndCharacterOfPosition(start)
    found.push({ start, end, text, line: line + 1, what: `${source.slice(start, end).split('\n', 1)[0]} -> ${text === '' ? 'nothing' : text}` })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return
    if (ts.isBinaryExpression(node)) {
      const { operatorToken: token } = node
      const other = operators[token.getText()]
      // Text is joined by + as well: without its sense there is nothing to notice.
      const isText = token.kind === ts.SyntaxKind.PlusToken && /['"`]/.test(node.getText())
      if (other !== undefined && !isText) add(token.getStart(), token.end, other)
    } else if (ts.isNumericLiteral(node) && /^\d+$/.test(node.text)) add(node.getStart(), node.end, String(Number(node.text) + 1))
    else if (node.kind === ts.SyntaxKind.TrueKeyword) add(node.getStart(), node.end, 'false')
    else if (node.kind === ts.SyntaxKind.FalseKeyword) add(node.getStart(), node.end, 'true')
    else if (ts.isAwaitExpression(node)) add(node.getStart(), node.expression.getStart(), '')
    if (ts.isExpressionStatement(node) && droppable.test(node.getText())) add(node.getStart(), node.end, '')
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}
