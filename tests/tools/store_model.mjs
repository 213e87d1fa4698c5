// A note store as slow and plain as can be, next to the one of misskey_stream.h: both are told the same, and must say
// the same. Written from the rules (the doc of >>store, protocol/events.md sections 2 and 3), not from the code.
// usage: node store_model.mjs [OPTION...] PROGRAM recordings FOLDER      what happened there and below, note by note
//        node store_model.mjs [OPTION...] PROGRAM random SEED COUNT     COUNT random updates, with notes between them
//   PROGRAM        build/store_play
//   --notes N --size BYTES   of the store; default 9 and 4096
//   --twice        the program repeats everything, which must change nothing
//   --cut          notes may be too large: after each CUT the model goes on with what the store has kept
//   --noise        white space and escapes that servers do not write
// Prints one line of counts. Exit status: 0; 1 they differ: the first difference is on stderr; 2 usage.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const NEW = 1, REACTIONS = 2, MY_REACTION = 4, POLL = 8, TEXT = 16, DELETED = 32, REST = 64, REFETCH = 128, CUT = 256;
const partOf = {
    reactions: REACTIONS, reactionCounts: REACTIONS, reactionCount: REACTIONS, reactionEmojis: REACTIONS,
    myReaction: MY_REACTION, poll: POLL, deletedAt: DELETED,
    text: TEXT, cw: TEXT, files: TEXT, fileIds: TEXT, media: TEXT, mediaIds: TEXT,
};

const viewerMembers = ['myReaction', 'poll', 'user', 'reply', 'renote'];    // of minimized notes

const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);
const clone = (v) => structuredClone(v);
const asText = (v) => (typeof v === 'string' ? v : '');

// Equal, in whatever order the members stand.
function equal(a, b) {
    if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => equal(v, b[i]));
    if (!isObject(a)) return a === b;
    const keys = Object.keys(a);
    return isObject(b) && keys.length === Object.keys(b).length && keys.every((k) => k in b && equal(a[k], b[k]));
}

// Which parts of a note differ from what its members were; values with another order of members differ.
const members = (note) => new Map(Object.entries(note).filter(([key, value]) => key !== 'deletedAt' || value !== null)
    .map(([key, value]) => [key, JSON.stringify(value)]));

function difference(before, note) {
    const after = members(note);
    let bits = 0;
    for (const key of [...before.keys(), ...after.keys()]) {
        if (before.get(key) !== after.get(key)) bits |= partOf[key] ?? REST;
    }
    return bits;
}

function normalForm(reaction) {
    const text = reaction.includes('\u200d') ? reaction : reaction.replaceAll('\ufe0f', '');
    return /^:[^@]+:$/s.test(text) ? `${text.slice(0, -1)}@.:` : text;
}

const isMinimized = (note) => typeof note.userId !== 'string' && typeof note.createdAt !== 'string';

function isRenote(note) {
    const files = Array.isArray(note.fileIds) ? note.fileIds : note.files;
    return typeof note.renoteId === 'string' && !['text', 'cw', 'replyId'].some((name) => typeof note[name] === 'string') &&
        !isObject(note.poll) && !isObject(note.event) && note.hasPoll !== true &&
        (!Array.isArray(files) || files.length === 0);
}

// A time as misskey_jstr_time reads it, or NaN.
const timeOf = (v) => (typeof v === 'string' && /^\d{4}-\d\d-\d\dT/.test(v) ? Date.parse(v) : NaN);

// --- the model ---

class Store {
    // Entries stand in the map by use, the least recently used first.
    constructor(notes, doings, me) {
        Object.assign(this, { capacity: notes, doings, me, entries: new Map() });
    }

    touch(id) {
        const entry = this.entries.get(id);
        if (entry === undefined) return;
        this.entries.delete(id);
        this.entries.set(id, entry);
    }

    // A place for a new note, or undefined; keep must not go.
    make(id, keep) {
        if (this.entries.size === this.capacity) {
            const victim = [...this.entries.values()].find((e) => e.holds + e.along === 0 && e !== keep);
            if (victim === undefined) return undefined;
            this.entries.delete(victim.id);
        }
        const entry = { id, note: { id }, viewed: false, complete: false, deleted: false, refetch: false, holds: 0 };
        Object.assign(entry, { told: 0, takenBack: false });
        Object.assign(entry, { along: 0, held: null });
        entry.seen = new Map();
        this.entries.set(id, entry);
        return entry;
    }

    // True: this was not known. The latest doings stay.
    remember(entry, doing, done) {
        const known = entry.seen.get(doing) === done;
        entry.seen.delete(doing);
        entry.seen.set(doing, done);
        if (entry.seen.size > this.doings) entry.seen.delete(entry.seen.keys().next().value);
        return !known;
    }

