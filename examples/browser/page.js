// page.js - the other half of the page: the browser's WebSocket, a timer, and what is seen. See page.c.
// What to copy: the part above "what is seen". Served as plain files, together with page.wasm.
// SPDX-License-Identifier: Unlicense OR MIT-0
const byId = id => document.getElementById(id);
const HANDSHAKE_MS = 10000;
let wasm, socket, timer, connecting, problem;

const bytes = (at, len) => new Uint8Array(wasm.memory.buffer, at, len);
const string = (at, len) => new TextDecoder().decode(bytes(at, len));
const page = {
    dial: (at, len) => dial(string(at, len)),
    send: (at, len) => socket.send(string(at, len)),
    show: (at, len) => show(JSON.parse(string(at, len))),
    entropy: (at, len) => crypto.getRandomValues(bytes(at, len)),
};

// performance.now() stands still while a machine sleeps, and an outage would look shorter than it was. A step back counts
// as no time.
const tick = () => wasm.tick(Date.now());

// The token is in the address, since browsers let a page set no headers: nothing of it is shown. (On its own console a
// browser may name the address of an attempt that failed.) Nor do they tell a refusal from a server that is not there.
function dial(url) {
    let mine;
    const lost = code => {
        if (socket !== mine) return;
        clearTimeout(connecting);
        socket = undefined;
        tick();
        wasm.down(code);
        turn();
    };
    problem = 'The server does not answer, or refuses the token';
    say('Connecting …');
    try {
        mine = socket = new WebSocket(url);
    } catch {
        mine = socket = {};
        setTimeout(lost, 0, 0);
        return;
    }
    connecting = setTimeout(() => { mine.close(); lost(0); }, HANDSHAKE_MS);
    mine.onopen = () => {
        if (socket !== mine) return;
        clearTimeout(connecting);
        problem = 'The connection is lost';
        tick();
        wasm.up();
        turn();
    };
    mine.onclose = event => lost(event.code);
    mine.onmessage = event => { if (socket === mine) received(event.data); };
}

function received(data) {
    if (typeof data !== 'string') return;
    const { read, written } = new TextEncoder().encodeInto(data, bytes(wasm.text(), wasm.text_size()));
    if (read < data.length) return;     // larger than any note
    tick();
    wasm.received(written);
    turn();
}

function turn() {
    clearTimeout(timer);
    const wait = wasm.turn(Date.now()) >>> 0;
    if (wait !== 0xFFFFFFFF) timer = setTimeout(turn, Math.min(wait, 0x7FFFFFFF));
    if (!socket) say(`${problem}; the next attempt is in ${Math.ceil(wait / 1000)} s.`);
}

function start(host, channel, token) {
    const parts = [host, channel, token].map(part => new TextEncoder().encode(part));
    const room = bytes(wasm.text(), wasm.text_size());
    let at = 0;
    if (parts.some(part => part.length > 1024)) return false;
    for (const part of parts) { room.set(part, at); at += part.length; }
    const plain = /^(localhost|127\.[\d.]+|\[::1\])(:|$)/.test(host);
    if (wasm.start(...parts.map(part => part.length), plain) !== 0) return false;
    turn();
    return true;
}

function stop() {
    clearTimeout(timer);
    clearTimeout(connecting);
    timer = undefined;
    const last = socket;
    socket = undefined;
    last?.close?.();
    wasm.stop();
}

// --- what is seen; texts only ever as text ---

const rows = new Map();

function say(text, open = false) {
    if (byId('state').textContent !== text) byId('state').textContent = text;
    byId('state').classList.toggle('open', open);
}

function element(name, text, ...classes) {
    const e = document.createElement(name);
    e.textContent = text;
    e.dir = 'auto';
    e.classList.add(...classes);
    return e;
}

// Without changes of direction, which could make one address look like another.
const acct = by => `@${by.user ?? '?'}${by.host ? '@' + by.host : ''}`
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
const emoji = name => name.replace(/^:(.*?)(@\.)?:$/, ':$1:');     // "@." is this server

function body(item) {
    if (item.deleted !== undefined) return [element('span', 'deleted')];
    if (item.cw === undefined) return [element('div', item.text ?? '')];
    const details = document.createElement('details');
    details.append(element('summary', item.cw || 'content warning'), element('div', item.text ?? ''));
    return [details];
}

// Children by their text: those that stay are left alone, so that only what has changed moves.
function list(ul, pairs, format) {
    pairs.forEach(([name, count], i) => {
        const text = format(name, count);
        const old = ul.children[i];
        if (old?.textContent === text) return;
        const li = element('li', text, 'counted');
        if (old) old.replaceWith(li);
        else ul.append(li);
    });
    while (ul.children.length > pairs.length) ul.lastChild.remove();
    ul.hidden = pairs.length === 0;
}

function fill(li, item) {
    const part = name => li.querySelector('.' + name);
    const said = JSON.stringify([item.cw, item.text, item.deleted]);
    if (item.deleted === undefined) {
        part('renote').textContent = item.renotedBy ? `${item.renotedBy.name || acct(item.renotedBy)} renoted` : '';
        part('renote').hidden = !item.renotedBy;
        part('name').textContent = item.by?.name || item.by?.user || '';
        part('user').textContent = acct(item.by ?? {});
        const time = new Date(item.time);
        li.querySelector('time').textContent = time.toLocaleTimeString();
        li.querySelector('time').dateTime = time.toISOString();
        part('files').textContent = item.files === 1 ? '1 file' : `${item.files} files`;
    }
    if (li.dataset.said !== said) part('body').replaceChildren(...body(item));
    li.dataset.said = said;
    li.firstElementChild.classList.toggle('deleted', item.deleted !== undefined);
    part('files').hidden = !item.files;
    list(part('poll'), item.poll ?? [], (name, votes) => `${name}: ${votes}`);
    list(part('reactions'), item.reactions ?? [], (name, count) => `${emoji(name)} ${count}`);
}

const reasons = ['', ': too many channels', ': it is open already', ': there is none of this name'];

function show(item) {
    if (item.ready) return say('Connected.', true);
    if (item.refused !== undefined) return say(`The server does not give this timeline${reasons[item.refused]}.`);
    let li = rows.get(item.row);
    if (item.new || !li) {
        li?.remove();
        li = item.gap === undefined ? byId('note').content.firstElementChild.cloneNode(true) : element('li', '', 'gap');
        li.classList.add('new');
        rows.set(item.row, li);
        byId('notes').prepend(li);
    }
    if (item.gap === undefined) fill(li, item);
    else li.textContent = `Not connected for ${Math.ceil(item.gap / 1000)} s: notes may be missing here.`;
}

byId('form').onsubmit = event => {
    event.preventDefault();
    const running = byId('button').textContent === 'Stop';
    stop();
    if (running) say('Stopped.');
    else {
        rows.clear();
        byId('notes').replaceChildren();
        const host = byId('host').value.trim().replace(/^\w+:\/\/|\/.*$/g, '');    // as it is copied from a browser
        const good = start(host, byId('channel').value, byId('token').value.trim());
        if (!good) return say('The server must be a name like misskey.example; home and social need a token.');
    }
    byId('button').textContent = running ? 'Connect' : 'Stop';
};
addEventListener('online', () => { if (!socket && timer !== undefined) { tick(); wasm.online(); turn(); } });

byId('host').value = new URLSearchParams(location.search).get('host') ?? '';
WebAssembly.instantiate(await (await fetch('page.wasm')).arrayBuffer(), { page }).then(
    ({ instance }) => { wasm = instance.exports; byId('button').disabled = false; },
    () => say('page.wasm is not here: make build/browser'));
