// Times and sizes as people write them: a number and a unit. Milliseconds and bytes come out. And counts, ages and sizes as people
// read them.

export const timeUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
export const sizeUnits = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const

/** A number with one of the units; a bare 0 needs none. undefined for anything else. */
export function measure (text: string, units: Readonly<Record<string, number>>): number | undefined {
  if (text === '0') return 0
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text) ?? []
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
  return factor === undefined ? undefined : Math.round(Number(count) * factor)
}

/** `1 group`, `2 groups`, `1 more finding`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** `3 s ago`, `in 59 min`: milliseconds since, below zero for what is to come. */
export function ago (milliseconds: number): string {
  const seconds = Math.round(Math.abs(milliseconds) / 1000)
  const [unit, size] = ([['d', 86_400], ['h', 3600], ['min', 60]] as const).find(([, size]) => seconds >= 2 * size) ?? ['s', 1]
  const text = `${Math.floor(seconds / size)} ${unit}`
  return milliseconds < 0 && seconds > 0 ? `in ${text}` : `${text} ago`
}

const octetUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `512 B`, `1.5 MiB` */
export function formatBytes (bytes: number): string {
  const power = Math.min(octetUnits.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)} ${octetUnits[power]}`
}
