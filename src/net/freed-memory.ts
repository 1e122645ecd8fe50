// What the C library keeps of memory that was freed: the engine's compilers take and free tens of megabytes of it during the start.
import { openLibc } from './libc.js'

/** Gives it back to the system, in a millisecond; false when there was nothing to give. See malloc_trim(3). */
export const returnFreedMemory = (): boolean => openLibc().mallocTrim(0) === 1
