// For tests that need misskey-serve, recordings, or patience.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export const PATIENCE = 30000;
export const sleep = ms => new Promise(done => setTimeout(done, ms));
export function fail(why) { throw new Error(why); }

// Waits until test() is true; what: for the complaint, a text or a function that makes one.
export async function until(what, test) {
    for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(10)) if (await test()) return;
    fail(`not within ${PATIENCE / 1000} s: ${typeof what === 'string' ? what : what()}`);
}

// A reporter of results: check(name, body) prints PASS or FAIL; check.failures counts.
export function reporter(topic) {
    const check = async (name, body) => {
        let problem = '';
        const late = sleep(3 * PATIENCE).then(() => fail(`no end after ${3 * PATIENCE / 1000} s`));
        try {
            await Promise.race([body(), late]);
        } catch (error) {
            problem = String(error.message).split('\n').slice(0, 3).join(' ');
        }
        console.log(problem ? `FAIL ${topic} ${name}: ${problem}` : `PASS ${topic} ${name}`);
        if (problem) check.failures++;
    };
    check.failures = 0;
    return check;
}

const children = new Set();
process.on('exit', () => { for (const child of children) child.kill('SIGKILL'); });

// Starts misskey-serve; resolves once it listens. stop(signal): until it has ended.
export async function server(program, ...options) {
    const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise(done => child.on('exit', done));
    let said = '';
    children.add(child);
    child.on('exit', () => children.delete(child));
    const port = await new Promise((done, broken) => {
        child.stdout.on('data', data => {
            said += data;
            const match = /listening on 127\.0\.0\.1:(\d+)\n/.exec(said);
            if (match) done(Number(match[1]));
        });
        child.on('error', broken);
        child.on('exit', code => broken(new Error(`${program} ended with ${code}`)));
    });
    return { port, host: `127.0.0.1:${port}`, ended, stop: signal => { child.kill(signal); return ended; } };
}

// The messages of a recording.
export function messages(folder) {
    const path = join(folder, 'messages.jsonl');
    const text = existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(path + '.gz'));
    return text.toString().split('\n').filter(Boolean).map(line => JSON.parse(line));
}

// A recording made up: these messages of a server, a millisecond apart, to a client that has opened the local timeline
// as channel "1". Returns the folder.
export function story(folder, received) {
    const said = [{ type: 'connect', body: { channel: 'localTimeline', id: '1' } }, ...received];
    const log = said.map((message, t) => ({ t, dir: t === 0 ? 'send' : 'recv', data: JSON.stringify(message) }));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'messages.jsonl'), log.map(entry => JSON.stringify(entry) + '\n').join(''));
    writeFileSync(join(folder, 'server.bin'), 'HTTP/1.1 101 Switching Protocols\r\n\r\n');
    return folder;
}

// A note, and it on that channel.
export const aNote = (id, more) => ({
    id, createdAt: '2026-11-23T21:00:00.000Z', userId: 'u', cw: null, text: null, reactions: {},
    user: { id: 'u', name: null, username: 'aoi', host: null }, ...more,
});
export const onChannel = note => ({ type: 'channel', body: { id: '1', type: 'note', body: note } });

// Every folder below that is a recording.
export function recordings(folder) {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter(entry => /^messages\.jsonl(\.gz)?$/.test(entry.name))
        .map(entry => entry.parentPath ?? entry.path).sort();
}
