// The official client library, misskey-js over ws, against misskey-serve. Usage: node clients.mjs PACKAGES SERVE
// PACKAGES/node_modules holds misskey-js and ws. One result a line.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, messages, recordings, reporter, server, sleep, until } from './serve.mjs';

const [packages, serve] = process.argv.slice(2);
const folder = 'tests/recordings';
const { WebSocket } = createRequire(resolve(packages) + '/')('ws');
const { Stream } = await import(pathToFileURL(resolve(packages, 'node_modules/misskey-js/built/index.js')));
const check = reporter('clients');
const ofOnePerConnection = ['main', 'drive', 'admin', 'serverStats', 'queueStats', 'reversi'];
const shared = name => ofOnePerConnection.includes(name);

const dial = (host, token) => new Stream(`http://${host}`, token ? { token } : null, { WebSocket });

// Everything that a channel emits, whatever its type.
function listen(emitter, got) {
    const emit = emitter.emit.bind(emitter);
    emitter.emit = (type, body) => {
        if (!String(type).startsWith('_')) got.push({ type, body });
        return emit(type, body);
    };
}

// What was recorded, for each channel by name and params, and outside of channels. null: nothing to be played.
function expectation(log) {
    const open = new Map(), channels = new Map(), outside = [];
    for (const { dir, data } of log) {
        let message;
        try { message = JSON.parse(data); } catch { if (dir === 'recv') return null; continue; }
        if (typeof message?.type !== 'string') { if (dir === 'recv') return null; continue; }
        const { type, body } = message;
        if (dir === 'send') {   // servers do not answer a connect whose params are no object
            const { id, channel: name, params = {} } = type === 'connect' ? body ?? {} : {};
            if (id !== undefined && params !== null && !Array.isArray(params)) open.set(String(id), { name, params });
        } else if (type === 'channel' && open.has(body.id)) {
            const key = JSON.stringify(open.get(body.id));
            if (!channels.has(key)) channels.set(key, { ...open.get(body.id), events: [] });
            channels.get(key).events.push({ type: body.type, body: body.body });
        } else if (type !== 'channel' && type !== 'connected') outside.push({ type, body });
    }
    return channels.size > 0 || outside.length > 0 ? { channels: [...channels.values()], outside } : null;
}

// Connects what the recorded client had connected; done(drops) resolves when all should have come. Returns the drops.
async function play(host, { channels, outside }, done) {
    const stream = dial(host, 'token'), gotOutside = [], got = channels.map(() => []);
    let drops = 0;
    listen(stream, gotOutside);
    channels.forEach(({ name, params }, i) => {
        listen(stream.useChannel(name, shared(name) ? undefined : params), got[i]);
    });
    if (channels.length === 0) stream.useChannel('main');   // nothing is played before the first connect
    stream.on('_disconnected_', () => drops++);
    await done(() => drops, () => got.flat().length + gotOutside.length);
    stream.close();
    channels.forEach(({ name, events }, i) => assert.deepEqual(got[i], events, `not what was played on ${name}`));
    assert.deepEqual(gotOutside, outside, 'not what was played outside of channels');
    return drops;
}

const size = ({ channels, outside }) => channels.reduce((n, c) => n + c.events.length, outside.length);

// The server closes the connection when it has played all.
async function playRecording(path, expected) {
    const { host, stop } = await server(serve, '--replay', path, '--speed', '0');
    await play(host, expected, drops => until('the end of the recording', () => drops() > 0));
    await stop();
}

let played = 0, events = 0;
for (const path of recordings(folder)) {
    const expected = expectation(messages(path));
    if (expected === null) continue;
    try {
        await playRecording(path, expected);
    } catch (error) {
        await check(path, () => { throw error; });
    }
    played++;
    events += size(expected);
}
await check(`receives what is played: ${played} recordings, ${events} events`, () => {
    if (played < 60 || events < 2500) fail('there should be more');
});

await check('a recording with the connection cut after every 100 events', async () => {
    const path = `${folder}/timelines`, expected = expectation(messages(path)), all = size(expected);
    const { host, stop } = await server(serve, '--replay', path, '--speed', '0', '--drop-after', '100');
    const drops = await play(host, expected,
        (_, got) => until(() => `${all} events; ${got()} came`, () => got() === all));
    if (drops < Math.floor(all / 100)) fail(`only ${drops} cuts`);
    await stop();
});

