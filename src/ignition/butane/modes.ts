// Modes written in decimal by mistake: `mode: 644` is octal 1204, which nobody wants.

/** Whether the mode is an odd one that would be a usual one if its decimal digits were octal ones. */
export const decimalMode = (mode: bigint, directory: boolean): boolean => {
  if (mode < 0n || mode > 7777n || /[89]/.test(String(mode))) return false
  return !isUsual(Number(mode), directory) && isUsual(parseInt(String(mode), 8), directory)
}

const [read, write, execute] = [4, 2, 1]

/** Not odd: each class may do what the next may, nobody has `w` or `x` alone, somebody may read, special bits make sense. */
const isUsual = (mode: number, directory: boolean): boolean => {
  if (mode === 0) return true
  let before = 0
  for (const shift of [0, 3, 6]) {
    const bits = (mode >> shift) & 7
    // Execute for the owner, but only read for the others: rwxr-----.
    const halfOpen = (bits & execute) !== 0 && (before & read) !== 0 && (before & execute) === 0
    if ((before & ~bits) !== 0 || halfOpen || ((bits & (write | execute)) !== 0 && (bits & read) === 0)) return false
    before |= bits
  }
  if ((before & read) === 0) return false
  const [setuid, setgid, sticky] = [mode & 0o4000, mode & 0o2000, mode & 0o1000]
  if (directory) return (before & execute) !== 0 && setuid === 0 && (setgid + sticky === 0 || (before & write) !== 0)
  if (setuid + setgid !== 0 && ((before & execute) === 0 || (mode & write) !== 0)) return false
  return sticky === 0
}
