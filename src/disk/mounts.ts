// What is mounted where, as the kernel tells without asking the disks themselves: proc_pid_mountinfo(5).
import { readFile } from 'node:fs/promises'

export interface Mount {
  readonly point: string
  /** `nfs4`, `ext4` */
  readonly type: string
  /** `server:/export`, `/dev/sda1` */
  readonly source: string
}

/** None where there is no /proc. */
export const mountsNow = async (): Promise<readonly Mount[]> => parseMounts(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''))

export function parseMounts (text: string): readonly Mount[] {
  return text.split('\n').flatMap(line => {
    const [before = '', after = ''] = line.split(' - ')
    const [point, [type, source]] = [before.split(' ')[4], after.split(' ')]
    return point === undefined || type === undefined || source === undefined ? [] : [{ point: plain(point), type, source: plain(source) }]
  })
}

/** Blanks and the like stand as `\040` there. */
const plain = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))

const isBelow = (path: string, folder: string): boolean => folder === '/' || path === folder || path.startsWith(`${folder}/`)

/** The one that a path without links in it lies on: of several at one place the last. */
export const mountOf = (path: string, mounts: readonly Mount[]): Mount | undefined =>
  mounts.filter(({ point }) => isBelow(path, point)).sort((a, b) => a.point.length - b.point.length).at(-1)

/** Those that lie below a folder without links in its path. */
export const mountsBelow = (folder: string, mounts: readonly Mount[]): readonly Mount[] =>
  mounts.filter(({ point }) => point !== folder && isBelow(point, folder))
