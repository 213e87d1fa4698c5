// Recorded messages of servers, changed at random, as lines of a messages.jsonl: other ids and texts, numbers in other
// forms, members in another order, gone, null, of another type, twice or under another name, notes in notes; written
// with other escapes and white space.
// usage: node mutate.mjs SEED COUNT FILE... (messages.jsonl or .gz; COUNT messages of each)
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const [seed, count, ...files] = process.argv.slice(2)

let state = Number(seed) >>> 0
const below = (n) => { // mulberry32
  let t = (state = (state + 0x6d2b79f5) >>> 0)
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * n)
}
const pick = (list) => list[below(list.length)]
const times = (n, make) => Array.from({ length: n }, make)
const digits = (n, base) => times(n, () => below(base).toString(base)).join('')

// A value is { object: [[name, value]...] }, { array: [value...] }, { text } or { literal }, so that members can stand
// twice and numbers keep their form.
const tree = (v) => v === null || typeof v === 'boolean' || typeof v === 'number' ? { literal: JSON.stringify(v) }
  : typeof v === 'string' ? { text: v }
    : Array.isArray(v) ? { array: v.map(tree) } : { object: Object.entries(v).map(([name, x]) => [name, tree(x)]) }

// --- other values ---

const id = () => pick([
  () => digits(10, 36), () => digits(16, 36),                       // aid, aidx
  () => '8' + digits(23, 16), () => 'g' + digits(23, 16),           // meid, meidg
  () => digits(24, 16), () => `01${digits(24, 16).toUpperCase()}`,  // objectid, ulid
  () => '', () => 'undefined', () => 'x'.repeat(40), () => '日本"\\',
])()
const text = () => pick([
  () => '', () => '\ud800', () => '\udc00a', () => '\ud83d\ude00', () => '\ude00\ud83d', () => '👩\u200d❤\ufe0f\u200d👨',
  () => '\u0000', () => '\u0001\u001f"\\/\b\f\n\r\t\u007f\u2028\ufeff\uffff', () => '\\u0041', () => '}],"',
  () => 'é'.repeat(below(300)), () => 'x'.repeat(below(5000)), id,
  () => String.fromCharCode(...times(below(20), () => below(65536))),
])()
const number = () => ({
  literal: pick(['0', '-0', '1', '1.0', '1e0', '10e-1', '1E+2', '0.5', '-1', '1.5e1', '100000e-5', '0e5', '0.0', '1e-7',
    '9007199254740991', '-9007199254740991', '123456789012345678901234', '1e400', '123.000']),
})
const any = (deep = false) => pick([
  () => ({ literal: pick(['null', 'true', 'false']) }), number, () => ({ text: text() }),
  () => ({ array: deep ? [] : times(below(3), () => any(true)) }),
  () => ({ object: deep ? [] : [['id', any(true)], [`~${text()}`, any(true)]] }),
])()
const names = ['id', 'text', 'cw', 'user', 'files', 'media', 'poll', 'renote', 'reply', 'visibility', 'localOnly', 'userId',
  'replyId', 'renoteId', 'channelId', 'createdAt', 'username', 'host', 'name', 'choices', 'votes', 'type', 'url',
  'reaction', 'choice', 'deletedAt', 'note', 'emoji', 'body', 'constructor', '', 'ID', 'id\u0000', 'textt']

// Names of maps must stay different, decoded too.
const reactions = () => ({
  object: times(below(6), (_, i) => [
    pick([':x:', ':x@y.z:', '👍', 'a.b', text()]) + '~'.repeat(i + 1), pick([number(), any()]),
  ]),
})
const poll = () => ({
  object: [['choices', { array: times(below(4), () => pick([any(), { object: [['text', any()], ['votes', number()]] }])) }],
    ['multiple', any()]],
})
const list = () => ({
  array: times(below(4), () => pick([any(), { object: [['id', { text: id() }], ['type', any()], ['url', any()]] }])),
})

// --- changes ---

const isMap = (name) => name === 'reactions' || name === 'reactionCounts'

