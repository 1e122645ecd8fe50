// Chance that repeats: the same seed gives the same numbers (mulberry32).
export function random (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = state + 0x6d2b79f5 >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

/** `length` bytes that any two runs agree on. */
export function randomBytes (seed: number, length: number): Buffer {
  const next = random(seed)
  return Buffer.from(Uint8Array.from({ length }, () => next() * 256))
}
