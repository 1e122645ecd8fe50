// A template's output as text, or `error: ` and the message.
import { TemplateError, parseTemplate, type TemplateLimits, type TemplateData } from '../../src/go/template/template.js'

export function render (template: string, data: TemplateData = null, limits: Partial<TemplateLimits> = {}): string {
  try {
    return parseTemplate('', Buffer.from(template)).execute(data, limits).toString()
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return `error: ${error.message}`
  }
}

/** The same, with what every message begins with left out: `error: 1:2: what`, or for a syntax error `error: 1: what`. */
export const renderBrief = (template: string, data: TemplateData = null, limits: Partial<TemplateLimits> = {}): string =>
  render(template, data, limits).replace(/^error: template: :(\d+(?::\d+)?): (?:executing ".*?" at <.*?>: )?/s, 'error: $1: ')
