/** So much in CI, and so much where a person waits: what is shown by it is the same. */
export const inCiOrByHand = (inCi: number, byHand: number): number => (process.env['CI'] ?? '') === '' ? byHand : inCi
