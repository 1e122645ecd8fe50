// A disk that answers nothing, as a mount whose server is gone: a file system of FUSE that nobody serves.
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'

export const silentDiskProblem = (): string | undefined => existsSync('/dev/fuse') ? undefined : 'no /dev/fuse here'

const options = (fd: number): string => `fd=${fd},rootmode=40000,user_id=0,group_id=0,allow_other`

/**
 * A command of sh(1) that mounts one over a folder in its own mount namespace, for as long as it and what it becomes live; of several, each
 * has a descriptor of its own.
 */
export const mountSilent = (folder: string, fd = 3): string => `exec ${fd}<>/dev/fuse; mount -i -t fuse -o ${options(fd)} silent ${folder}; `

/** Takes away what was mounted so in the mount namespace of a process: whatever waits for it is refused. */
export function unmountSilent (pid: number, folder: string): void {
  const { status, stderr } = spawnSync('nsenter', ['-t', String(pid), '-m', '-r', 'umount', '-f', '-l', folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

/** Mounts one over a folder as a process sees it; what is given back takes it away. */
export function silence (pid: number, folder: string): () => void {
  const fd = openSync('/dev/fuse', 'r+')
  const inside = (...command: readonly string[]): void => {
    // In its root, too: tests may run in one of their own, and paths are those.
    const { status, stderr } = spawnSync('nsenter', ['-t', String(pid), '-m', '-r', ...command], { stdio: ['ignore', 'ignore', 'pipe', fd], encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  inside('mount', '-i', '-t', 'fuse', '-o', options(3), 'silent', folder)
  return () => {
    inside('umount', '-l', folder)
    closeSync(fd)
  }
}