const world = await server(serve, '--token', 'token', '--speed', '30');

await check('a shared channel, used twice, comes over one connection', async () => {
    const stream = dial(world.host, 'token'), one = [], two = [];
    const first = stream.useChannel('main'), second = stream.useChannel('main');
    listen(first, one);
    listen(second, two);
    await until('a notification', () => one.some(event => event.type === 'notification'));
    assert.equal(first.id, second.id);
    assert.deepEqual(one, two);
    second.dispose();
    const so_far = [one.length, two.length];
    await until('more after the other is gone', () => one.length > so_far[0]);
    assert.equal(two.length, so_far[1], 'events after dispose()');
    stream.close();
});

await check('own channels, each with its own params, until they are disposed of', async () => {
    const stream = dial(world.host), one = [], two = [];
    const first = stream.useChannel('localTimeline', { withRenotes: true });
    const second = stream.useChannel('globalTimeline', { withRenotes: false });
    listen(first, one);
    listen(second, two);
    await until('notes on both', () => one.length > 3 && two.length > 3);
    assert.ok(two.every(({ type, body }) => type === 'note' && typeof body.user.username === 'string'));
    first.dispose();
    await until('more notes on the second', (n => () => two.length > n + 5)(two.length));
    const ended = one.length;
    await until('more notes on the second', (n => () => two.length > n + 5)(two.length));
    assert.equal(one.length, ended, 'notes after dispose()');
    stream.close();
});

await check('captures: updates of the notes that were asked for, until they are let go', async () => {
    const stream = dial(world.host), updates = [], captured = new Set();
    let count = 0;
    stream.on('noteUpdated', update => updates.push(update));
    const timeline = stream.useChannel('localTimeline', {});
    timeline.on('note', ({ id }) => {
        if (count++ % 2 === 0) return;
        captured.add(id);
        stream.send('s', { id });
    });
    await until('reactions', () => updates.filter(update => update.type === 'reacted').length > 5);
    const strange = updates.find(({ id }) => !captured.has(id));
    if (strange) fail(`an update of ${strange.id}, which is not captured`);
    timeline.removeAllListeners();
    for (const id of captured) stream.send('un', { id });
    await sleep(100);
    const ended = updates.length;
    await sleep(500);           // long enough for many at this speed
    assert.equal(updates.length, ended, 'updates after un');
    stream.close();
});

await check('heartbeats: no answer, no harm', async () => {
    const stream = dial(world.host), texts = [], notes = [];
    stream.stream.addEventListener('message', message => texts.push(message.data));
    stream.useChannel('localTimeline', {}).on('note', note => notes.push(note));
    await until('notes', () => notes.length > 0);
    for (let i = 0; i < 100; i++) stream.heartbeat();
    await until('more notes', (n => () => notes.length > n + 3)(notes.length));
    assert.equal(stream.state, 'connected');
    assert.ok(texts.every(text => text.startsWith('{')), 'an answer to h');
    stream.close();
});

await check('a wrong token is refused with 401', async () => {
    const socket = new WebSocket(`ws://${world.host}/streaming?i=wrong`);
    const answer = await new Promise(done => {
        socket.on('open', () => done('it is open'));
        socket.on('error', error => done(error.message));
    });
    assert.match(answer, /401/);
});

for (const signal of ['SIGTERM', 'SIGKILL']) {
    await check(`a restart of the server by ${signal}: channels and captures are back`, async () => {
        let mine = await server(serve, '--speed', '30');
        const stream = dial(mine.host, 'token'), notes = [], updates = [], main = [];
        listen(stream.useChannel('main'), main);
        stream.useChannel('localTimeline', {}).on('note', note => {
            notes.push(note);
            stream.send('s', { id: note.id });
        });
        stream.on('noteUpdated', update => updates.push(update));
        const lively = () => notes.length > 3 && updates.length > 3 && main.length > 0;
        await until('notes, updates and notifications', lively);
        await mine.stop(signal);
        await until('the loss', () => stream.state === 'reconnecting');
        notes.length = updates.length = main.length = 0;
        mine = await server(serve, '--speed', '30', '--seed', '2', '--port', String(mine.port));
        await until(() => `notes (${notes.length}), updates (${updates.length}), notifications (${main.length})`,
            lively);
        stream.close();
        await mine.stop();
    });
}

await world.stop();
process.exit(check.failures > 0 ? 1 : 0);
