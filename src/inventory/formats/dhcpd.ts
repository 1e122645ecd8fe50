// ISC dhcpd's configuration (dhcpd.conf(5)) and VMware's copies of it: `host` blocks, between the markers of cluster-builder or
// bare. Of the rest only subnets and included files count.
import { counted } from '../../base/units.js'
import { parseIpv4, prefixOfMask, type Subnet, subnetOf } from '../../net/ipv4.js'
import { isNameOfMac } from '../exported.js'
import { ipFact, joinCards, macFact, nameFact, quoted } from '../facts.js'
import { emptyList, type Fact, type HostList, type Include, type ListedHost, type Place, type ListRemark } from '../host-list.js'
import { vmwareComments } from '../managed-block.js'
import { listError, type SourceText } from '../source-text.js'

interface Token { readonly text: string, readonly quoted: boolean, readonly at: number }

/** Blocks inside one another. */
const mostDeep = 64

export interface Statement {
  readonly words: readonly Token[]
  /** The statements in braces; undefined for one that ends with a semicolon. */
  readonly block: readonly Statement[] | undefined
}

/** Where cluster-builder's block of a cluster begins (managed-block). */
const blockBeginnings = [/^# BEGIN (.+) CLUSTER MANAGED BLOCK$/, /^### ([^:\s]+:[^:\s]+):start$/] as const

/** What is left out of hosts, with the first place and how many there are. */
type Skipped = Map<string, { readonly at: Place, readonly count: number }>

export function readDhcpd (source: SourceText): HostList {
  const { tokens, comments } = tokensOf(source)
  const remarks: ListRemark[] = [...source.remarks]
  const networks: Array<Fact<Subnet>> = []
  const includes: Include[] = []
  const byName = new Map<string, ListedHost>()
  const own = ownSections(comments)
  let cluster: Fact<string> | undefined
  for (const { text, at } of comments) {
    for (const pattern of blockBeginnings) {
      const name = pattern.exec(text)?.[1]
      if (name !== undefined) cluster ??= { value: name.split(':').at(-1) ?? name, at: source.at(at) }
    }
  }
  const skipped: Skipped = new Map()
  const visit = (statements: readonly Statement[]): void => {
    for (const { words, block } of statements) {
      const [keyword, ...rest] = words
      const word = keyword?.text.toLowerCase()
      if (keyword === undefined) continue
      const at = source.at(keyword.at)
      if (word === 'include' && rest[0] !== undefined) includes.push({ at, path: rest[0].text })
      else if (word === 'subnet') networks.push(...networkOf(source, rest))
      if (word === 'host' && block !== undefined) {
        const named = rest[0]
        if (named === undefined) throw listError(at, 'a host needs a name')
        if (own.some(([from, to]) => keyword.at > from && keyword.at < to)) {
          remarks.push({ at, text: `host ${named.text} is VMware's own: left alone` })
          continue
        }
        const host = hostOf(source, named, block, at, skipped)
        const before = byName.get(named.text.toLowerCase())
        if (before !== undefined) remarks.push({ at, text: `host ${named.text} is declared again (before: line ${before.at.line}): the last counts` })
        byName.delete(named.text.toLowerCase())
        byName.set(named.text.toLowerCase(), host)
      } else if (block !== undefined) visit(block)
    }
  }
  visit(statementsOf(source, tokens))
  for (const [what, { at, count }] of skipped) remarks.push({ at, text: `${what} in ${counted(count, 'host')} is left out` })
  return { ...emptyList, hosts: joinCards([...byName.values()]), remarks, networks, cluster, includes }
}

function hostOf (source: SourceText, named: Token, block: readonly Statement[], at: Place, skipped: Skipped): ListedHost {
  let [mac, ip, name]: [ListedHost['macs'][number]?, ListedHost['ip']?, ListedHost['name']?] = []
  for (const { words } of block) {
    const text = words.map(word => word.text.toLowerCase())
    const last = words.at(-1)
    if (last === undefined) continue
    const place = source.at(last.at)
    if (text[0] === 'hardware') {
      if (text[1] !== 'ethernet' || words.length !== 3) throw listError(source.at(words[0]?.at ?? 0), 'expected: hardware ethernet, and six octets')
      mac = macFact(last.text, place)
    } else if (text[0] === 'fixed-address') {
      const first = words[1]
      // A name is looked up by dhcpd; here nothing is looked up.
      if (first !== undefined && parseIpv4(first.text.replace(/,$/, '')) !== undefined) ip = ipFact(first.text.replace(/,$/, ''), source.at(first.at))
      else count(skipped, `fixed-address ${first?.text ?? ''} (a name)`, place)
      if (words.length > 2) count(skipped, 'fixed-address beyond the first', place)
    } else if (text[0] === 'option' && text[1] === 'host-name' && words.length === 3) {
      name = nameFact(last.text, place)
    } else if (!['next-server', 'filename', 'server-name', 'ddns-hostname'].includes(text[0] ?? '') && text[1] !== 'tftp-server-name') {
      count(skipped, text.slice(0, text[0] === 'option' ? 2 : 1).join(' '), source.at(words[0]?.at ?? 0))
    }
  }
  name ??= isNameOfMac(named.text, mac?.value) ? undefined : nameFact(named.text, source.at(named.at))
  return { at, name, macs: mac === undefined ? [] : [mac], ip, role: undefined }
}

function count (skipped: Skipped, what: string, at: Place): void {
  skipped.set(what, { at: skipped.get(what)?.at ?? at, count: (skipped.get(what)?.count ?? 0) + 1 })
}

function networkOf (source: SourceText, [address, , mask]: readonly Token[]): Array<Fact<Subnet>> {
  const [ip, bits] = [parseIpv4(address?.text ?? ''), parseIpv4(mask?.text ?? '')]
  const prefix = bits === undefined ? undefined : prefixOfMask(bits)
  if (ip === undefined || prefix === undefined || address === undefined) return []
  return [{ value: subnetOf(ip, prefix), at: source.at(address.at) }]
}

function ownSections (comments: readonly Token[]): ReadonlyArray<readonly [from: number, to: number]> {
  const found: Array<readonly [number, number]> = []
  let from: number | undefined
  for (const { text, at } of comments) {
    if (vmwareComments.begin.test(text)) from = at
    else if (vmwareComments.end.test(text) && from !== undefined) {
      found.push([from, at])
      from = undefined
    }
  }
  return from === undefined ? found : [...found, [from, Infinity]]
}

const blank = /[ \t\n]+/y
const plainWord = /[^\s{};"#]+/y

function tokensOf (source: SourceText): { readonly tokens: readonly Token[], readonly comments: readonly Token[] } {
  const { text } = source
  const tokens: Token[] = []
  const comments: Token[] = []
  const take = (pattern: RegExp, at: number): string => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0] ?? ''
  }
  for (let at = 0; at < text.length;) {
    const c = text[at] ?? ''
    if (c === '#') {
      const end = text.indexOf('\n', at)
      const comment = text.slice(at, end < 0 ? undefined : end)
      comments.push({ text: comment.trim(), quoted: false, at })
      at += comment.length
    } else if (c === '"') {
      let end = at + 1
      while (end < text.length && text[end] !== '"' && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1
      if (text[end] !== '"') throw listError(source.at(at), 'a string that is not ended on its line')
      tokens.push({ text: text.slice(at + 1, end).replace(/\\(.)/g, '$1'), quoted: true, at })
      at = end + 1
    } else if ('{};'.includes(c)) {
      tokens.push({ text: c, quoted: false, at })
      at++
    } else {
      const gap = take(blank, at)
      if (gap === '') {
        const word = take(plainWord, at)
        tokens.push({ text: word, quoted: false, at })
        at += word.length
      } else at += gap.length
    }
  }
  return { tokens, comments }
}

/** Throws AppError list_invalid for a block that is not closed, and for a statement that is not ended. */
function statementsOf (source: SourceText, tokens: readonly Token[]): readonly Statement[] {
  const open: Array<{ readonly words: readonly Token[], readonly at: number, readonly before: Statement[] }> = []
  let statements: Statement[] = []
  let words: Token[] = []
  for (const token of tokens) {
    if (token.quoted || !'{};'.includes(token.text)) words.push(token)
    else if (token.text === ';') {
      if (words.length > 0) statements.push({ words, block: undefined })
      words = []
    } else if (token.text === '{') {
      if (words.length === 0) throw listError(source.at(token.at), '"{" stands after nothing')
      if (open.length === mostDeep) throw listError(source.at(token.at), `more than ${mostDeep} blocks inside one another`)
      open.push({ words, at: token.at, before: statements })
      statements = []
      words = []
    } else {
      if (words[0] !== undefined) throw listError(source.at(words[0].at), `";" is missing after ${textOf(words)}`)
      const outer = open.pop()
      if (outer === undefined) throw listError(source.at(token.at), '"}" closes nothing')
      outer.before.push({ words: outer.words, block: statements })
      statements = outer.before
    }
  }
  const unclosed = open.at(-1)
  if (unclosed !== undefined) throw listError(source.at(unclosed.at), `the block that begins here (${textOf(unclosed.words)}) is not closed: the file is cut off`)
  if (words[0] !== undefined) throw listError(source.at(words[0].at), `";" is missing after ${textOf(words)}`)
  return statements
}

const textOf = (words: readonly Token[]): string => quoted(words.map(({ text }) => text).join(' '))
