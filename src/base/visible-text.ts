// What machines say of themselves, as a person reads it: a host name that clears the screen, or turns the writing of the rows
// below it around, is shown letter by letter. UTF-8 shows as such.

/** Controls of C0 and C1, among them ESC and CSI; formats, among them those that change the direction; separators of lines. */
const obeyed = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** The same without what JSON escapes by itself. */
const leftByJson = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu

const unit = (text: string, at: number): string => text.charCodeAt(at).toString(16).padStart(4, '0')

/** For a cell or a line: `\u001b[2J` for what would clear the screen. */
export const visibleText = (text: string): string => text.replace(obeyed, escaped)

/** JSON that means the same and holds nothing that a terminal obeys. */
export const visibleJson = (json: string): string => json.replace(leftByJson, escaped)

const escaped = (letter: string): string => Array.from({ length: letter.length }, (_, at) => `\\u${unit(letter, at)}`).join('')
