// Keeps a page of /ui/ live, and gives it keys. The server makes the rows; here they are put where they belong. Without this the page
// shows how it was when it was loaded.
/* global location, fetch, requestAnimationFrame, DOMParser, EventSource, Element, getSelection, HTMLInputElement, HTMLElement */
/* global IntersectionObserver */
'use strict'

const live = document.getElementById('live')
const say = text => { if (live.textContent !== text) live.textContent = text }

/** Where rows of each section stand. */
const bodyOf = section => document.querySelector(`#${section} tbody`)
/** A page of a search, or of one section alone, keeps its rows; the first one is of all machines, and others come to it. */
const isOfAll = !/[?&](?:q|in)=/.test(location.search)
/** Rows of a section beyond which those at its end leave the page. */
const mostRows = 1000

/** Puts what is new of a row into the one that is there: what does not change keeps its place, its focus and what is selected in it. */
function patch (old, row) {
  const cells = [...row.cells]
  for (const [at, cell] of [...old.cells].entries()) if (!cell.isEqualNode(cells[at])) cell.replaceWith(cells[at])
  Object.assign(old.dataset, row.dataset)
}

/** Rows that come to a section are gathered in `coming`, so that each table changes once. */
function put (row, body, coming) {
  const old = document.getElementById(row.id)
  if (old === null) {
    if (isOfAll) coming.prepend(row)
    return undefined
  }
  if (!isOfAll) {
    patch(old, row)
    return undefined
  }
  const hadFocus = old.contains(document.activeElement)
  // One that stays in its section stays in its place, so that nothing moves under a hand that is about to click.
  if (old.parentElement !== body) coming.prepend(old)
  patch(old, row)
  return hadFocus && old.parentElement !== body ? old : undefined
}

/** The rows of several updates, the latest of each machine alone. */
function takeRows (texts) {
  const template = document.createElement('template')
  template.innerHTML = texts.join('')
  const latest = new Map()
  for (const row of template.content.querySelectorAll('tr')) {
    latest.delete(row.id)
    latest.set(row.id, row)
  }
  const coming = new Map()
  let focused
  for (const row of latest.values()) {
    const { section } = row.dataset
    if (!coming.has(section)) coming.set(section, { body: bodyOf(section), rows: document.createDocumentFragment() })
    const { body, rows } = coming.get(section)
    focused = put(row, body, rows) ?? focused
  }
  for (const { body, rows } of coming.values()) {
    if (body === null || rows.childElementCount === 0) continue
    body.prepend(rows)
    for (let many = body.childElementCount; many > mostRows; many--) body.lastElementChild.remove()
  }
  focused?.focus()
}

const waiting = []
let isPlanned = false
/** What came since the last frame, at once: the page is laid out once for all of it. */
function takeAll () {
  isPlanned = false
  const updates = waiting.splice(0)
  if (updates.length === 0) return
  takeRows(updates.map(({ rows }) => rows))
  take(updates.at(-1))
}
function plan (update) {
  waiting.push(update)
  // A page that nobody sees has no frames, and must not remember for ever.
  if (document.hidden) takeAll()
  else if (!isPlanned) requestAnimationFrame(takeAll)
  isPlanned = !document.hidden && waiting.length > 0
}
document.addEventListener('visibilitychange', takeAll)

function take (update) {
  if (!isOfAll) return
  for (const [section, count] of Object.entries(update.counts)) {
    const shown = document.querySelector(`#title-${section} .count`)
    if (shown !== null) shown.textContent = count
  }
  const verdict = document.getElementById('verdict')
  if (verdict !== null && verdict.textContent !== update.verdict) {
    verdict.textContent = update.verdict
    verdict.className = update.counts.trouble > 0 ? 'alarm' : 'calm'
    // Of a page that lies behind others this is all that is seen.
    document.title = `${update.counts.trouble > 0 ? `${update.counts.trouble} in trouble` : 'Nothing wrong'} - core-provisioner`
  }
}

