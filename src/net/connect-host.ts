// A TCP connection to a host: all addresses of its name tried as RFC 8305 has it. Node gives each 250 ms and gives it up then, which a long
// way takes.
import type { LookupAddress } from 'node:dns'
import { connect, type Socket } from 'node:net'
import type { Clock } from '../base/clock.js'
import { errnoOf } from '../base/errors.js'
import { addressesOf, type AddressesOf } from './addresses-of.js'

export interface StepOptions {
  readonly clock: Clock
  /** Milliseconds for each step of the way. */
  readonly timeout: number
  readonly signal: AbortSignal
}

export interface HostOptions extends StepOptions {
  /** Stands in for the system's resolver. */
  readonly resolve?: AddressesOf | undefined
}

/** Milliseconds after which the next address is tried beside the one that has not answered (RFC 8305 section 5). */
const attemptDelay = 250
/** Addresses of one name that are tried, and of them at once: the first is given up for another. */
export const mostAddresses = 128
export const mostAttempts = 8

const timedOut = (): Error => Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })

type Begin<Result> = (resolve: (result: Result) => void, reject: (error: unknown) => void) => () => void

/** What `begin` resolves with. When it fails, takes too long or is given up, what it gave is called to undo it. */
export async function inTime<Result> ({ clock, timeout, signal }: StepOptions, begin: Begin<Result>): Promise<Result> {
  signal.throwIfAborted()
  let undo = (): void => {}
  let end = (): void => {}
  try {
    return await new Promise<Result>((resolve, reject) => {
      const giveUp = (): void => { reject(signal.reason) }
      const timer = clock.after(timeout, () => { reject(timedOut()) })
      signal.addEventListener('abort', giveUp, { once: true })
      end = () => {
        timer.cancel()
        signal.removeEventListener('abort', giveUp)
      }
      undo = begin(resolve, reject)
    })
  } catch (error) {
    undo()
    throw error
  } finally {
    end()
  }
}

/** IPv6 and IPv4 in turn, beginning with what the resolver put first (RFC 8305 section 4). */
function interleaved (addresses: readonly LookupAddress[]): LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family)
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family)
  return Array.from({ length: Math.max(first.length, others.length) }, (_, index) => [first[index], others[index]]).flat()
    .filter(address => address !== undefined)
}

export async function connectHost (host: string, port: number, options: HostOptions, dial = connect): Promise<Socket> {
  const { clock, timeout, signal, resolve: resolveName = addressesOf } = options
  signal.throwIfAborted()
  const addresses = await resolveName(host, { clock, patience: timeout, signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
  const waiting = interleaved(addresses).slice(0, mostAddresses)
  return await inTime<Socket>(options, (resolve, reject) => {
    const attempts = new Set<Socket>()
    const failures: unknown[] = []
    let over = false
    let timer: ReturnType<Clock['after']> | undefined
    const stop = (kept?: Socket): void => {
      over = true
      timer?.cancel()
      for (const socket of attempts) if (socket !== kept) socket.destroy()
    }
    const next = (): void => {
      timer?.cancel()
      const address = waiting.shift()
      if (over || address === undefined) return
      const [first] = attempts
      if (first !== undefined && attempts.size >= mostAttempts) {
        attempts.delete(first)
        failures.push(timedOut())
        first.destroy()
      }
      const socket = dial({ host: address.address, port, family: address.family, noDelay: true })
      attempts.add(socket)
      socket.on('error', error => {
        attempts.delete(socket)
        failures.push(error)
        if (over) return
        if (waiting.length > 0) next()
        else if (attempts.size === 0) reject(mostTelling(failures))
      })
      socket.once('connect', () => {
        if (over) return
        stop(socket)
        resolve(socket)
      })
      if (waiting.length > 0) timer = clock.after(attemptDelay, next)
    }
    if (waiting.length === 0) reject(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }))
    else next()
    return stop
  })
}

/** That there is no way to one family's addresses says little as long as the other's were reached. */
const mostTelling = (failures: readonly unknown[]): unknown =>
  failures.find(error => !['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL'].includes(errnoOf(error))) ?? failures[0]
