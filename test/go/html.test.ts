// Text for HTML: the server's own pages, and the templates' html, which alone has a sign for the NUL.
import t from 'tap'
import { escapeHtml, templateEscapeHtml } from '../../src/go/html.js'

const text = '<a href="x">\'&é\0</a>'
t.equal(templateEscapeHtml(text), '&lt;a href=&#34;x&#34;&gt;&#39;&amp;é\ufffd&lt;/a&gt;')
t.equal(escapeHtml(text), '&lt;a href=&#34;x&#34;&gt;&#39;&amp;é\0&lt;/a&gt;')