/** Rows of the next page come to the end of this one; without this, or when that fails, the link leads there. */
const isComing = new WeakSet()
async function bringMore (link) {
  if (isComing.has(link)) return
  isComing.add(link)
  const section = link.closest('section')
  const part = section === null ? '#main' : `#${section.id}`
  try {
    const answer = await fetch(link.href)
    const made = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector(part)
    const body = document.querySelector(`${part} tbody`)
    if (!answer.ok || made === null || body === null) throw new Error(String(answer.status))
    const rows = [...made.querySelector('tbody').rows].filter(row => row.id === '' || document.getElementById(row.id) === null)
    body.append(...rows)
    if (again?.contains(body) === true) {
      hasGrown = true
      say('not live: more than its first part is here')
    }
    const next = made.querySelector('.more')
    if (next === null) link.closest('.more').remove()
    else {
      const [, from] = /^(.* )\d+ of \d+$/.exec(link.closest('.more').querySelector('.count').textContent)
      const count = next.querySelector('.count')
      count.textContent = count.textContent.replace(/^.* (?=\d+ of \d+$)/, from)
      link.closest('.more').replaceWith(next)
      watch(next)
    }
    return rows[0]
  } catch {
    location.assign(link.href)
  }
}
/** The list that stands last goes on by itself where somebody comes to its end. */
const ends = new IntersectionObserver(seen => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) bringMore(target.querySelector('a'))
}, { rootMargin: '600px' })
function watch (more) {
  const section = more.closest('section')
  if (section === null ? more.nextElementSibling === null : section.matches('#fine, :last-of-type')) ends.observe(more)
}
document.querySelectorAll('.more').forEach(watch)
document.addEventListener('click', event => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || !(event.target instanceof Element) || !event.target.matches('.more a')) return
  event.preventDefault()
  bringMore(event.target).then(row => { row?.focus() })
})

const hasEvents = document.querySelector('.ladder') !== null
if (hasEvents) {
  const events = new EventSource('/ui/events')
  events.addEventListener('open', () => { say('live') })
  // The browser tries again by itself, and says which event it saw last.
  events.addEventListener('error', () => { say('not live: the server does not answer; trying again') })
  events.addEventListener('message', ({ data }) => { plan(JSON.parse(data)) })
  events.addEventListener('gap', () => { location.reload() })
} else say('')

// A part that is made anew as a whole, unless somebody is in the midst of it: has opened something, marked text, or went on in its lists.
const again = document.getElementById('again')
let hasGrown = false
const isInHand = () => again.contains(document.activeElement) || again.querySelector('details[open]') !== null ||
  (getSelection().isCollapsed === false && getSelection().containsNode(again, true))
if (again !== null) {
  const renew = async () => {
    if (document.hidden || hasGrown || isInHand()) return
    try {
      const answer = await fetch(location.href)
      const made = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('again')
      if (!answer.ok || made === null) throw new Error(String(answer.status))
      again.dataset.every = made.dataset.every
      again.replaceChildren(...made.childNodes)
      if (!hasEvents) say('live')
    } catch {
      if (!hasEvents) say('not live: the server does not answer; trying again')
    }
  }
  // How often is part of it: more often while something is under way.
  const wait = () => { setTimeout(() => renew().finally(wait), Number(again.dataset.every) * 1000) }
  wait()
}

const times = () => {
  for (const time of document.querySelectorAll('td > time')) {
    if (time.checkVisibility?.({ contentVisibilityAuto: true }) === false) continue
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000))
    const [unit, size] = [['d', 86400], ['h', 3600], ['min', 60]].find(([, size]) => seconds >= 2 * size) ?? ['s', 1]
    const text = `${Math.floor(seconds / size)} ${unit} ago`
    if (time.textContent !== text) time.textContent = text
  }
}
setInterval(times, 5000)

document.addEventListener('click', async ({ target }) => {
  if (!(target instanceof Element) || !target.matches('.copy')) return
  const text = target.parentElement.querySelector('code').textContent
  try {
    await navigator.clipboard.writeText(text)
    target.textContent = 'Copied'
  } catch {
    // Browsers give the clipboard to pages over TLS and of the same machine alone: selected, it can be copied by hand.
    getSelection().selectAllChildren(target.parentElement.querySelector('code'))
    target.textContent = 'Selected: copy it'
  }
})

const keysSaid = document.getElementById('keys')
const rows = () => [...document.querySelectorAll('tbody tr[tabindex]')]
const step = by => {
  const all = rows()
  const at = all.indexOf(document.activeElement?.closest('tr')) + by
  if (at === all.length) [...document.querySelectorAll('.more a')].at(-1)?.click()
  else all[Math.max(0, at)]?.focus()
}
const keys = {
  '/': () => { document.getElementById('search').focus() },
  j: () => { step(1) },
  k: () => { step(-1) },
  Enter: () => { document.activeElement?.closest('tr')?.querySelector('a')?.click() },
  '?': () => { keysSaid.textContent = keysSaid.textContent === '' ? 'Keys: / searches, j and k go down and up, Enter opens, ? says this' : '' }
}
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const typing = event.target instanceof HTMLInputElement
  if (typing && event.key === 'Escape') event.target.blur()
  if (typing || !Object.hasOwn(keys, event.key)) return
  if (event.key === 'Enter' && event.target instanceof HTMLElement && event.target.matches('a, button, summary')) return
  event.preventDefault()
  keys[event.key]()
})
