// Drives build/ws_echo with the npm package `ws` as the peer, both ways round: our server with its client, our client
// with its server. Usage: node echo_peer.mjs WS_ECHO DIR, where DIR/node_modules holds ws. One result a line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { resolve } from 'node:path';

const [program, packages] = process.argv.slice(2);
const { WebSocket, WebSocketServer } = createRequire(resolve(packages) + '/')('ws');
const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20, 16 << 20];
const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const PATIENCE = 20000;

function fail(why) { throw new Error(why); }

// size bytes of UTF-8 in characters of every length, or of anything
function payload(size, binary) {
    if (binary) return Buffer.alloc(size, Uint8Array.from({ length: 251 }, (_, i) => (i * 89 + 7) & 255));
    const unit = Buffer.from('a\u00e9\u6f22\u{1f600}');
    const whole = size - size % unit.length;
    return Buffer.concat([Buffer.alloc(whole, unit), Buffer.alloc(size - whole, 'z')]);
}

function same(got, gotBinary, want, binary, name) {
    if (gotBinary !== binary) fail(`${name}: came back as ${gotBinary ? 'binary' : 'text'}`);
    if (Buffer.compare(got, want) !== 0) fail(`${name}: ${want.length} bytes sent, ${got.length} other ones came back`);
}

// A reader that is in place before the first message, since events are not kept for late listeners.
function inbox(ws) {
    const waiting = [], arrived = [];
    let end = null;
    ws.on('message', (...message) => {
        if (waiting.length) waiting.shift().done(message);
        else arrived.push(message);
    });
    ws.on('close', code => {
        end = new Error(`closed with ${code} instead of an echo`);
        for (const w of waiting) w.broken(end);
    });
    return () => arrived.length ? Promise.resolve(arrived.shift())
        : end ? Promise.reject(end) : new Promise((done, broken) => waiting.push({ done, broken }));
}

async function expectEcho(next, want, binary, name) {
    const [got, gotBinary] = await next();
    same(got, gotBinary, want, binary, name);
}

async function allSizes(ws, binary) {
    const next = inbox(ws);
    for (const size of sizes) {
        const data = payload(size, binary);
        ws.send(data, { binary });
        await expectEcho(next, data, binary, `size ${size}`);
    }
}

async function fragments(ws, count, size, pingEvery) {
    const next = inbox(ws);
    const pings = [], pongs = [];
    ws.on('pong', data => pongs.push(data.toString()));
    for (const binary of [false, true]) {
        const data = payload(count * size, binary);
        for (let i = 0; i < count; i++) {
            if (i % pingEvery === 0) {
                pings.push(`ping ${pings.length} ` + 'p'.repeat(pings.length % 100));
                ws.ping(pings.at(-1));
            }
            ws.send(data.subarray(i * size, (i + 1) * size), { binary, fin: i === count - 1 });
        }
        await expectEcho(next, data, binary, `${count} frames of ${size}`);
    }
    if (pings.join() !== pongs.join()) fail(`${pings.length} pings, ${pongs.length} pongs, or with other payloads`);
}

async function emptyFragments(ws) {
    const next = inbox(ws);
    for (const part of ['', '', 'a\u00e9', '', 'b', '']) ws.send(part, { fin: false });
    ws.send('', { fin: true });
    await expectEcho(next, Buffer.from('a\u00e9b'), false, 'empty fragments');
}

// More than all buffers between the two can hold, unread for a while: nothing may be lost.
async function backPressure(ws) {
    const next = inbox(ws);
    const many = Array.from({ length: 96 }, (_, i) => payload((1 << 20) + i, i % 2 === 1));
    ws.pause();
    many.forEach((data, i) => ws.send(data, { binary: i % 2 === 1 }));
    await new Promise(done => setTimeout(done, 500));
    ws.resume();
    for (let i = 0; i < many.length; i++) await expectEcho(next, many[i], i % 2 === 1, `message ${i}`);
}

async function manySmall(ws) {
    const next = inbox(ws);
    for (let i = 0; i < 20000; i++) ws.send(`message ${i}`);
    for (let i = 0; i < 20000; i++) await expectEcho(next, Buffer.from(`message ${i}`), false, `message ${i}`);
}