    // source: 'copy', 'edit' or 'fetched'
    put(note, source) {
        let entry = this.entries.get(note.id);
        const fresh = entry === undefined;
        if (isRenote(note) && (note.renote?.id ?? note.renoteId) === note.renoteId) this.touch(note.renoteId);
        if (fresh) entry = this.make(note.id, null);
        if (entry === undefined) return 'FULL';
        const bits = this.merge(entry, note, fresh, source);
        this.touch(entry.id);
        const inner = isMinimized(note) || isRenote(note) ? this.putInner(entry, note.renote, source) : undefined;
        if (entry.holds > 0) this.holdAlong(entry, inner);
        return `OK ${bits}`;
    }

    // The note that a renote repeats gets an entry of its own. No source: what is known of it is from long ago.
    putInner(row, inner, source) {
        const id = row.note.renoteId;
        if (!isRenote(row.note) || (inner?.id ?? id) !== id) return undefined;
        const old = this.entries.get(id);
        const entry = old ?? (isObject(inner) && 'id' in inner ? this.make(id, row) : undefined);
        if (entry === undefined) return undefined;
        if (isObject(inner) && (source !== undefined || old === undefined)) {
            this.merge(entry, inner, old === undefined, source ?? 'copy');
        }
        this.touch(id);
        this.touch(row.id);
        return entry;
    }

    merge(entry, note, fresh, source) {
        if (entry.deleted) return 0;
        const before = members(entry.note);
        const told = this.stillTold(entry, note, source);
        if (source === 'fetched' || (!isMinimized(note) && !entry.complete)) entry.takenBack = false;
        if (source !== 'copy') entry.undated = false;
        if (source === 'fetched') entry.told = REACTIONS | POLL;
        if (source === 'edit') entry.told |= TEXT;
        const learnt = this.pairsOf(entry, note, told);
        entry.note = this.merged(entry, clone(note), fresh, source, told);
        if (isMinimized(note)) entry.viewed = true;
        else Object.assign(entry, { refetch: false, complete: true });
        this.restoreVotes(entry);
        if (source === 'fetched') this.forget(entry);
        for (const doing of learnt) if (!entry.seen.has(doing)) this.remember(entry, doing, true);
        return fresh ? NEW : difference(before, entry.note);
    }

    // Who has reacted, by what a copy says of those reactions that it is taken for.
    pairsOf(entry, note, told) {
        const pairs = Array.isArray(note.reactionAndUserPairCache) ? note.reactionAndUserPairCache.map(asText) : [];
        const count = (counts, reaction) => {
            const key = isObject(counts) ? Object.keys(counts).find((k) => normalForm(k) === reaction) : undefined;
            return key === undefined ? undefined : Number.isInteger(counts[key]) ? counts[key] : 0;
        };
        const doings = [];
        for (const pair of pairs.filter((text) => text.includes('/'))) {
            const slash = pair.indexOf('/'), reaction = normalForm(pair.slice(slash + 1));
            const came = count(note.reactions, reaction), had = count(entry.note.reactions, reaction);
            const more = came !== undefined && (had === undefined || came > had);
            if ((told & REACTIONS) !== 0 && (entry.takenBack || !more)) continue;
            doings.push(`reaction ${pair.slice(0, slash)} ${reaction}`);
        }
        return doings;
    }

    // What this form must not change.
    stillTold(entry, note, source) {
        if (source === 'fetched') return 0;
        const came = timeOf(note.updatedAt), had = timeOf(entry.note.updatedAt);
        const later = came > had && !entry.undated;
        return source === 'edit' || later ? entry.told & ~TEXT : entry.told;
    }

    // After the truth only the own votes are still known.
    forget(entry) {
        const choices = entry.note.poll?.choices;
        entry.seen.clear();
        for (const [i, choice] of Array.isArray(choices) ? choices.entries() : []) {
            if (!isObject(choice) || choice.isVoted !== true || this.me === undefined) continue;
            this.remember(entry, `vote ${this.me} ${Number.isInteger(choice.id) ? choice.id : i}`, true);
        }
    }

