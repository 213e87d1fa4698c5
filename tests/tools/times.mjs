// Dates for build/times, compared with what Date says of them.
// usage: node times.mjs PROGRAM [SEED]
// What toISOString writes must be read, as the same; whatever else is read must be what Date.parse makes of it. A date
// that is read in spite of Date.parse, or as another time, is printed; exit status 1.
import { execFileSync } from 'node:child_process'

const [program, seed = '1'] = process.argv.slice(2)
let state = Number(seed)
const below = (n) => { state = (state * 1664525 + 1013904223) >>> 0; return Math.floor(state / 2 ** 32 * n) }
const pick = (list) => list[below(list.length)]
const digits = (n) => Array.from({ length: n }, () => below(10)).join('')
const two = (n) => String(n).padStart(2, '0')

const most = 8640000000000000
const random = () => (below(2 ** 26) * 2 ** 27 + below(2 ** 27)) % (most + 1) * (below(2) ? 1 : -1)
const days = [-62167219200000, 253402300800000, 0, most, -most, 951782400000, 4107456000000]
const written = []
for (let i = 0; i < 60000; i++) written.push(random(), below(2 ** 31) * 2000, pick(days) + below(2000) - 1000)
const exact = written.filter((ms) => Math.abs(ms) <= most).map((ms) => new Date(ms).toISOString())

// The same form with fields of all kinds, in and out of range.
const years = () => pick([digits(4), digits(4), `+${digits(6)}`, `-${digits(6)}`, `+2757${digits(2)}`,
  `-2718${digits(2)}`, '-000000', '+000000', '0000', '9999', digits(5), `+${digits(4)}`, `-${digits(5)}`, ''])
const field = (least, most) => pick([two(least), two(most), two(most + 1), two(below(100)), two(below(most + 1)),
  two(below(most + 1)), two(below(most + 1)), String(below(10)), digits(3)])
const fraction = () => pick(['', '.', `.${digits(1)}`, `.${digits(2)}`, `.${digits(3)}`, `.${digits(3)}`,
  `.${digits(4 + below(40))}`])
const zone = () => pick(['Z', 'Z', 'Z', 'Z', '', 'z', '+00:00', '-00:00', `+${two(below(25))}:${two(below(61))}`,
  '+0900', ' Z'])
const made = Array.from({ length: 200000 }, () =>
  `${years()}-${field(1, 12)}-${field(1, 31)}${pick(['T', 'T', 'T', 'T', 't', ' '])}` +
  `${field(0, 23)}:${field(0, 59)}:${field(0, 59)}${fraction()}${zone()}`)
// One character is another one.
const changed = exact.slice(0, 40000).map((text) => {
  const at = below(text.length)
  return text.slice(0, at) + pick([...'0123456789+-:.TZ x', '']) + text.slice(at + 1)
})

const texts = [...exact, ...made, ...changed]
const got = execFileSync(program, { input: texts.join('\n') + '\n', maxBuffer: 1 << 28 }).toString().split('\n')
// Date.parse of V8 is wrong about some fractions of more than nine digits; those after the third do not count.
const parse = (text) => Date.parse(text.replace(/(\.\d{3})\d*/, '$1'))
const wrong = texts.filter((text, i) => got[i] !== (i < exact.length || got[i] !== 'NaN' ? String(parse(text)) : 'NaN'))
// What Date.parse takes of this form, with a month that has that day, must be read.
const form = /^(\d{4}|[+-]\d{6})-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d(\.\d+)?Z$/
const day = (text) => Number(/-(\d\d)T/.exec(text)[1])
const keeps = (text) => Number.isFinite(parse(text)) && new Date(parse(text)).getUTCDate() === day(text)
const refused = texts.filter((text, i) => got[i] === 'NaN' && form.test(text) && keeps(text))
const read = got.filter((text) => text !== 'NaN').length - 1
for (const text of [...wrong, ...refused].slice(0, 20)) console.log(`${text}: Date.parse says ${Date.parse(text)}`)
console.log(`${texts.length} texts, ${read} of them read as dates`)
process.exit(wrong.length + refused.length > 0 || read < exact.length + 1000 ? 1 : 0)
