// Single datagrams that no honest TFTP client sends to the server's port, what RFC 1350 and 2347 have as an answer to each,
// and how the server counts it. Written by hand, not by our encoder, and judged without our decoder.
import { errorCodes } from '../../src/tftp/packet.js'

/** Numbers of 0 to 1. */
export type Chance = () => number

export interface BadPacket {
  readonly bytes: Buffer
  /** The code of the ERROR packet that answers it; undefined for what is met with silence. */
  readonly error: number | undefined
  /** The `result` of tftp_transfers_total that it adds one to. */
  readonly counted: 'malformed' | 'refused' | 'ignored' | 'missing'
}

const { fileNotFound, accessViolation, illegalOperation } = errorCodes

export const below = (chance: Chance, limit: number): number => Math.floor(chance() * limit)
export const oneOf = <T>(chance: Chance, choices: readonly T[]): T => choices[below(chance, choices.length)]!

/** Bytes without a NUL in them. */
const word = (chance: Chance, length: number): string => String.fromCharCode(...Array.from({ length }, () => 1 + below(chance, 255)))
const letters = (chance: Chance, length: number): string => String.fromCharCode(...Array.from({ length }, () => 97 + below(chance, 26)))
const noise = (chance: Chance, length: number): Buffer => Buffer.from(Array.from({ length }, () => below(chance, 256)))

const headed = (opcode: number, rest: Buffer | string = ''): Buffer =>
  Buffer.concat([Buffer.from([opcode >> 8, opcode & 0xff]), typeof rest === 'string' ? Buffer.from(rest, 'latin1') : rest])

/** RRQ (1) or WRQ (2) of these words, each with its NUL. */
export const requestOf = (opcode: 1 | 2, ...words: readonly string[]): Buffer => headed(opcode, words.map(text => `${text}\0`).join(''))

const readOrWrite = (chance: Chance): 1 | 2 => oneOf(chance, [1, 2] as const)

/** Longer than the 512 bytes of RFC 2347, up to what UDP carries. */
const tooLong = (chance: Chance): number => 512 + below(chance, chance() < 0.1 ? 64_900 : 2000)

const malformed = (bytes: Buffer, error?: number): BadPacket => ({ bytes, error, counted: 'malformed' })

export const badPackets = {
  'oversized name': chance => malformed(requestOf(readOrWrite(chance), 'n'.repeat(tooLong(chance)), 'octet'), illegalOperation),
  'long name': chance => ({ bytes: requestOf(1, letters(chance, 256 + below(chance, 240)), 'octet'), error: fileNotFound, counted: 'missing' }),
  'missing NUL': chance => {
    const whole = requestOf(readOrWrite(chance), 'loader.efi', 'octet', 'blksize', '1468')
    // The request is whole behind its mode and behind its option.
    const cuts = Array.from({ length: whole.length - 2 }, (_, i) => i + 2).filter(cut => cut !== whole.length - 'blksize.1468.'.length)
    return malformed(whole.subarray(0, oneOf(chance, cuts)), illegalOperation)
  },
  'no NUL at all': chance => malformed(headed(readOrWrite(chance), word(chance, below(chance, 510))), illegalOperation),
  'unknown mode': chance => ({
    bytes: requestOf(1, 'loader.efi', oneOf(chance, ['mail', 'binary', 'octe', 'octett', 'netasci\xff', `x${word(chance, below(chance, 200))}`])),
    error: illegalOperation,
    counted: 'refused'
  }),
  'name that climbs': chance => ({
    bytes: requestOf(1, oneOf(chance, ['../../etc/shadow', '..\\..\\etc\\shadow', 'a/../../b', '..', `${letters(chance, 8)}/..\xff`]), 'octet'),
    error: accessViolation,
    counted: 'refused'
  }),
  'name of nothing': chance => ({ bytes: requestOf(1, oneOf(chance, ['/', '.', '\\', '\xff', '//./', letters(chance, 9)]), 'octet'), error: fileNotFound, counted: 'missing' }),
  write: chance => ({ bytes: requestOf(2, oneOf(chance, ['loader.efi', '../x', letters(chance, 30)]), oneOf(chance, ['octet', 'mail'])), error: accessViolation, counted: 'refused' }),
  'DATA to the server': chance => ({ bytes: headed(3, noise(chance, 2 + below(chance, 1468))), error: undefined, counted: 'ignored' }),
  'ACK to the server': chance => ({ bytes: headed(4, noise(chance, 2 + below(chance, 40))), error: undefined, counted: 'ignored' }),
  'ERROR to the server': chance => ({ bytes: headed(5, noise(chance, 2 + below(chance, 400))), error: undefined, counted: 'ignored' }),
  'OACK to the server': chance => ({ bytes: headed(6, oneOf(chance, ['', 'blksize\x001468\0', '\0', `${letters(chance, 40)}\0\0`])), error: undefined, counted: 'ignored' }),
  'cut short': chance => malformed(oneOf(chance, [Buffer.alloc(0), Buffer.from([0]), headed(3, '\0'), headed(4), headed(5, '\0'), headed(6, 'blksize\x001468')])),
  'oversized, and no request': chance => malformed(headed(oneOf(chance, [4, 5, 6]), Buffer.alloc(tooLong(chance)))),
  'unknown opcode': chance => malformed(headed(oneOf(chance, [0, 7 + below(chance, 0xfff9)]), noise(chance, below(chance, chance() < 0.1 ? 60_000 : 1500))))
} as const satisfies Readonly<Record<string, (chance: Chance) => BadPacket>>

export type BadKind = keyof typeof badPackets
export const badKinds = Object.keys(badPackets) as readonly BadKind[]

/** Options nobody should ask, each with what the answer says of it; undefined: nothing. `size` is the file's. */
export const absurdOptions = (size: number): ReadonlyArray<readonly [name: string, value: string, answer: string | undefined]> => [
  ...['0', '7', '65536', '-1', '', '1e3', '0x200', ' 512', '1468.5', '9'.repeat(300)].map(value => ['blksize', value, undefined] as const),
  ['blksize', '65535', '1468'], ['BLKSIZE', '8', '8'],
  ...['0', '65536', '-8', 'all'].map(value => ['windowsize', value, undefined] as const),
  ['windowsize', '65535', '32'],
  ...['0', '256', '1.5', '-1'].map(value => ['timeout', value, undefined] as const),
  ['TimeOut', '255', '255'],
  ...['-1', '9'.repeat(40)].map(value => ['tsize', value, undefined] as const),
  ['tsize', '9'.repeat(15), String(size)],
  ['__proto__', '1', undefined], ['constructor', '1', undefined], ['x'.repeat(150), 'y'.repeat(150), undefined]
]