    // A minimized form goes over what is there. What such forms have, made for the viewer, stays from then on. What
    // updates have told stays, but for counts that only grow.
    merged(entry, note, fresh, source, told) {
        const old = entry.note;
        if (fresh) return note;
        const minimized = isMinimized(note);
        const all = minimized ? { ...old, ...note } : { ...note };
        if (!minimized && 'myReaction' in old && !('myReaction' in note)) all.myReaction = old.myReaction;
        const viewed = entry.viewed || minimized;
        for (const key of minimized ? Object.keys(old) : viewed ? viewerMembers : []) {
            const both = isObject(old[key]) && isObject(note[key]);
            const over = minimized || source === 'fetched';
            const own = key === 'poll' || key === 'myReaction';
            if (both && key === 'poll' && !over) all.poll = this.raised(entry, key, clone(old.poll), note.poll);
            else if (both) all[key] = { ...old[key], ...note[key] };
            else if (!minimized && key in old && !(key in note && (over || !own))) all[key] = old[key];
        }
        for (const key of new Set([...Object.keys(old), ...Object.keys(all)])) {
            const part = key === 'updatedAt' ? TEXT : partOf[key];
            if ((part & told) !== 0) all[key] = this.raised(entry, key, key in old ? old[key] : clone(note[key]), note[key]);
        }
        return all;
    }

    raised(entry, key, old, copy) {
        const both = isObject(old) && isObject(copy);
        const greater = (a, b) => (Number.isInteger(b) && b > a ? b : a);
        if (key === 'poll' && both) {
            const poll = { ...old, ...copy, ...old };
            for (const [i, choice] of Array.isArray(copy.choices) ? copy.choices.entries() : []) {
                const number = Number.isInteger(choice?.id) ? choice.id : i;
                const mine = this.choice(poll, number);
                const votes = Number.isInteger(mine?.votes) ? mine.votes : 0;
                if (mine !== undefined && greater(votes, choice?.votes) > votes) mine.votes = choice.votes;
                if (mine !== undefined && choice?.isVoted === true) mine.isVoted = true;
            }
            return poll;
        }
        if (key === 'reactionEmojis' && both) return { ...old, ...copy, ...old };
        if (partOf[key] !== REACTIONS || entry.takenBack) return old;
        if (Number.isInteger(old)) return greater(old, copy);
        if (!both) return old;
        for (const [reaction, count] of Object.entries(copy)) {
            const known = Object.keys(old).find((k) => normalForm(k) === normalForm(reaction));
            const had = Number.isInteger(old[known]) ? old[known] : 0;
            if (greater(had, count) > had) old[known ?? reaction] = count;
        }
        return old;
    }

    restoreVotes(entry) {
        const choices = entry.note.poll?.choices;
        for (const [i, choice] of Array.isArray(choices) ? choices.entries() : []) {
            if (!isObject(choice)) continue;
            const number = Number.isInteger(choice.id) ? choice.id : i;
            if (entry.seen.has(`vote ${this.me} ${number}`)) choice.isVoted = true;
        }
    }

    choice(poll, number) {
        const is = (c, i) => isObject(c) && (Number.isInteger(c.id) ? c.id : i) === number;
        return Array.isArray(poll?.choices) ? poll.choices.find(is) : undefined;
    }

    // cut: the store had no room, so it does not count what follows.
    update(id, type, body, cut) {
        const entry = this.entries.get(id);
        if (entry === undefined || entry.deleted) return 0;
        const before = members(entry.note);
        const facts = isObject(body) ? body : {};
        let bits = 0;
        if (type === 'reacted' || type === 'unreacted') this.react(entry, facts, type === 'reacted', cut);
        if (type === 'pollVoted') this.vote(entry, facts, cut);
        if (type === 'deleted' || type === 'madePrivate') {
            entry.note.deletedAt = asText(facts.deletedAt);
            entry.deleted = true;
        }
        if (type === 'updated') bits = this.edit(entry, facts, cut);
        return bits | difference(before, entry.note);
    }

    react(entry, body, up, cut) {
        if (typeof body.reaction !== 'string') return;
        const reaction = normalForm(body.reaction);
        if (!cut) entry.told |= REACTIONS;
        if (!cut && this.me !== undefined && body.userId === this.me) entry.told |= MY_REACTION;
        if (cut || !this.remember(entry, `reaction ${asText(body.userId)} ${reaction}`, up)) return;
        const note = entry.note;
        if (!up) entry.takenBack = true;
        const mine = this.me !== undefined && body.userId === this.me;
        this.count(note, reaction, up);
        if (up) this.learnEmoji(note, body.emoji);
        if (mine && up) note.myReaction = reaction;
        if (mine && !up && typeof note.myReaction === 'string' && normalForm(note.myReaction) === reaction) {
            note.myReaction = null;
        }
    }

