// What wire_replay has to print, worked out from messages.jsonl, control.jsonl and the heads of the .bin files alone.
// usage: node expect_replay.mjs [--typed] OUTDIR SMALL DIR...
// Writes for each DIR, numbered from 0, OUTDIR/N.ROLE, N.ROLE.small (--rx SMALL) and N.ROLE.message (--framing
// message), and OUTDIR/index with a line for each: number, bytes from the client, bytes from the server, DIR.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const options = process.argv.slice(2)
const typed = options[0] === '--typed'
if (typed) options.shift()

const read = (dir, name) => {
  const path = `${dir}/${name}`
  return existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`))
}
const lines = (dir, name) => read(dir, name).toString().split('\n').filter(Boolean).map((line) => JSON.parse(line))

// --- a message ---

const skipString = (s, i) => {
  for (i++; s[i] !== '"'; i++) if (s[i] === '\\') i++
  return i + 1
}

// Behind the value that begins at i. The text is known to be valid JSON.
const skipValue = (s, i) => {
  let depth = 0
  if (!'"[{'.includes(s[i])) {
    while (i < s.length && !/[,\]}\s]/.test(s[i])) i++
    return i
  }
  do {
    if ('[{'.includes(s[i])) depth++
    if (']}'.includes(s[i])) depth--
    i = s[i] === '"' ? skipString(s, i) : i + 1
  } while (depth > 0)
  return i
}

// The members of an object as they are on the wire, the last of equal names.
const members = (s) => {
  const found = new Map()
  const blank = (i) => { while (/\s/.test(s[i])) i++; return i }
  if (s?.[0] !== '{') return found
  for (let i = blank(1); s[i] !== '}';) {
    const nameEnd = skipString(s, i)
    const name = JSON.parse(s.slice(i, nameEnd))
    const at = blank(blank(nameEnd) + 1)
    i = skipValue(s, at)
    found.set(name, s.slice(at, i))
    i = blank(i)
    if (s[i] === ',') i = blank(i + 1)
  }
  return found
}

const isJson = (text) => {
  try { JSON.parse(text); return true } catch { return false }
}
const string = (raw) => raw?.[0] === '"' ? raw : 'null'
const oneLine = (raw) => (raw ?? 'null').replace(/[\r\n]/g, ' ')

const messageLine = (text) => {
  const root = isJson(text) ? members(text.trim()) : new Map()
  if (root.get('type')?.[0] !== '"') return `{"event":"text","data":${JSON.stringify(text)}}`
  const type = root.get('type')
  const outer = root.get('body')
  const body = members(outer)
  const nested = ['channel', 'ch', 'noteUpdated'].includes(JSON.parse(type)) && outer?.[0] === '{'
  return `{"event":"message","type":${type},"id":${string(body.get('id'))},` +
    `"inner":${nested ? string(body.get('type')) : 'null'},"body":${oneLine(nested ? body.get('body') : outer)}}` +
    (typed && nested ? typedLine(JSON.parse(text)) : '')
}

// --- the line behind a message; JSON.stringify leaves out what is undefined ---

const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v)
const str = (v) => typeof v === 'string' ? v.toWellFormed() : undefined
const int = (v) => Number.isSafeInteger(v) ? v : undefined
const bool = (v) => typeof v === 'boolean' ? v : undefined
const list = (v, pick) => Array.isArray(v) ? v.filter(isObject).map(pick) : undefined
// The member, or the name it had up to v10 where there is no value of its kind.
const member = (object, name, old, fits) => object[name] === null || fits(object[name]) ? object[name] : object[old]

const typedUser = (user) => !isObject(user) ? undefined
  : { id: str(user.id), username: str(user.username), host: str(user.host), name: str(user.name) }

const typedReactions = (map) => !isObject(map) ? undefined
  : Object.fromEntries(Object.entries(map).map(([name, count]) => [str(name), int(count) ?? 0]))

const typedFile = (file) => ({ id: str(file.id), type: str(file.type), url: str(file.url) })
const typedChoice = (choice) => ({ text: str(choice.text), votes: int(choice.votes) })

const typedNote = (note) => ({
  id: str(note.id),
  createdAt: str(note.createdAt),
  text: str(note.text),
  cw: str(note.cw),
  visibility: str(note.visibility),
  localOnly: bool(note.localOnly),
  userId: str(note.userId),
  replyId: str(note.replyId),
  renoteId: str(note.renoteId),
  channelId: str(note.channelId),
  user: typedUser(note.user),
  reactions: typedReactions(member(note, 'reactions', 'reactionCounts', isObject)),
  files: list(member(note, 'files', 'media', Array.isArray), typedFile),
  poll: list(note.poll?.choices, typedChoice),
})

const typedUpdate = ({ id, type, body }) => ({
  id: str(id),
  type: str(type),
  reaction: str(body?.reaction),
  userId: str(body?.userId),
  choice: int(body?.choice),
  deletedAt: str(body?.deletedAt),
})

const typedNotification = (notification) => ({
  id: str(notification.id),
  createdAt: str(notification.createdAt),
  type: str(notification.type),
  userId: str(notification.userId),
  reaction: str(notification.reaction),
  user: typedUser(notification.user),
  noteId: str(notification.note?.id),
})

const notes = ['note', 'mention', 'reply', 'renote', 'edited']
const notifications = ['notification', 'unreadNotification']

// For a message whose body is an object.
const typedLine = ({ type, body }) => {
  const print = (kind, members) => `\n${JSON.stringify({ event: 'typed', kind, ...members })}`
  if (type === 'noteUpdated') return print('noteUpdate', typedUpdate(body))
  if (!isObject(body.body)) return ''
  if (notes.includes(body.type)) return print('note', typedNote(body.body))
  return notifications.includes(body.type) ? print('notification', typedNotification(body.body)) : ''
}

const payload = (m) => m.invalidUtf8 ? m.invalidUtf8.length / 2 : Buffer.byteLength(m.data)

const line = (m, role, capacity) => payload(m) > capacity || (m.binary && role === 'client')
  ? `{"event":"dropped","size":${payload(m)}}` : messageLine(m.data)

// --- the beginning ---

// Start line and headers, names in lower case; undefined if the head is not complete.
const parseHead = (bytes) => {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [start, ...rest] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = new Map()
  for (const header of rest) {
    const colon = header.indexOf(':')
    const name = header.slice(0, colon).toLowerCase()
    const value = header.slice(colon + 1).trim()
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value)
  }
  const get = (name) => headers.get(name)
  return { start, get, list: (name) => (get(name) ?? '').split(',').map((s) => s.trim()) }
}
const has = (head, name, token) => head.list(name).some((s) => s.toLowerCase() === token)
const closed = (code, error) => `{"event":"closed","code":${code},"error":"${error}"}`

// The closed line if there is no WebSocket, else undefined.
const refusedByServer = (answer, request) => {
  if (answer === undefined) return closed(0, 'TRANSPORT')
  const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(answer.start)[1])
  if (status !== 101) return closed(status, 'HTTP_STATUS')
  const key = request.get('sec-websocket-key')
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  const protocol = answer.get('sec-websocket-protocol')
  const fits = answer.get('sec-websocket-accept') === accept.digest('base64') &&
    (protocol === undefined || request.list('sec-websocket-protocol').includes(protocol))
  return fits ? undefined : closed(101, 'WS_ACCEPT')
}

const refusedByUs = (request) => {
  if (request === undefined) return closed(0, 'TRANSPORT')
  if (!/^\S+ \S+ HTTP\/1\.\d$/.test(request.start)) return closed(400, 'HTTP_SYNTAX')
  const wellFormed = /^GET \S+ HTTP\/1\.[1-9]$/.test(request.start) && /^[^,]+$/.test(request.get('host')) &&
    has(request, 'upgrade', 'websocket') && has(request, 'connection', 'upgrade') &&
    /^[A-Za-z0-9+/]{22}==$/.test(request.get('sec-websocket-key')) && request.get('sec-websocket-version')
  if (!wellFormed) return closed(400, 'HTTP_STATUS')
  return request.get('sec-websocket-version') === '13' ? undefined : closed(426, 'HTTP_STATUS')
}

// --- the end ---

const answers = { 1002: 'WS_PROTOCOL', 1007: 'WS_UTF8', 1009: 'TOO_BIG' }

const end = (close) => {
  if (close === undefined) return closed(1006, 'TRANSPORT')
  const { code } = close
  const valid = close.len === 0 || (code >= 1000 && code < 1015 && ![1004, 1005, 1006].includes(code)) ||
    (code >= 3000 && code < 5000)
  return valid ? closed(code ?? 1005, 'OK') : closed(1002, 'WS_PROTOCOL')
}

// A Close of the server with one of these codes, before any of the client, answers a breach of the protocol, and the
// breach is in the client's last piece of data.
const breach = (control, chunks) => {
  const close = control.find((c) => c.op === 'close')
  if (close?.dir !== 'recv' || !(close.code in answers)) return undefined
  return { line: closed(close.code, answers[close.code]), t: chunks.filter((c) => c.dir === 'send').at(-1).t }
}

const expect = (dir, role, small) => {
  const direction = role === 'client' ? 'recv' : 'send'
  const control = lines(dir, 'control.jsonl')
  const request = parseHead(read(dir, 'client.bin'))
  const refused = role === 'client' ? refusedByServer(parseHead(read(dir, 'server.bin')), request)
    : refusedByUs(request)
  const messages = lines(dir, 'messages.jsonl').filter((m) => m.dir === direction)
  const broken = role === 'server' ? breach(control, lines(dir, 'chunks.jsonl')) : undefined
  const delivered = messages.filter((m) => broken === undefined || m.t < broken.t)
  const last = broken?.line ?? end(control.find((c) => c.op === 'close' && c.dir === direction))
  const wire = (capacity) => refused !== undefined ? [refused]
    : ['{"event":"open"}', ...delivered.map((m) => line(m, role, capacity)), last]
  const texts = messages.filter((m) => m.invalidUtf8 === undefined).map((m) => line(m, role, Infinity))
  return { '': wire(Infinity), '.small': wire(small - 14), '.message': texts }
}

const [out, small, ...dirs] = options
const index = dirs.map((dir, number) => {
  for (const role of ['client', 'server']) {
    for (const [kind, text] of Object.entries(expect(dir, role, Number(small)))) {
      writeFileSync(`${out}/${number}.${role}${kind}`, text.map((s) => `${s}\n`).join(''))
    }
  }
  return `${number} ${read(dir, 'client.bin').length} ${read(dir, 'server.bin').length} ${dir}\n`
})
writeFileSync(`${out}/index`, index.join(''))
