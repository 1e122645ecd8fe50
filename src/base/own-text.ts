// A text that is kept for longer than what it was cut from. V8 cuts no text: a slice, a match or a query's value points into the whole it
// was taken from, and sixteen letters of a request's target keep a megabyte for as long as they are kept.

const oneOctetEach = /^[\0-\xff]*$/

/** The same text, and nothing of what is around it. Lone surrogates stay. */
export function ownText (text: string): string {
  const encoding = oneOctetEach.test(text) ? 'latin1' : 'utf16le'
  return Buffer.from(text, encoding).toString(encoding)
}

/** What may be kept along with a text: what is longer is left behind. Letters. */
export const shortWhole = 512

/** Of what was cut out of `whole`: as it is where that is short. */
export const ownTextOf = (whole: string, text: string): string => whole.length > shortWhole ? ownText(text) : text
