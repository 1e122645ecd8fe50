// A moment in which the kernel gives this process no descriptor (getrlimit(2), RLIMIT_NOFILE): what is open stays so.
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')
const getLimit = libc.func('int getrlimit(int resource, void *limit)')
const setLimit = libc.func('int setrlimit(int resource, const void *limit)')
const descriptors = 7

/** `act` may not wait: whoever came meanwhile would have none either. */
export function withoutDescriptors<T> (act: () => T): T {
  const limit = new BigUint64Array(2)
  getLimit(descriptors, limit)
  setLimit(descriptors, BigUint64Array.of(0n, limit[1]!))
  try {
    return act()
  } finally {
    setLimit(descriptors, limit)
  }
}
