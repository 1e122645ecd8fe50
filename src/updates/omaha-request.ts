// What update_engine posts to an Omaha server (protocol 3.0): one <app> with a <ping> and an <updatecheck>, or with an <event>. Both
// kinds come from anybody who reaches the port. There is no DTD in it and no entity beyond XML's own five; what is not known
// is left out, as newer and older clients send more.
import sax, { type SAXOptions } from 'sax'
import { DecodeError } from '../base/errors.js'
import { ownText } from '../base/own-text.js'
import { osAppId } from '../base/version.js'

export interface OmahaEvent {
  readonly type: number
  readonly result: number
  readonly errorCode: number
  /** '' when it does not say. */
  readonly previousVersion: string
}

export interface OmahaApp {
  /** As it was written: with braces or without. */
  readonly appId: string
  readonly version: string
  /** The group, or the channel of a client that was never told a group. */
  readonly track: string
  /** `amd64-usr`. */
  readonly board: string
  readonly machineId: string
  readonly machineAlias: string
  readonly oem: string
  /** Of the first installation. */
  readonly firstVersion: string
  readonly ping: boolean
  readonly updateCheck: boolean
  readonly events: readonly OmahaEvent[]
}

/** Octets; a whole request of update_engine has about 900. */
export const mostRequestBytes = 64 * 1024
const mostDepth = 8
const mostApps = 8
const mostEvents = 16
const mostAttributes = 64
/** Letters of an attribute. What is longer is cut: everything that counts is shorter, and a machine is remembered without its request. */
const mostLetters = 255

/** Without HTML's entities; a DTD, which could name more, is refused. The type of the package does not know it. */
const saxOptions: SAXOptions & { readonly strictEntities: boolean } = { trim: false, strictEntities: true }

type Writable<T> = { -readonly [K in keyof T]: T[K] extends ReadonlyArray<infer U> ? U[] : T[K] }

/**
 * The apps of a request. DecodeError with the codes too_large, not_utf8, xml_malformed, xml_doctype, xml_deep, xml_many and not_omaha.
 */
export function decodeOmahaRequest (body: Buffer): readonly OmahaApp[] {
  if (body.length > mostRequestBytes) throw new DecodeError('too_large', mostRequestBytes)
  const text = decodeUtf8(body)
  const reader = sax.parser(true, saxOptions)
  const path: string[] = []
  const apps: Array<Writable<OmahaApp>> = []
  let isRequest = false
  const refuse = (code: string): never => { throw new DecodeError(code, reader.position) }
  reader.onerror = () => { refuse('xml_malformed') }
  reader.ondoctype = () => { refuse('xml_doctype') }
  reader.onprocessinginstruction = ({ name, body: content }) => {
    const encoding = /encoding\s*=\s*["']([^"']*)["']/.exec(content)?.[1]
    if (name === 'xml' && encoding !== undefined && !/^utf-?8$/i.test(encoding)) refuse('not_utf8')
  }
  reader.onopentag = ({ name, attributes }) => {
    path.push(name)
    if (path.length > mostDepth) refuse('xml_deep')
    if (Object.keys(attributes).length > mostAttributes) refuse('xml_many')
    const attribute = (key: string): string => Object.hasOwn(attributes, key) ? ownText(String(attributes[key]).slice(0, mostLetters)) : ''
    const at = path.join('/')
    if (at === 'request') {
      isRequest = true
      return
    }
    if (at === 'request/app') {
      if (apps.length === mostApps) refuse('xml_many')
      apps.push({
        appId: attribute('appid'),
        version: attribute('version'),
        track: attribute('track'),
        board: attribute('board'),
        machineId: attribute('machineid'),
        machineAlias: attribute('machinealias'),
        oem: attribute('oem'),
        firstVersion: attribute('alephversion'),
        ping: false,
        updateCheck: false,
        events: []
      })
      return
    }
    const app = apps.at(-1)
    if (app === undefined) return
    if (at === 'request/app/ping') app.ping = true
    if (at === 'request/app/updatecheck') app.updateCheck = true
    if (at === 'request/app/event') {
      if (app.events.length === mostEvents) refuse('xml_many')
      app.events.push({
        type: numberIn(attribute('eventtype')),
        result: numberIn(attribute('eventresult')),
        errorCode: numberIn(attribute('errorcode')),
        previousVersion: attribute('previousversion')
      })
    }
  }
  reader.onclosetag = () => { path.pop() }
  reader.write(text).close()
  if (!isRequest || apps.length === 0) refuse('not_omaha')
  return apps
}

function decodeUtf8 (body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new DecodeError('not_utf8', 0)
  }
}

/** 0 for what is no number, as update_engine's own reader takes it. */
const numberIn = (text: string): number => /^\d{1,10}$/.test(text) ? Number(text) : 0

export const isOsApp = (appId: string): boolean => appId.replace(/^\{|\}$/g, '').toLowerCase() === osAppId
