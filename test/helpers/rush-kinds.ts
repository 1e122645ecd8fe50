// What the connections of a rush send, and from where. None of them reads what it is answered.

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const begun = `GET /ipxe?${'x'.repeat(200_000)}`

/** Larger than what is kept in memory of images. */
export const rushImage = '/assets/large'

const image = Buffer.from(get(rushImage))
const half = Buffer.from(begun)

const mixed: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from('GET /?'),
  half,
  image,
  Buffer.from(get('/ipxe?mac=52:54:00:00:00:41').repeat(40)),
  Buffer.from(get(rushImage) + begun)
]

/** What the nth connection sends. */
export const rushes = {
  mixed: n => mixed[n % mixed.length]!,
  images: () => image,
  /** More of these than there are places. */
  'half requests behind images': n => n < 4500 ? image : half
} as const satisfies Readonly<Record<string, (n: number) => Buffer>>

export type RushKind = keyof typeof rushes

export const isRushKind = (text: string): text is RushKind => Object.hasOwn(rushes, text)

export const rushAddresses = 200
/** The address of the nth of these. */
export const rushAddress = (n: number): string => `172.30.250.${1 + n}`
