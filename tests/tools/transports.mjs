// The examples with another library below the header, curl and lws, against misskey-serve. Usage: node transports.mjs
// SERVE DIR PROGRAM...; DIR is for certificates and a recording made here. One result a line.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { connect, createServer as createTcp } from 'node:net';
import { basename, join } from 'node:path';
import { createServer } from 'node:tls';
import { aNote, messages, onChannel, PATIENCE, reporter, server, sleep, story, until } from './serve.mjs';

const [serve, dir, ...programs] = process.argv.slice(2);
const check = reporter('transports');

// Runs a program to its end; enough: it is killed when that resolves.
async function run(program, args, env = {}, enough = sleep(PATIENCE)) {
    const child = spawn(program, args, { env: { ...process.env, MISSKEY_TOKEN: undefined, no_proxy: '*', ...env } });
    let out = '', err = '';
    child.stdout.on('data', data => { out += data; });
    child.stderr.on('data', data => { err += data; });
    const closed = once(child, 'close'), kill = () => child.kill('SIGKILL');
    enough.then(kill, kill);
    const [code] = await closed;
    return { code, out, err };
}

// What print_note.h makes of a note.
const plain = text => (text ?? '').replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, ' ');
function line(note) {
    const by = `@${plain(note.user?.username)}${note.user?.host ? '@' + plain(note.user.host) : ''}`;
    const bare = note.renoteId && note.text === null && note.cw === null && !note.fileIds?.length && !note.poll;
    const shown = bare ? note.renote : note;
    return `${by}${bare ? ' renoted' : ''}: ${plain(shown.cw || shown.text)}\n`;
}

// The lines of the local timeline of a recording.
function lines(folder) {
    const log = messages(folder), mine = new Set();
    const result = [];
    for (const { dir: from, data } of log) {
        const { type, body } = JSON.parse(data);
        if (from === 'send' && type === 'connect' && body.channel === 'localTimeline') mine.add(body.id);
        else if (type === 'channel' && mine.has(body.id) && body.type === 'note') result.push(line(body.body));
    }
    return result;
}

// A recording in which texts try to steer the terminal, and one note is larger than the memory of the examples.
function hostile() {
    const evil = '\u001b[31m\u009b2J\u0007\r\n\u2028\u202e\u2066\u0000\u007fあ';
    const notes = [{ text: evil }, { cw: evil, text: 'x' }, { text: 'x'.repeat(70000) },
                   { user: { username: evil, host: evil }, text: 'y' }, { text: 'the end' }]
        .map((note, i) => aNote(`${i}`, note));
    return { folder: story(join(dir, 'hostile'), notes.map(onChannel)),
             expected: notes.filter(({ id }) => id !== '2').map(line) };
}

// TLS in front of a server, for one host name, with a certificate of a throw-away authority.
function certificate(name) {
    const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...key, '-keyout', `${name}-ca.key`, '-out', `${name}-ca.pem`, '-subj', '/CN=test',
        '-days', '2');
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(join(dir, 'extensions'), `subjectAltName=DNS:${name}`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${name}-ca.pem`, '-CAkey', `${name}-ca.key`, '-days', '2',
        '-extfile', 'extensions', '-out', `${name}.pem`);
    const read = suffix => readFileSync(join(dir, name + suffix));
    return { cert: read('.pem'), key: read('.key'), ca: join(dir, name + '-ca.pem') };
}

async function terminator({ cert, key }, port) {
    const tls = createServer({ cert, key, ALPNProtocols: ['h2', 'http/1.1'] }, socket => {
        if (socket.alpnProtocol === 'h2') return socket.destroy();
        const inner = connect(port, '127.0.0.1');
        socket.pipe(inner).pipe(socket);
        socket.on('error', () => inner.destroy());
        inner.on('error', () => socket.destroy());
    });
    tls.on('tlsClientError', () => {});
    tls.listen(0, 'localhost');
    await once(tls, 'listening');
    return { url: `https://localhost:${tls.address().port}`, close: () => tls.close() };
}

const recording = 'tests/recordings/timelines', expected = lines(recording);
const unpleasant = hostile();
const replay = (...options) => server(serve, '--replay', recording, '--speed', '0', ...options);

async function prints(program, url, wanted, env) {
    const { code, out, err } = await run(program, [url, String(wanted.length)], env);
    assert.deepEqual(out.split(/(?<=\n)/), wanted, err);
    assert.equal(code, 0, err);
}

