// A log line as an operator reads it with `journalctl -u`: the event and its fields, behind the priority that makes
// `journalctl -p warning` work (sd-daemon(3)); the journal adds time and process by itself.
import { visibleJson } from './visible-text.js'

/** syslog's priorities. */
const priorities: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 }

/** `<6>dhcp.offer mac=52:54:00:c0:7e:01 ip=172.30.0.21` of one of pino's JSON lines. */
export function journalLine (json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>
  const words = Object.entries(fields).map(([key, value]) => `${key}=${fieldText(value)}`)
  return `<${priorities[String(level)] ?? 6}>${[String(msg), ...words].join(' ')}\n`
}

/** Bare where a person can tell where it ends; JSON else, which has no line breaks. */
export function fieldText (value: unknown): string {
  return typeof value === 'string' && /^[^\s"=\p{Cc}\p{Cf}]+$/u.test(value) ? value : visibleJson(JSON.stringify(value))
}
