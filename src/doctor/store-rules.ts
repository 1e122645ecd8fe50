// What can be amiss with a store, one row a rule: how much it matters, and what it is, for whoever meets its name in a report.
import type { FilePlace, Finding } from './finding.js'

export const storeRules = {
  unreadable: { level: 'problem', what: 'a file or folder that cannot be read; what it held before stays in force' },
  'no-store': { level: 'problem', what: 'a folder that has none of the folders of a store' },
  'stray-octet': { level: 'warning', what: 'a group or profile whose text is not UTF-8: what cannot be read becomes U+FFFD' },
  'not-read': { level: 'warning', what: 'a file that nobody reads, because of its name or its place' },
  'unknown-key': { level: 'problem', what: 'a key that means nothing, and is passed over' },
  'repeated-key': { level: 'warning', what: 'a key that stands twice' },
  'id-differs': { level: 'problem', what: 'a file called otherwise than the id in it' },
  'missing-profile': { level: 'problem', what: 'a group that names a profile which is not there' },
  'missing-config': { level: 'problem', what: 'a profile that names a config which is not there' },
  'missing-kernel': { level: 'problem', what: 'a profile that boots and names no kernel' },
  'missing-asset': { level: 'problem', what: 'a profile that boots a file below /assets/ which is not there' },
  'not-served': { level: 'problem', what: 'a profile that boots a path which nothing serves' },
  'same-selector': { level: 'problem', what: 'a group whose machines are given another group' },
  'same-address': { level: 'problem', what: 'a group that reserves an address which another group reserves for other machines' },
  'no-selector': { level: 'warning', what: 'a group that matches every machine' },
  'selector-case': { level: 'warning', what: 'a label that machines send in small letters' },
  'selector-space': { level: 'warning', what: 'a value with space around it, which is part of it' },
  'selector-address': { level: 'warning', what: 'a hardware address that no machine has: multicast, broadcast or zeros' },
  metadata: { level: 'problem', what: 'metadata that speaks to this program and cannot be made out' },
  'metadata-key': { level: 'warning', what: 'metadata whose name is nearly one that speaks to this program' },
  template: { level: 'problem', what: 'a template that does not render' },
  snippet: { level: 'problem', what: 'a snippet that does not parse, and is missing to every template that calls it' },
  'config-refused': { level: 'problem', what: 'a config that is refused' },
  'config-warning': { level: 'warning', what: 'a config of which something is lost or will hardly do what was meant' },
  'config-cut': { level: 'problem', what: 'a ready Ignition config that no machine can use, though it is served as it is' }
} as const satisfies Readonly<Record<string, { readonly level: Finding['level'], readonly what: string }>>

export type StoreRule = keyof typeof storeRules

export const storeFinding = (rule: StoreRule, place: FilePlace, text: string): Finding => ({ level: storeRules[rule].level, about: 'store', rule, place, text })