    count(note, reaction, up) {
        const member = !isObject(note.reactions) && isObject(note.reactionCounts) ? 'reactionCounts' : 'reactions';
        const key = Object.keys(note[member] ?? {}).find((k) => normalForm(k) === reaction);
        if (!up && key === undefined) return;
        if (!isObject(note[member])) note[member] = {};
        const counts = note[member], old = Number.isInteger(counts[key]) ? counts[key] : 0;
        if (up) counts[key ?? reaction] = old + 1;
        else if (old > 1) counts[key] = old - 1;
        else delete counts[key];
        if (!Number.isInteger(note.reactionCount)) return;
        if (up || note.reactionCount > 0) note.reactionCount += up ? 1 : -1;
    }

    learnEmoji(note, emoji) {
        if (!isObject(emoji) || typeof emoji.name !== 'string' || typeof emoji.url !== 'string') return;
        if (!emoji.name.includes('@') || emoji.name.endsWith('@.')) return;
        if (!isObject(note.reactionEmojis)) note.reactionEmojis = {};
        note.reactionEmojis[emoji.name] ??= emoji.url;
    }

    vote(entry, body, cut) {
        if (!Number.isInteger(body.choice)) return;
        const choice = this.choice(entry.note.poll, body.choice);
        if (choice !== undefined && !cut) entry.told |= POLL;
        if (choice === undefined || cut) return;
        if (!this.remember(entry, `vote ${asText(body.userId)} ${body.choice}`, true)) return;
        choice.votes = Number.isInteger(choice.votes) ? choice.votes + 1 : 1;
        if (this.me !== undefined && body.userId === this.me) choice.isVoted = true;
    }

    edit(entry, body, cut) {
        if (isObject(body.note)) return body.note.id === entry.id ? this.merge(entry, body.note, false, 'edit') : 0;
        for (const key of ['text', 'cw', 'fileIds', 'files', 'updatedAt', 'deleteAt']) {
            if (!(key in body)) continue;
            entry.note[key] = body[key];
            if (partOf[key] === TEXT && !cut) entry.told |= TEXT;
        }
        if ('updatedAt' in body) entry.undated = false;
        else if (['text', 'cw', 'fileIds', 'files'].some((key) => key in body)) entry.undated = true;
        if ('text' in body || 'cw' in body || entry.refetch) return 0;
        entry.refetch = true;
        return REFETCH;
    }

    get(id) {
        this.touch(id);
        return this.entries.get(id);
    }

    // The note that a renote repeats is held along with it.
    hold(id) {
        const row = this.entries.get(id);
        if (row === undefined) return 'STALE';
        row.holds++;
        if (row.held === null) this.holdAlong(row, this.putInner(row, row.note.renote, undefined));
        return 'OK';
    }

    holdAlong(row, inner) {
        if (row.held !== null || inner === undefined) return;
        row.held = inner;
        inner.along++;
    }

    release(id) {
        const row = this.entries.get(id);
        if (row === undefined || row.holds === 0) return 'STALE';
        if (row.holds === 1 && row.held !== null) {
            if (--row.held.along + row.held.holds === 0) this.touch(row.held.id);
            row.held = null;
        }
        if (--row.holds + row.along === 0) this.touch(id);
        return 'OK';
    }
}

// --- both together ---

class Match {
    constructor(options) {
        const { program, twice, cut, noise, notes, size, me } = options;
        Object.assign(this, { twice, cut, noise, exact: !noise && !cut, limit: size - (size >> 2) });
        this.store = new Store(notes, size >> 5, me);
        this.waiting = [];
        this.counts = { puts: 0, updates: 0, notes: 0, effective: 0, cut: 0 };
        this.child = spawn(program, twice ? ['--twice'] : [], { stdio: ['pipe', 'pipe', 'inherit'] });
        this.done = new Promise((resolve) => this.child.on('close', resolve));
        this.child.stdin.on('error', () => {});
        this.rest = [];
        this.child.stdout.on('data', (data) => this.take(data));
        this.say(`init ${notes} ${size} ${me ?? ''}`, (line) => this.same(line, 'OK'));
    }

    // An answer ends with LF and nothing else.
    take(data) {
        let from = 0, to;
        while ((to = data.indexOf(10, from)) >= 0) {
            const line = Buffer.concat([...this.rest, data.subarray(from, to)]).toString();
            this.rest = [];
            from = to + 1;
            const { command, check } = this.waiting.shift();
            this.command = command;
            check(line);
        }
        if (from < data.length) this.rest.push(data.subarray(from));
    }

    say(command, check) {
        this.waiting.push({ command, check });
        this.full = !this.child.stdin.write(`${command}\n`);
    }

    // Lets the other side catch up.
    async pause() {
        if (this.child.exitCode !== null) await this.end();
        if (!this.full) return;
        await Promise.race([once(this.child.stdin, 'drain').catch(() => {}), this.done]);
        this.full = false;
    }

