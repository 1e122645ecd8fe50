// The processor time that the calling thread has taken: what it was held by its own work, whoever else the machine runs.
import { constants, openLibc } from './libc.js'

const time = Buffer.alloc(16)
const words = new BigInt64Array(time.buffer, time.byteOffset, 2)

/** Seconds, of no beginning in particular. */
export function threadSeconds (): number {
  openLibc().clockGettime(constants.clockThreadCputimeId, time)
  return Number(words[0]) + Number(words[1]) / 1e9
}
