import t from 'tap'
import { normaliseFileName } from '../../src/tftp/file-name.js'

const rows: ReadonlyArray<readonly [string, string | undefined, string]> = [
  ['undionly.kpxe', 'undionly.kpxe', 'a plain name'],
  ['undionly.kpxe\xff', 'undionly.kpxe', 'the end option read into the name'],
  ['undionly.kpxe\xff\xff\0', 'undionly.kpxe', 'and what lay behind it'],
  ['pxelinux.0\0', 'pxelinux.0', 'the NUL of option 67'],
  ['Boot\\x64\\wdsnbp.com', 'Boot/x64/wdsnbp.com', 'backslashes'],
  ['\\pxelinux.0', 'pxelinux.0', 'a leading backslash'],
  ['/pxelinux.cfg/default', 'pxelinux.cfg/default', 'a leading slash'],
  ['//a///b/./c', 'a/b/c', 'slashes and dots that say nothing'],
  ['bo\xc3\xb6t', 'boöt', 'UTF-8'],
  ['', '', 'nothing'],
  ['\xff', '', 'nothing but junk'],
  ['./', '', 'the root itself'],
  ['..', undefined, 'out of the root'],
  ['../etc/passwd', undefined, 'out of the root'],
  ['a/../../etc/passwd', undefined, 'out of the root by a detour'],
  ['a\\..\\..\\etc\\passwd', undefined, 'out of the root by backslashes'],
  ['a\0b', undefined, 'a NUL inside'],
  ['..a/b..', '..a/b..', 'dots in names'],
  ['...', '...', 'three dots']
]

t.test('file names', t => {
  for (const [asked, name, why] of rows) t.equal(normaliseFileName(asked), name, `${why}: ${JSON.stringify(asked)}`)
  t.end()
})
