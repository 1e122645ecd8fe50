// Who may look: by address, and by name and password where a file of users is configured. A line of the file is
// `name:$scrypt$ln=15,r=8,p=1$SALT$HASH` (the PHC string format; base64 without its padding), as `core-provisioner ui password` prints it.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { BlockList, isIPv6 } from 'node:net'

/** 2 to the 15th: 32 MiB and some 100 ms for each password that is tried. */
const cost = { ln: 15, r: 8, p: 1 } as const
const hashBytes = 32

/** A password as a line of the file has it. */
export async function hashPassword (password: string): Promise<string> {
  const salt = randomBytes(16)
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(await derive(password, salt, cost))}`
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

interface Cost { readonly ln: number, readonly r: number, readonly p: number }

const derive = async (password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> => await new Promise((resolve, reject) => {
  scrypt(password, salt, hashBytes, { N: 2 ** ln, r, p, maxmem: 2 ** 28 }, (error, key) => {
    if (error === null) resolve(key)
    else reject(error)
  })
})

interface User { readonly salt: Buffer, readonly hash: Buffer, readonly cost: Cost }

export type Users = ReadonlyMap<string, User>

/** By name; the number of the first line that is none. Empty lines and those that begin with # are left out. */
export function parseUsers (text: string): Users | { readonly wrongLine: number } {
  const users = new Map<string, User>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, name = '', ln, r, p, salt = '', hash = ''] = /^([^:\s]{1,64}):\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{8,88})\$([A-Za-z0-9+/]{43})\s*$/.exec(line) ?? []
    const read: Cost = { ln: Number(ln), r: Number(r), p: Number(p) }
    // What takes more memory than `maxmem` could not be tried.
    if (name === '' || !(read.ln >= 10 && read.ln <= 17 && read.r >= 1 && read.r <= 8 && read.p >= 1 && read.p <= 4)) return { wrongLine: index + 1 }
    users.set(name, { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64'), cost: read })
  }
  return users
}

export interface Prefix { readonly address: string, readonly length: number }

/** `127.0.0.0/8`, `::1/128`, `10.0.0.7`; undefined for what is none. */
export function parsePrefix (text: string): Prefix | undefined {
  const [, address = '', digits] = /^([0-9a-fA-F:.]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const most = isIPv6(address) ? 128 : 32
  const length = digits === undefined ? most : Number(digits)
  try {
    new BlockList().addSubnet(address, length, most === 128 ? 'ipv6' : 'ipv4')
    return { address, length }
  } catch {
    return undefined
  }
}

/** Passwords that are tried at once: each holds 32 MiB. */
const mostTries = 2
/** Attempts that wait for those. */
const mostWaiting = 16
/** How long a password that was right is right again without being tried, in milliseconds. */
const remembered = 300_000
const mostRemembered = 100

export class Access {
  readonly #allowed = new BlockList()
  readonly #users: () => Users | undefined
  readonly #now: () => number
  readonly #right = new Map<string, number>()
  #trying = 0
  readonly #waiting: Array<() => void> = []

  /** `users` gives undefined where no file of users is configured; `now` is in milliseconds of a clock that nobody sets. */
  constructor (allowed: readonly Prefix[], users: () => Users | undefined, now: () => number) {
    for (const { address, length } of allowed) this.#allowed.addSubnet(address, length, isIPv6(address) ? 'ipv6' : 'ipv4')
    this.#users = users
    this.#now = now
  }

  isAllowed (address: string): boolean { return this.#allowed.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') }

  /** Whether there are people with passwords; without them everybody who is allowed is let in. */
  get hasUsers (): boolean { return this.#users() !== undefined }

  /** Whether an Authorization header opens the door; `busy` when too many are being tried. */
  async isUser (authorization: string | undefined): Promise<boolean | 'busy'> {
    const users = this.#users()
    if (users === undefined) return true
    const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(authorization ?? '') ?? []
    const [name = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':')
    const user = users.get(name)
    if (encoded === '') return false
    // Of a name that there is not, the same work is done, so that nobody learns which there are.
    const { salt, hash, cost: of } = user ?? { salt: Buffer.alloc(16), hash: Buffer.alloc(hashBytes), cost }
    const key = `${encoded} ${base64(salt)}`
    if (user !== undefined && (this.#right.get(key) ?? -Infinity) > this.#now() - remembered) return true
    if (this.#waiting.length >= mostWaiting) return 'busy'
    const tried = await this.#inTurn(() => derive(rest.join(':'), salt, of))
    const isRight = timingSafeEqual(tried, hash) && user !== undefined
    if (isRight) this.#remember(key)
    return isRight
  }

  #remember (key: string): void {
    this.#right.delete(key)
    this.#right.set(key, this.#now())
    for (const oldest of this.#right.keys()) {
      if (this.#right.size <= mostRemembered) break
      this.#right.delete(oldest)
    }
  }

  async #inTurn<T> (work: () => Promise<T>): Promise<T> {
    if (this.#trying >= mostTries) await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    this.#trying++
    try {
      return await work()
    } finally {
      this.#trying--
      this.#waiting.shift()?.()
    }
  }
}
