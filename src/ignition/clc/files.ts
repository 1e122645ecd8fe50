// Files, directories and links. Contents become a data: URL or the remote's URL as Go spells it.
import { percentDataUrl } from '../data-url.js'
import { GoUrlError, parseGoUrl } from '../../go/url.js'
import { nodeAt } from '../source-tree.js'
import { nodeText } from '../../yaml/node.js'
import { problemAt, sectionAt, within } from './problem.js'
import { convertVerification } from './verification.js'
import type { ReportEntry } from '../report.js'
import type { Config2, File2 } from '../spec2/schema.js'
import type { YamlNode } from '../../yaml/node.js'
import type { Clc, ClcFile } from './schema.js'

const defaultFileMode = 0o644n
const defaultDirectoryMode = 0o755n

/** Files without contents are empty, not left alone. */
const emptyFile = 'data:,'

export interface ConvertedFiles {
  readonly files: readonly File2[]
  readonly source: YamlNode | undefined
  readonly report: readonly ReportEntry[]
}

export function convertFiles (files: Clc['storage']['files'], source: YamlNode | undefined): ConvertedFiles {
  const converted: File2[] = []
  const report: ReportEntry[] = []
  const section = sectionAt(source, 'storage', 'files')
  const altered = new Map<number, YamlNode>()
  for (const [index, file] of files.entries()) {
    const place = within(section, index)
    if (file.contents.local !== '') {
      report.push(problemAt(within(place, 'contents', 'local'),
        'local files require setting the --files-dir flag to the directory that contains the file'))
      continue
    }
    const url = remoteUrl(file)
    if (url instanceof GoUrlError) {
      report.push(problemAt(within(place, 'contents', 'remote', 'url'), url.message))
      continue
    }
    if (url !== '' && place.node !== undefined) {
      const node = remoteAsContents(place.node)
      if (node === undefined) {
        // ct's process dies of this.
        report.push(problemAt(place,
          'the remote contents of this file come from an alias or a merge key, which ct cannot follow: write contents, remote and url out'))
        continue
      }
      altered.set(index, node)
    }
    converted.push(convertFile(file, url))
  }
  return { files: converted, source: altered.size === 0 ? source : withFiles(source, altered), report }
}

function remoteUrl ({ contents: { remote } }: ClcFile): string | GoUrlError {
  if (remote.url === '') return ''
  try {
    return parseGoUrl(remote.url).text
  } catch (error) {
    if (error instanceof GoUrlError) return error
    throw error
  }
}

function convertFile (file: ClcFile, url: string): File2 {
  const { inline, remote } = file.contents
  const written = url !== '' ? url : inline === '' ? '' : percentDataUrl(inline)
  return {
    filesystem: file.filesystem,
    group: file.group,
    overwrite: file.overwrite,
    path: file.path,
    user: file.user,
    append: file.append,
    contents: {
      compression: remote.compression,
      source: written === '' ? emptyFile : written,
      verification: convertVerification(remote.verification)
    },
    mode: file.mode ?? defaultFileMode
  }
}

export const convertDirectories = (directories: Clc['storage']['directories']): Config2['storage']['directories'] =>
  directories.map(directory => ({ ...directory, mode: directory.mode ?? defaultDirectoryMode }))

// Ignition has `contents: {source}` where the config has `contents: {remote: {url}}`, so for its rules to find their places in
// the YAML a file's node is altered: the first `contents` becomes what stands in `remote`, its first `url` is called `source`.
function remoteAsContents (file: YamlNode): YamlNode | undefined {
  const remote = nodeAt(file, 'contents', 'remote')
  const url = nodeAt(remote, 'url')
  if (remote === undefined || url === undefined) return undefined
  return replaceFirst(file, 'contents', 'contents', replaceFirst(remote, 'url', 'source', url))
}

function replaceFirst (node: YamlNode, key: string, newKey: string, value: YamlNode): YamlNode {
  if (node.kind !== 'mapping') return node
  const at = node.pairs.findIndex(pair => nodeText(pair.key) === key)
  return {
    ...node,
    pairs: node.pairs.map((pair, i) => i !== at || pair.key.kind !== 'scalar' ? pair : { key: { ...pair.key, value: newKey }, value })
  }
}

function withFiles (source: YamlNode | undefined, altered: ReadonlyMap<number, YamlNode>): YamlNode | undefined {
  if (source === undefined) return undefined
  const inLast = (node: YamlNode, key: string, change: (value: YamlNode) => YamlNode): YamlNode => {
    if (node.kind !== 'mapping') return node
    const last = node.pairs.findLastIndex(pair => nodeText(pair.key) === key)
    return { ...node, pairs: node.pairs.map((pair, i) => i === last ? { ...pair, value: change(pair.value) } : pair) }
  }
  return inLast(source, 'storage', storage => inLast(storage, 'files', files =>
    files.kind === 'sequence' ? { ...files, items: files.items.map((item, i) => altered.get(i) ?? item) } : files))
}