// A server that accepts, says nothing, and cuts every connection after three seconds; how long until the next one.
async function quiet() {
    const waits = [];
    let ended = 0;
    const http = createHttp().on('upgrade', (request, socket) => {
        if (ended > 0) waits.push(Date.now() - ended);
        const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
        socket.on('error', () => {}).resume();
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}\r\n\r\n`);
        setTimeout(() => { ended = Date.now(); socket.destroy(); }, 3000);
    }).listen(0, '127.0.0.1');
    await once(http, 'listening');
    return { url: `http://127.0.0.1:${http.address().port}`, waits, close: () => http.close() };
}

// A server that answers every request with this, and counts.
async function refusal(answer) {
    const asked = [];
    const tcp = createTcp(socket => socket.on('error', () => {}).once('data', () => {
        asked.push(Date.now());
        socket.end(answer);
    })).listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    return { url: `http://127.0.0.1:${tcp.address().port}`, asked, close: () => tcp.close() };
}

async function refusals(program, name) {
    await check(`${name}, Retry-After`, async () => {
        const busy = await refusal('HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n');
        await run(program, [busy.url], {}, until('a second attempt', () => busy.asked.length === 2));
        busy.close();
        assert.equal(busy.asked.length, 2);
        assert.ok(busy.asked[1] - busy.asked[0] >= 2000, `asked again after ${busy.asked[1] - busy.asked[0]} ms`);
    });
    await check(`${name}, a redirect is not followed with the token`, async () => {
        const other = await refusal('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
        const moved = await refusal(`HTTP/1.1 302 Found\r\nLocation: ${other.url}/\r\nContent-Length: 0\r\n\r\n`);
        await run(program, [moved.url], { MISSKEY_TOKEN: 'secret' },
            until('a second attempt', () => moved.asked.length + other.asked.length > 1));
        other.close();
        moved.close();
        assert.equal(other.asked.length, 0);
        assert.equal(moved.asked.length, 2);
    });
}

const haveOpenssl = spawnSync('openssl', ['version']).status === 0;
const good = haveOpenssl && certificate('localhost'), other = haveOpenssl && certificate('other.example');

async function behindTls(program, name) {
    if (!haveOpenssl) return console.log(`SKIP transports ${name} over TLS: openssl is not installed`);
    const { port, stop } = await replay(), first = expected.slice(0, 50);
    const right = await terminator(good, port), wrong = await terminator(other, port);
    const trust = ca => ({ CURL_CA_BUNDLE: ca, SSL_CERT_FILE: ca });
    await check(`${name} over TLS`, () => prints(program, right.url, first, trust(good.ca)));
    const bad = [['an unknown authority', right.url, other.ca], ['another host name', wrong.url, other.ca]];
    for (const [what, url, ca] of bad) {
        await check(`${name} over TLS, ${what}`, async () => {
            const { out, err } = await run(program, [url, '1'], trust(ca), sleep(1500));
            assert.equal(out, '');
            assert.match(err, /certificate|verify|hostname/i);
        });
    }
    right.close();
    wrong.close();
    await stop();
}

async function all(program) {
    const name = basename(program);
    await check(`${name}, a recording of ${expected.length} notes`, async () => {
        const { host, stop } = await replay();
        await prints(program, `http://${host}`, expected);
        await stop();
    });
    await check(`${name}, with the connection cut twice`, async () => {
        const { host, stop } = await replay('--drop-after', String(Math.floor(expected.length / 2.5)));
        await prints(program, `http://${host}`, expected);
        await stop();
    });
    await check(`${name}, notes that are hostile or too large`, async () => {
        const { host, stop } = await server(serve, '--replay', unpleasant.folder, '--speed', '0');
        await prints(program, `http://${host}`, unpleasant.expected);
        await stop();
    });
    await check(`${name}, the server comes later`, async () => {
        const { host, port, stop } = await replay();
        await stop();
        const done = prints(program, `http://${host}`, expected.slice(0, 3));
        await sleep(700);
        const late = await replay('--port', String(port));
        await done;
        await late.stop();
    });
    await check(`${name}, a token`, async () => {
        const { host, stop } = await replay('--token', 'good');
        await prints(program, `http://${host}`, expected.slice(0, 3), { MISSKEY_TOKEN: 'good' });
        const { code, err } = await run(program, [`http://${host}`], { MISSKEY_TOKEN: 'bad-secret' });
        assert.equal(code, 1, err);
        assert.doesNotMatch(err, /secret/);
        await stop();
    });
    await check(`${name}, usage`, async () => {
        assert.equal((await run(program, [])).code, 2);
        assert.equal((await run(program, ['misskey.example'])).code, 2);
        assert.equal((await run(program, ['https://misskey.example/x y'])).code, 2);
        for (const token of ['x\r\nX-Evil: 1', 'x'.repeat(2000)])
            assert.equal((await run(program, ['https://misskey.example'], { MISSKEY_TOKEN: token })).code, 2);
    });
    await refusals(program, name);
    await check(`${name}, a quiet connection that ends is not dialled again at once, nor by everybody at the same time`,
        async () => {
            const cutting = await quiet();
            await run(program, [cutting.url], {}, until('two attempts more', () => cutting.waits.length === 2));
            cutting.close();
            assert.ok(cutting.waits.every(wait => wait >= 495), `after ${cutting.waits} ms`);
            assert.ok(cutting.waits.some((wait, i) => Math.abs(wait - [1500, 2500][i]) > 40), `after ${cutting.waits} ms`);
        });
    await behindTls(program, name);
}

await Promise.all(programs.map(all));
process.exit(check.failures > 0 ? 1 : 0);
