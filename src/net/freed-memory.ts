// What the process has of the system's memory, and giving back what was freed of it: V8's compilers take and free tens of megabytes of the
// C library's during the start, a rush of connections hundreds, and it would keep them.
import { readFileSync } from 'node:fs'
import { openLibc } from './libc.js'

/** Gives it back to the system, in a millisecond; false when there was nothing to give. See malloc_trim(3). */
export const returnFreedMemory = (): boolean => openLibc().mallocTrim(0) === 1

/**
 * Octets that the process has of the system, by the kernel's count (proc_pid_status(5)); 0 where that can't be read, as in a chroot
 * without /proc, or while there is no descriptor.
 */
export function residentMemory (status = '/proc/self/status'): number {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(status, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
