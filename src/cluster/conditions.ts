// Conditions on what is known here, each looked at again after every change until it holds, or too much time has passed.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'

export class Conditions {
  readonly #clock: Pick<Clock, 'after'>
  /** Milliseconds. */
  readonly #patience: number
  readonly #looks = new Set<() => void>()
  #closed = false

  constructor (clock: Pick<Clock, 'after'>, patience: number) {
    this.#clock = clock
    this.#patience = patience
  }

  /** When `holds` says so. Throws AppError etcd_away when it does not come to that. */
  async until (holds: () => boolean): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        late.cancel()
        this.#looks.delete(look)
        settle()
      }
      const look = (): void => {
        if (holds()) end(resolve)
        else if (this.#closed) end(() => { reject(new AppError('etcd_away', 'this provisioner ends')) })
      }
      const late = this.#clock.after(this.#patience, () => { end(() => { reject(new AppError('etcd_away', 'what etcd has does not arrive here')) }) })
      this.#looks.add(look)
    })
  }

  /** Something changed. */
  look (): void { for (const look of [...this.#looks]) look() }

  /** What does not hold by now never will. */
  close (): void {
    this.#closed = true
    this.look()
  }
}
