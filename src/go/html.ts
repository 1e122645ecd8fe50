// Text for HTML as Go writes it: html.EscapeString, and text/template's HTMLEscape, which has a sign for the NUL as well.
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;', '\0': '\ufffd' }

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, character => entities[character]!)

export const templateEscapeHtml = (text: string): string => text.replace(/['"&<>\0]/g, character => entities[character]!)
