// Small changes to a source file of which a test should notice each one, found in its syntax tree. What would change nothing (an await
// that a return makes up for) or only words (text that is joined, what is logged) is none.
import ts from 'typescript'

export const mutationKinds = ['comparison', 'bound', 'logic', 'negation', 'boolean', 'return', 'await', 'call', 'sync'] as const
export type MutationKind = typeof mutationKinds[number]

export interface Mutation {
  readonly kind: MutationKind
  /** What is replaced, and by what. */
  readonly start: number
  readonly end: number
  readonly text: string
  /** The change in words, and where. */
  readonly what: string
  readonly line: number
  /** Of `start` in its line, from 0. */
  readonly column: number
}

const comparisons: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '===': '!==', '!==': '===' }
const logic: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' }
const arithmetic: Readonly<Record<string, string>> = { '+': '-', '-': '+', '*': '/', '%': '*' }

/** Statements without which something stays open, held or listened to. */
const givingBack =
  /^(?:await )?[\w.#?!()[\]]*\b(?:close|cancel|clear|delete|end|destroy|abort|release|dispose|stop|off|removeListener|unlink|rm|push|add|set)\(/
const syncing = /^(?:await )?(?:[\w.#?]+\.(?:sync|datasync)|syncFolder|fsyncSync|fdatasyncSync)\(/
/** What forces a file to disk, and the same without that. */
const unsynced: Readonly<Record<string, string>> = {
  writeFileAtomic: "((path, data, options) => import('node:fs/promises').then(fs => fs.writeFile(path, data, options)))",
  removeFile: "(path => import('node:fs/promises').then(fs => fs.rm(path, { force: true })))"
}

export function mutationsOf (name: string, source: string): Mutation[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true)
  const found: Mutation[] = []
  const add = (kind: MutationKind, start: number, end: number, text: string): void => {
    const { line, character: column } = file.getLineAndCharacterOfPosition(start)
    found.push({ kind, start, end, text, line: line + 1, column, what: `${source.slice(start, end).split('\n', 1)[0]} -> ${text === '' ? 'nothing' : text}` })
  }
  const replace = (kind: MutationKind, node: ts.Node, text: string): void => { add(kind, node.getStart(), node.end, text) }
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || isLogging(node)) return
    if (ts.isBinaryExpression(node)) changeOperator(node, add)
    else if (ts.isNumericLiteral(node)) {
      if (/^[\d_]+$/.test(node.getText())) replace('bound', node, String(otherBound(Number(node.text))))
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) replace('boolean', node, 'false')
    else if (node.kind === ts.SyntaxKind.FalseKeyword) replace('boolean', node, 'true')
    else if (ts.isAwaitExpression(node) && !isReturned(node)) {
      // Where nothing is made of the value the linter would find that nobody waits; `void` tells it that nobody is to.
      add('await', node.getStart(), node.expression.getStart(), ts.isExpressionStatement(node.parent) ? 'void ' : '')
    } else if (ts.isIfStatement(node) || ts.isWhileStatement(node)) replace('negation', node.expression, `!(${node.expression.getText()})`)
    else if (ts.isConditionalExpression(node)) replace('negation', node.condition, `!(${node.condition.getText()})`)
    else if (ts.isIdentifier(node) && node.text === 'O_DSYNC') replace('sync', node, 'O_RDWR')
    else if (ts.isCallExpression(node) && Object.hasOwn(unsynced, node.expression.getText())) replace('sync', node.expression, unsynced[node.expression.getText()]!)
    if (ts.isIfStatement(node) && node.elseStatement === undefined && leaves(node.thenStatement)) replace('return', node.thenStatement, '{}')
    if (ts.isExpressionStatement(node)) {
      if (syncing.test(node.getText())) replace('sync', node, ';')
      else if (givingBack.test(node.getText())) replace('call', node, ';')
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** One more or less is noticed of a count; of a time or a size in octets, twice as much is. */
const otherBound = (n: number): number => n >= 1000 ? 2 * n : n + 1

function changeOperator (node: ts.BinaryExpression, add: (kind: MutationKind, start: number, end: number, text: string) => void): void {
  const { operatorToken: token } = node
  const sign = token.getText()
  const to = (kind: MutationKind, other: string | undefined): void => {
    if (other !== undefined) add(kind, token.getStart(), token.end, other)
  }
  to('comparison', comparisons[sign])
  to('logic', logic[sign])
  // Text is joined by + as well: without its sense there is nothing to notice.
  if (!(sign === '+' && /['"`]/.test(node.getText()))) to('bound', arithmetic[sign])
}

/** Awaited for nothing but what is returned, where neither a `catch` nor a `finally` hears how it ends. */
function isReturned (node: ts.AwaitExpression): boolean {
  const { parent } = node
  if (ts.isArrowFunction(parent)) return true
  if (!ts.isReturnStatement(parent)) return false
  for (let up: ts.Node = parent; !ts.isFunctionLike(up.parent) && !ts.isSourceFile(up.parent); up = up.parent) {
    if (ts.isTryStatement(up.parent) && (up === up.parent.tryBlock || up.parent.finallyBlock !== undefined)) return false
  }
  return true
}

/** Whether a statement does nothing but leave. */
function leaves (node: ts.Statement): boolean {
  if (ts.isBlock(node)) return node.statements.length > 0 && leaves(node.statements[node.statements.length - 1]!)
  return ts.isReturnStatement(node) || ts.isThrowStatement(node) || ts.isContinueStatement(node) || ts.isBreakStatement(node)
}

const isLogging = (node: ts.Node): boolean =>
  ts.isCallExpression(node) && /(?:^|[.#])log(?:ger)?\.(?:trace|debug|info|warn|error)$/.test(node.expression.getText())