    fail(got, expected) {
        const id = JSON.parse(this.command.replace(/^\w+ /, '').replace(/^[^{].*/, (text) => JSON.stringify(text)));
        const note = this.store.entries.get(id.body?.id ?? id.id ?? id)?.note;
        process.stderr.write(`command: ${this.command.slice(0, 3000)}\nstore:   ${got.slice(0, 3000)}\n` +
            `model:   ${expected.slice(0, 3000)}\nthe note in the model: ${JSON.stringify(note)?.slice(0, 3000)}\n`);
        process.exit(1);
    }

    same(line, expected) {
        if (line !== expected) this.fail(line, expected);
    }

    // Are these the bits of the model? Other white space or another order of members may count as a change.
    sameBits(line, expected) {
        const bits = Number(expected.replace('OK ', '')), got = Number(line.replace('OK ', ''));
        const more = !this.exact && line.startsWith('OK') === expected.startsWith('OK') && (got & bits) === bits;
        if (line !== expected && !more) this.fail(line, expected);
        if (got > 0) this.counts.effective++;
    }

    put(note, text = JSON.stringify(note), source = 'copy') {
        this.say(`${source === 'fetched' ? 'put_fetched' : 'put'} ${text}`, (line) => {
            this.counts.puts++;
            const cut = this.wasCut(line);
            const before = this.store.entries.get(note.id)?.note;
            const put = () => this.store.put(note, source);
            const expected = this.uncertain(note.renoteId ?? rows[note.id], () => this.again(note.id, cut, put));
            if (cut) this.adopt(line, note.id, before);
            else this.sameBits(line, expected);
        });
        if (this.cut) this.getBoth(note.id, note.renoteId ?? rows[note.id]);
    }

    getBoth(id, inner) {
        this.get(id);
        if (typeof inner === 'string') this.get(inner);
    }

    // What is not said of the note that a renote repeats: whether it was cut.
    uncertain(inner, change) {
        const before = this.store.entries.get(inner)?.note;
        const answer = change();
        if (this.cut && this.store.entries.has(inner)) this.adopt('', inner, before);
        return answer;
    }

    update(message, text = JSON.stringify(message)) {
        const { id, type, body } = message.body;
        this.say(`update ${text}`, (line) => {
            this.counts.updates++;
            const cut = this.wasCut(line);
            const before = this.cut ? clone(this.store.entries.get(id)?.note) : undefined;
            const expected = this.again(id, cut, () => this.store.update(id, type, body, cut));
            if (!cut) this.sameBits(line, String(expected));
            if (cut || (this.cut && this.store.entries.get(id)?.deleted)) this.adopt(line, id, before);
        });
        if (this.cut) this.get(id);
    }

    // What the program does with --twice. The second time may still change what is remembered, where that is full.
    again(id, cut, apply) {
        const answer = apply();
        if (this.twice && !cut) apply();
        if (this.twice) this.store.touch(id);
        return answer;
    }

    wasCut(line) {
        const cut = this.cut === true && (Number(line.replace('OK ', '')) & CUT) !== 0;
        this.counts.cut += cut;
        return cut;
    }

    // The next get says what was kept: of each member what it is now, or was before. A deleted note may have lost all.
    adopt(line, id, before) {
        const entry = this.store.entries.get(id);
        entry.kept = { before: before ?? {}, line };
    }

    get(id) {
        this.say(`get ${id}`, (line) => {
            this.counts.notes++;
            const entry = this.store.get(id);
            if (entry === undefined || line === '-') return this.same(line, entry === undefined ? '-' : 'a note');
            const note = JSON.parse(line);
            if (entry.kept !== undefined) this.keep(entry, note);
            if (!equal(note, entry.note)) this.fail(line, JSON.stringify(entry.note));
        });
    }

    keep(entry, note) {
        const { before, line } = entry.kept;
        const known = (value, old, now) => equal(value, old) || equal(value, now) || (typeof value === 'object' &&
            value !== null && Object.keys(value).every((k) => known(value[k], old?.[k], now?.[k])));
        const whole = Buffer.byteLength(JSON.stringify(entry.note));
        if (!Object.keys(note).every((k) => known(note[k], before[k], entry.note[k]))) {
            this.fail(JSON.stringify(note), `${JSON.stringify(before)} or ${JSON.stringify(entry.note)}`);
        }
        if (entry.deleted && note.deletedAt !== entry.note.deletedAt) this.fail(JSON.stringify(note), 'the same deletedAt');
        if (line.startsWith('OK') && !this.noise && whole + 32 <= this.limit) this.fail(line, `${whole} bytes do fit`);
        delete entry.kept;
        entry.note = note;
    }

    hold(id) {
        this.say(`hold ${id}`, (line) => this.same(line, this.uncertain(rows[id], () => this.store.hold(id))));
        if (this.cut) this.getBoth(id, rows[id]);
    }

    release(id) {
        this.say(`release ${id}`, (line) => this.same(line, this.store.release(id)));
    }

    async end() {
        this.child.stdin.end();
        const status = await this.done;
        if (status !== 0 || this.waiting.length > 0) {
            process.stderr.write(`it ended with status ${status}; ${this.waiting.length} answers are missing\n`);
            process.exit(1);
        }
    }
}

// --- recordings ---

const noteEvents = new Set(['note', 'mention', 'reply', 'renote', 'quote', 'edited']);

function filesBelow(folder) {
    const entries = readdirSync(folder, { withFileTypes: true });
    const files = entries.filter((e) => /^messages\.jsonl(\.gz)?$/.test(e.name)).map((e) => join(folder, e.name));
    const folders = entries.filter((e) => e.isDirectory()).map((e) => e.name).sort();
    return [...files, ...folders.flatMap((name) => filesBelow(join(folder, name)))];
}

function* messagesOf(file) {
    const bytes = readFileSync(file);
    for (const line of (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n')) {
        if (line === '') continue;
        const { dir, data, binary } = JSON.parse(line);
        if (dir !== 'recv' || binary) continue;
        try {
            const message = JSON.parse(data);
            if (isObject(message) && isObject(message.body)) yield { message, data };
        } catch {
            // not every text is JSON
        }
    }
}

function noteOf({ type, body }) {
    if (type !== 'channel') return undefined;
    const note = body.type === 'notification' ? body.body?.note : noteEvents.has(body.type) ? body.body : undefined;
    return isObject(note) && typeof note.id === 'string' ? note : undefined;
}

// Who reacts and votes most: the own user, as the store sees it.
function busiest(files) {
    const counts = new Map();
    for (const file of files) {
        for (const { message: { type, body } } of messagesOf(file)) {
            const user = type === 'noteUpdated' ? body.body?.userId : undefined;
            if (typeof user === 'string') counts.set(user, (counts.get(user) ?? 0) + 1);
        }
    }
    return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

async function recordings(options, folder) {
    const files = filesBelow(folder);
    const match = new Match({ ...options, me: busiest(files) });
    for (const file of files) {
        for (const { message, data } of messagesOf(file)) {
            const note = noteOf(message);
            const update = message.type === 'noteUpdated' && typeof message.body.id === 'string';
            if (note !== undefined) {
                match.put(note);
                match.getBoth(note.id, note.renoteId);
            }
            if (update) {
                match.update(message, data);
                match.get(message.body.id);
            }
            await match.pause();
        }
    }
    return match;
}

// --- random traffic ---

function generator(seed) {
    let state = seed >>> 0;
    const next = () => { // mulberry32
        let t = (state = (state + 0x6d2b79f5) >>> 0);
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const below = (n) => Math.floor(next() * n);
    return { below, chance: (p) => next() < p, pick: (list) => list[below(list.length)] };
}

const users = ['me', 'u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'u7', 'u8', 'me2', 'm', ''];
const reactions = [':x:', ':x@.:', ':x@h.example:', ':y.z:', ':y.z@.:', '❤', '❤\ufe0f', '👍', '👩\u200d❤\ufe0f\u200d👨',
    '👩\u200d❤\u200d👨', 'like', ':', '::', ':a', '"', 'a\\b', '\u0007'];
const emojis = [{ name: 'x@h.example', url: 'https://h.example/x.png' }, { name: 'x@h.example', url: 'https://other/' },
    { name: 'y@.', url: 'u' }, { name: 'y', url: 'u' }, { name: 'z@i', url: '"\\"' }, { name: 'w@i' }, null, 'text', 7];
const texts = ['', 'a', 'text "with" \\ and \n', 'テキスト 🫠', 'a longer text, so that places change', null];
const noteIds = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'a-note-id-of-thirty-two-characters'.slice(0, 32)];
const rows = { r0: 'n0', r1: 'n1', r2: 'n2', r3: 'n2' };    // and what they repeat

class Traffic {
    constructor(seed, { noise, cut }) {
        Object.assign(this, generator(seed), { noise, cut, sent: [undefined], late: [] });
    }

    // As JSON.stringify, but where noise is wanted with white space and escapes in between.
    write(value) {
        if (!this.noise || this.chance(0.5)) return JSON.stringify(value);
        const gap = () => this.pick(['', '', '', ' ', '\t', '\r ']);
        if (typeof value === 'string') return this.escape(JSON.stringify(value));
        if (Array.isArray(value)) return `[${gap()}${value.map((v) => this.write(v) + gap()).join(`,${gap()}`)}]`;
        if (!isObject(value)) return JSON.stringify(value);
        const plain = (k, v) => (['id', 'renoteId', 'name'].includes(k) ? JSON.stringify(v) : this.write(v));
        const members = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}${gap()}:${gap()}${plain(k, v)}`);
        return `{${gap()}${members.join(`${gap()},${gap()}`)}${gap()}}`;
    }

    // Some characters as \u escapes, those beyond U+FFFF as two.
    escape(literal) {
        const escaped = (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
        return literal.replace(/(?<!\\)[a-z.@:\ufe0f❤]|[\u{10000}-\u{10ffff}]/gu,
            (c) => (this.chance(0.8) ? c : c.split('').map(escaped).join('')));
    }

    counts() {
        const counts = {};
        for (let n = this.below(4); n > 0; n--) counts[this.pick(reactions)] = this.below(4);
        if (this.chance(0.02)) counts[this.pick(reactions)] = this.pick([null, 'x', -1, 1.5, -7]);
        return counts;
    }

    poll(minimized) {
        const old = this.chance(0.2);
        const choices = ['a', 'b', 'c'].map((text, i) => ({
            ...(old ? { id: 2 * i } : {}), text, votes: this.below(5), ...(this.chance(0.8) ? { isVoted: false } : {}),
        }));
        if (this.chance(0.05)) choices[this.below(3)] = this.pick(['a', 5, null, []]);
        return minimized ? { choices } : { expiresAt: null, multiple: true, choices };
    }

    minimizedNote(id) {
        const note = { id };
        if (this.chance(0.5)) note.myReaction = this.pick([null, ...reactions]);
        if (this.chance(0.4) && !(id in rows)) note.poll = this.poll(true); // what has a poll is no renote
        if (this.chance(0.2)) note.user = { badgeRoles: [] };
        if (this.chance(0.2)) note[this.pick(['reply', 'renote'])] = { myReaction: this.pick(reactions) };
        return note;
    }

    note(id) {
        const note = { id, createdAt: '2026-11-23T21:06:09.768Z', userId: this.pick(users) };
        note.user = { id: 'u1', name: null };
        note.text = this.pick(texts);
        if (this.chance(0.8)) note.cw = this.pick(texts);
        if (this.chance(0.9)) note[this.chance(0.1) ? 'reactionCounts' : 'reactions'] = this.counts();
        if (this.chance(0.6)) note.reactionCount = this.pick([0, 1, 5, null, '1']);
        if (this.chance(0.6)) note.reactionEmojis = this.chance(0.2) ? { 'x@h.example': 'https://h.example/x' } : {};
        if (this.chance(0.1)) note.reactionEmojis = null;
        if (this.chance(0.4)) note.files = this.pick([[], [{ id: 'f' }]]);
        if (this.chance(0.4)) note.fileIds = this.pick([[], ['f']]);
        if (this.chance(0.4)) note.poll = this.pick([null, this.poll(false), this.poll(false)]);
        if (this.chance(0.2)) note.myReaction = this.pick([null, ...reactions]);
        if (this.chance(0.3)) {
            note.reactionAndUserPairCache = Array.from({ length: this.below(17) },
                () => this.pick([`${this.pick(users)}/${this.pick(reactions)}`, 'none', 7]));
        }
        if (this.chance(0.2)) note.updatedAt = this.pick(['1', ...[1, 2, 3].map((n) => `2026-11-24T00:00:0${n}.000Z`)]);
        if (this.chance(0.05)) note.hasPoll = this.pick([true, false, 1]);
        if (this.chance(0.1)) note.renote = this.note('q');
        return note;
    }

    renote(id) {
        const row = { id, renoteId: rows[id], ...this.note(id), text: null, cw: null, replyId: null, files: [] };
        delete row.poll;
        row.renote = this.note(row.renoteId);
        if (this.chance(0.1)) row.renote = this.pick([null, {}, this.minimizedNote(rows[id])]);
        if (this.chance(0.2) && !this.cut) row.text = 'a quote'; // where that is cut, it is a renote again
        if (this.chance(0.02)) row.renote = this.note('n7');
        return row;
    }

    noteOrLess(id) {
        return this.chance(0.2) ? this.minimizedNote(id) : this.note(id);
    }

    anyNote() {
        const id = this.pick(noteIds);
        const row = this.pick(Object.keys(rows));
        if (this.chance(0.25)) return this.minimizedNote(this.cut ? id : this.pick([id, row]));
        return this.chance(0.3) ? this.renote(row) : this.note(id);
    }

    edited(id) {
        const body = {};
        if (this.chance(0.2)) return this.pick([null, {}, [], { note: null }, { note: { id: 'n0', text: 'x' } }]);
        if (this.chance(0.2)) return { note: id in rows ? this.renote(id) : this.noteOrLess(id), text: 'unused' };
        for (const key of ['text', 'cw', 'updatedAt', 'deleteAt']) {
            if (this.chance(0.4)) body[key] = this.pick(texts);
        }
        if (this.chance(0.2)) body.files = [{ id: 'f' }];
        if (this.chance(0.2)) body.fileIds = ['f'];
        return body;
    }

    newUpdate() {
        const id = this.pick(this.chance(0.9) ? noteIds : [...Object.keys(rows), 'absent']);
        const userId = this.pick(users), n = this.below(1000);
        const say = (type, body) => ({ type: 'noteUpdated', body: { id, type, body } });
        const done = this.chance(0.2) ? this.pick(this.sent) : undefined;
        if (done?.body.type === 'reacted') return { ...done, body: { ...done.body, type: 'unreacted' } };
        if (n < 450) {
            return say('reacted', { reaction: this.pick(reactions), userId,
                ...(this.chance(0.6) ? { emoji: this.pick(emojis) } : {}) });
        }
        if (n < 780) return say('unreacted', { reaction: this.pick(reactions), userId });
        if (n < 900) return say('pollVoted', { choice: this.pick([0, 1, 2, 3, 4, 5, -1, '1', null, 1.5]), userId });
        if (n < 950) return say('updated', this.edited(id));
        if (n < 951) return say(this.pick(['deleted', 'madePrivate']), this.pick([{ deletedAt: 'then' }, {}, null]));
        if (n < 980) return say(this.pick(['replied', 'unrenoted', 'somethingNew']), { id: 'x' });
        return say(this.pick(['reacted', 'unreacted', 'pollVoted']),
            this.pick([null, {}, [], 'text', { reaction: 7, userId }, { reaction: this.pick(reactions), userId: 7 }]));
    }

    // Some come late, some come again.
    update() {
        if (this.late.length > 0 && this.chance(0.1)) return this.late.splice(this.below(this.late.length), 1)[0];
        const update = (this.chance(0.15) ? this.pick(this.sent) : undefined) ?? this.newUpdate();
        if (this.chance(0.1)) this.late.push(update);
        this.sent[this.below(64)] = update;
        return update;
    }
}

async function random(options, seed, count) {
    const match = new Match({ ...options, me: 'me' });
    const traffic = new Traffic(seed, options);
    const anyId = () => traffic.pick([...noteIds, ...Object.keys(rows), 'absent']);
    for (let i = 0; i < count; i++) {
        const update = traffic.update();
        match.update(update, traffic.write(update));
        if (traffic.chance(0.05)) match.get(anyId());
        if (traffic.chance(0.05)) {
            const note = traffic.anyNote();
            const fetched = traffic.chance(0.2) && !options.cut; // what is cut of a poll is not known before the next get
            match.put(note, traffic.write(note), fetched ? 'fetched' : 'copy');
        }
        if (traffic.chance(0.02)) match.hold(anyId());
        if (traffic.chance(0.025)) match.release(anyId());
        await match.pause();
    }
    for (const id of [...noteIds, ...Object.keys(rows)]) match.get(id);
    return match;
}

function usage() {
    process.stderr.write('usage: store_model.mjs [--notes N] [--size BYTES] [--twice] [--cut] [--noise] PROGRAM ' +
        'recordings FOLDER | random SEED COUNT\n');
    process.exit(2);
}

const options = { notes: 9, size: 4096 };
const args = process.argv.slice(2);
while (args[0]?.startsWith('--')) {
    const name = args.shift().slice(2);
    if (['twice', 'cut', 'noise'].includes(name)) options[name] = true;
    else if (['notes', 'size'].includes(name) && Number(args[0]) > 0) options[name] = Number(args.shift());
    else usage();
}
const [program, source, ...rest] = args;
options.program = program;
let match;
if (source === 'recordings' && rest.length === 1) match = await recordings(options, rest[0]);
else if (source === 'random' && rest.length === 2) match = await random(options, Number(rest[0]), Number(rest[1]));
else usage();
await match.end();
const { puts, updates, notes, effective, cut } = match.counts;
console.log(`${updates} updates and ${puts} notes, ${effective} of them changed something, ${cut} were cut, ` +
    `${notes} notes compared`);