// What every connection goes through. close: [code, reason] to end with. The code must come back (RFC 6455 section
// 5.5.1); the reason need not, but no other one may.
const scenarios = [
    { name: 'text', run: ws => allSizes(ws, false) },
    { name: 'binary', run: ws => allSizes(ws, true) },
    { name: 'fragments', run: ws => fragments(ws, 1000, 700, 1) },
    { name: '100000 frames', run: ws => fragments(ws, 100000, 9, 1000) },
    { name: 'empty fragments', run: emptyFragments },
    { name: 'back-pressure', run: backPressure },
    { name: '20000 messages', run: manySmall },
    { name: 'close without code', run: async () => {}, close: [], answer: 1005 },
    ...codes.map(code => ({ name: `close ${code}`, run: async () => {}, close: [code, 'r\u00e9ason'] })),
    { name: 'close without reason', run: async () => {}, close: [1000] },
    { name: 'close with the longest reason', run: async () => {}, close: [4000, 'x'.repeat(123)] },
];

async function play(ws, { run, close = [1000, 'done'], answer = close[0] }) {
    const closed = once(ws, 'close');
    ws.on('error', () => {});
    await run(ws);
    ws.close(...close);
    const [code, reason] = await closed;
    if (code !== answer || !['', close[1]].includes(reason.toString())) fail(`close answered with ${code} "${reason}"`);
}

let failures = 0;
async function check(name, body) {
    let timer;
    const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error('no end after 20 s')), PATIENCE); });
    try {
        await Promise.race([body(), late]);
        console.log(`PASS echo ${name}`);
    } catch (error) {
        failures++;
        console.log(`FAIL echo ${name}: ${error.message}`);
    }
    clearTimeout(timer);
}

async function ourServer() {
    const child = spawn(program, ['server', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const said = (await once(child.stderr, 'data')).toString();
    const port = Number(/listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
    child.stderr.resume();
    const dial = async () => {
        const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
        await once(ws, 'open');
        return ws;
    };
    for (const s of scenarios) await check(`server, ${s.name}`, async () => play(await dial(), s));
    await check('server, 30 clients at once', () => Promise.all(Array.from({ length: 30 }, async (_, i) => {
        const text = Buffer.from(`client ${i} `.repeat(5000));
        return play(await dial(), { run: async ws => { const next = inbox(ws); ws.send(text, { binary: false });
                                                      await expectEcho(next, text, false, `client ${i}`); } });
    })));
    await check('server, killed client', async () => { (await dial()).terminate(); });
    await check('server, half-closed client', () => halfClosed(port));
    await check('server, alive at the end', async () => play(await dial(), scenarios[4]));
    child.kill();
}

// The peer sends two messages and its FIN at once and reads on: both echoes must still come, before our FIN.
async function halfClosed(port) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const got = [];
    socket.on('data', data => got.push(data));
    const frame = text => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
    socket.end(Buffer.concat([
        Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
                    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n'),
        frame('one'), frame('two')]));
    await once(socket, 'end');
    const wire = Buffer.concat(got).toString('latin1');
    if (!wire.includes('\r\n\r\n\x81\x03one\x81\x03two')) fail(`the echoes are missing: ${JSON.stringify(wire)}`);
}

function ourClient(port) {
    const child = spawn(program, ['client', '127.0.0.1', String(port), '/echo'], { stdio: 'ignore' });
    return once(child, 'exit').then(([code]) => code);
}

async function ourClients() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    await once(server, 'listening');
    const { port } = server.address();
    const one = async (scenario, wanted) => {
        const accepted = once(server, 'connection');
        const exit = ourClient(port);
        const [ws] = await accepted;
        await scenario(ws);
        const code = await exit;
        if (code !== wanted) fail(`exit code ${code} instead of ${wanted}`);
    };
    for (const s of scenarios) await check(`client, ${s.name}`, () => one(ws => play(ws, s), 0));
    await check('client, killed server', () => one(async ws => ws.terminate(), 1));
    server.close();
    const refusing = createServer((_, res) => res.writeHead(401).end());
    refusing.on('upgrade', (_, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'));
    refusing.listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    await check('client, refused', async () => {
        const code = await ourClient(refusing.address().port);
        if (code !== 1) fail(`exit code ${code} instead of 1`);
    });
    refusing.close();
}

await ourServer();
await ourClients();
process.exit(failures ? 1 : 0);
