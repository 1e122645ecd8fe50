// How often guard tokens were used, on disk before a config is given out: what is used up is so after a restart of the program too. A
// token proves itself (guard-tokens), so that only one that is good is ever written down, and of it a digest alone.
import { AppError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { JsonLines } from '../disk/json-lines.js'
import { lineFormats } from '../disk/state-formats.js'
import type { Mac } from '../net/mac.js'
import type { GuardLimits } from '../matchbox/guard.js'
import { GuardTokens, type GuardUse, type TokenRefusal } from './guard-tokens.js'

export interface GuardUseFileOptions {
  readonly path: string
  readonly log: Logger
  /** As GuardTokens takes it. */
  readonly secret: Buffer
  /** During which the times of tokens count on; uses of another one are of tokens that are good no longer. */
  readonly run: string
}

type KeptUse = GuardUse & { readonly run: string }

export class GuardUseFile {
  readonly #file: JsonLines<KeptUse>
  readonly #run: string
  readonly #tokens: GuardTokens

  constructor ({ path, log, secret, run }: GuardUseFileOptions) {
    this.#run = run
    this.#tokens = new GuardTokens(secret)
    this.#file = new JsonLines({
      path,
      log,
      kind: 'guard_use',
      version: lineFormats.guard_use.version,
      format: use => JSON.stringify(use),
      parse: parseUse,
      current: () => [...this.#tokens.uses].map(use => ({ run, ...use }))
    })
  }

  /** Before anything else. Throws AppError as JsonLines does. */
  async load (): Promise<void> {
    for (const { run, ...use } of await this.#file.load()) if (run === this.#run) this.#tokens.know(use)
  }

  mint (mac: Mac, now: number): string { return this.#tokens.mint(mac, now) }

  /**
   * Counts a use and gives undefined, or says why the token is not taken. While the disk takes none, what may be used several times is
   * counted until a restart; what may be used once is not taken: AppError disk_full or write_failed, it has to be asked for again.
   */
  async take (mac: Mac, token: string | undefined, now: number, limits: GuardLimits): Promise<TokenRefusal | undefined> {
    const taken = this.#tokens.take(mac, token, now, limits)
    if (taken !== undefined || token === undefined) return taken
    try {
      await this.#file.append({ run: this.#run, ...this.#tokens.useOf(token)! })
    } catch (error) {
      if (limits.count > 1 && error instanceof AppError) return undefined
      this.#tokens.giveBack(token)
      throw error
    }
    return undefined
  }

  close (): Promise<void> { return this.#file.close() }
}

function parseUse (line: string): KeptUse | undefined {
  try {
    const { run, name, count, until } = Object(JSON.parse(line)) as Partial<KeptUse>
    const isWhole = typeof run === 'string' && typeof name === 'string' && Number.isSafeInteger(count) && typeof until === 'number'
    return isWhole ? { run, name, count: count!, until } : undefined
  } catch {
    return undefined
  }
}