// Every value below v, with its name and how deep it is. Messages can be nested very deeply.
const walk = (v) => {
  const all = [{ v, name: '', depth: 0 }]
  for (let i = 0; i < all.length; i++) {
    const { depth } = all[i]
    for (const [name, x] of all[i].v.object ?? []) all.push({ v: x, name, depth: depth + 1 })
    for (const x of all[i].v.array ?? []) all.push({ v: x, name: '', depth: depth + 1 })
  }
  return all
}

const put = (object, name, value) => {
  const at = object.findIndex(([n]) => n === name)
  if (at >= 0) object[at][1] = value
  else object.push([name, value])
}

const mutate = (root) => {
  const all = walk(root)
  const objects = all.filter(({ v, name }) => v.object !== undefined && !isMap(name)).map(({ v }) => v.object)
  const { v: holder } = pick(all.filter(({ v, depth }) => v.object !== undefined && depth < 4))
  const o = pick(objects)
  const at = below(o.length)
  const place = below(o.length + 1)
  const body = objects[2] ?? o
  pick([
    () => o.sort(() => below(3) - 1),
    () => o.splice(at, 1),
    () => o.length > 0 && (o[at] = [o[at][0], any()]),
    () => o.length > 0 && o.splice(place, 0, [o[at][0], pick([any(), o[below(o.length)][1]])]),
    () => o.splice(place, 0, [pick(names), any()]),
    () => o.length > 0 && (o[at] = [pick(names), o[at][1]]),
    () => walk(holder).forEach(({ v, name }) => { if (v.text !== undefined && /id$/i.test(name)) v.text = id() }),
    () => walk(holder).forEach(({ v }) => { if (v.text !== undefined && below(4) === 0) v.text = text() }),
    () => walk(holder).forEach(({ v }) => { if (/^-?\d/.test(v.literal ?? '')) v.literal = number().literal }),
    () => body.splice(below(body.length + 1), 0, [pick(['renote', 'reply']), { object: [...body] }]),
    () => put(body, pick(['reactions', 'reactionCounts']), reactions()),
    () => put(body, 'poll', poll()),
    () => put(body, pick(['files', 'media']), list()),
  ])()
}

// --- writing ---

const short = { '"': '\\"', '\\': '\\\\', '/': '\\/', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const write = (root, escaped, spaced) => {
  const white = () => spaced ? pick(['', '', ' ', '\t', '\n ', '\r']) : ''
  const literal = (s) => `"${Array.from(s, (c) => {
    const must = c < ' ' || c === '"' || c === '\\' || (c.length === 1 && c >= '\ud800' && c < '\ue000')
    if (!must && !(escaped && below(8) === 0)) return c
    if (short[c] !== undefined && below(3) > 0) return short[c]
    const hex = (i) => c.charCodeAt(i).toString(16).padStart(4, '0')
    return times(c.length, (_, i) => `\\u${below(2) === 0 ? hex(i) : hex(i).toUpperCase()}`).join('')
  }).join('')}"`
  const value = (v) => v.text !== undefined ? literal(v.text) : v.literal ??
    (v.array !== undefined ? `[${white()}${v.array.map(value).join(`${white()},${white()}`)}${white()}]`
      : `{${white()}${v.object.map(([n, x]) => `${literal(n)}${white()}:${white()}${value(x)}`)
        .join(`${white()},${white()}`)}${white()}}`)
  return value(root)
}

const lines = []
for (const file of files) {
  const bytes = readFileSync(file)
  const messages = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').filter(Boolean)
    .map((line) => JSON.parse(line)).filter(({ dir, data }) => dir === 'recv' && data[0] === '{' && data.length < 100000)
  for (let i = 0; i < Number(count) && messages.length > 0; i++) {
    const root = tree(JSON.parse(pick(messages).data))
    for (let n = 1 + below(5); n > 0; n--) mutate(root)
    lines.push(`${JSON.stringify({ dir: 'recv', data: write(root, below(2) === 0, below(2) === 0) })}\n`)
  }
}
process.stdout.write(lines.join(''))
