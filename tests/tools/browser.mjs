// The browser page in a real Chromium, against misskey-serve. Usage: node browser.mjs SERVE PACKAGES CHROMIUM PAGE DIR
// PACKAGES/node_modules holds playwright-core and axe-core; PAGE is the folder with the page; screenshots go to DIR.
// One result a line.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, resolve } from 'node:path';
import { aNote, fail, onChannel, reporter, server, sleep, story, until } from './serve.mjs';

const [serve, packages, executablePath, folder, dir] = process.argv.slice(2);
const require = createRequire(resolve(packages) + '/');
const { chromium } = require('playwright-core');
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
const types = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };    // as many servers: no .wasm
const check = reporter('browser');

const files = createServer(async (request, response) => {
    const name = request.url.replace(/\?.*/, '').replace(/^\/$/, '/index.html');
    const body = await readFile(join(folder, name.replaceAll('..', ''))).catch(() => null);
    response.writeHead(body ? 200 : 404, { 'Content-Type': types[extname(name)] ?? 'application/octet-stream' }).end(body);
}).listen(0, '127.0.0.1');
await once(files, 'listening');

const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync'],
});

// The page, in a profile of its own, connected. .said: what came on its console, and what went wrong.
async function open(host, { token, channel } = {}) {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    page.said = [];
    page.on('console', message => page.said.push(message.text()));
    page.on('pageerror', error => page.said.push(String(error)));
    await page.goto(`http://127.0.0.1:${files.address().port}/`);
    await page.getByLabel('Server').fill(host);
    if (channel) await page.getByLabel('Timeline').selectOption(channel);
    if (token) await page.getByLabel('Token').fill(token);
    await page.locator('button:enabled').waitFor();
    await page.getByLabel('Server').press('Enter');
    return page;
}

const state = page => page.getByRole('status').textContent();
const stateIs = (page, wanted) => until(() => `the state ${wanted}`, async () => wanted.test(await state(page)));
const button = (page, name) => page.getByRole('button', { name });

// The rows as they are read, the newest first.
const rows = page => page.locator('#notes > li').evaluateAll(all => all.map(li => {
    const text = name => li.querySelector(name)?.textContent.toWellFormed() ?? null;
    const each = name => [...li.querySelectorAll(name)].map(e => e.textContent.toWellFormed());
    return li.className.includes('gap') ? { gap: li.textContent } : {
        renote: text('.renote'), name: text('.name'), user: text('.user'), body: text('.body'),
        warning: text('summary'), reactions: each('.reactions li'), poll: each('.poll li') };
}));

async function tidy(page) {
    assert.deepEqual(page.said, [], 'the console');
    await page.close();
}

// axe-core finds nothing, and nothing is wider than the screen.
async function accessible(page) {
    await page.evaluate(axe);
    for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        const { violations, passes } = await page.evaluate(() => axe.run());
        assert.deepEqual(violations.map(v => `${v.id}: ${v.nodes[0].html}`), []);
        assert.ok(passes.length > 20);
    }
    for (const width of [320, 390, 768, 1200]) {
        await page.setViewportSize({ width, height: 800 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) fail(`${wide} pixels too wide for ${width}`);
    }
}

async function shots(page) {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.screenshot({ path: join(dir, 'wide.png') });
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: join(dir, 'narrow.png') });
}

await check('notes appear, reactions count up', async () => {
    const world = await server(serve, '--speed', '8');
    const page = await open(world.host);
    await stateIs(page, /^Connected/);
    await until('8 notes', async () => (await rows(page)).length >= 8);
    const counted = rows => rows.flatMap(row => row.reactions).filter(chip => !chip.endsWith(' 1')).length;
    await until('reactions that are counted', async () => counted(await rows(page)) > 3);
    await shots(page);
    await accessible(page);
    await button(page, 'Stop').click();
    await stateIs(page, /^Stopped/);
    const stopped = await rows(page);
    await sleep(500);
    assert.deepEqual(await rows(page), stopped, 'rows that change after Stop');
    await button(page, 'Connect').click();
    await stateIs(page, /^Connected/);
    await until('notes again', async () => (await rows(page)).length > 0);
    await tidy(page);
    await world.stop();
});

const updated = (id, type, body) => ({ type: 'noteUpdated', body: { id, type, body } });
const react = (id, reaction, userId, type = 'reacted') => updated(id, type, { reaction, userId });
const html = '<img src=x onerror="alert(1)"><script>alert(2)</script><b>b</b>&amp;\u202e\u0000\ud800';
const inHtml = html.replace('\ud800', '\ufffd');

await check('what is shown is what was played', async () => {
    const poll = { multiple: false, expiresAt: null, choices: [{ text: 'yes', votes: 1 }, { text: html, votes: 0 }] };
    const ren = { id: 'r', name: 'Ren', username: 'ren', host: 'remote.example' };
    const path = story(join(dir, 'story'), [
        onChannel(aNote('a', { text: html, cw: html, poll, user: { id: 'u', name: html, username: html, host: html } })),
        onChannel(aNote('b', { text: 'two\nlines', reactions: { '👍': 1 } })),
        onChannel(aNote('b', { text: 'two\nlines', reactions: { '👍': 1 } })),
        onChannel(aNote('c', { renoteId: 'b', fileIds: [], user: ren, renote: aNote('b', { text: 'two\nlines',
                                                                                       reactions: { '👍': 1 } }) })),
        onChannel(aNote('d', { text: 'to be deleted' })),
        react('a', html, 'u1'), react('b', '👍', 'u1'), react('b', '👍', 'u2'), react('b', '👍', 'u2'),
        react('b', ':blob@.:', 'u3'), react('b', ':cat@remote.example:', 'u4'), react('b', '🎉', 'u5'),
        react('b', '🎉', 'u5', 'unreacted'), updated('a', 'pollVoted', { choice: 1, userId: 'u1' }),
        updated('d', 'deleted', { deletedAt: '2026-11-23T21:00:01.000Z' }),
        ...Array.from({ length: 10 }, (_, i) => react('b', '👍', `v${i}`)),
        { type: 'emojiAdded', body: { emoji: html } },
    ]);
    const { host, stop } = await server(serve, '--replay', path, '--speed', '0', '--count', '1');
    const page = await open(host);
    const b = { name: 'aoi', user: '@aoi', body: 'two\nlines', warning: null, poll: [],
                reactions: ['👍 13', ':blob: 1', ':cat@remote.example: 1'] };
    await stateIs(page, /the next attempt/);
    assert.deepEqual(await rows(page), [
        { renote: '', name: 'aoi', user: '@aoi', body: 'deleted', warning: null, poll: [], reactions: [] },
        { renote: 'Ren renoted', ...b },
        { renote: '', ...b },
        { renote: '', name: inHtml, user: `@${inHtml}@${inHtml}`.replaceAll('\u202e', ''), body: inHtml + inHtml, warning: inHtml,
          poll: ['yes: 1', `${inHtml}: 1`], reactions: [`${inHtml} 1`] },
    ]);
    assert.equal(await page.locator('#notes :is(img, script, b, a, iframe)').count(), 0, 'elements out of texts');
    await page.screenshot({ path: join(dir, 'story.png') });
    await page.close();     // its console tells of the server that is gone by now
    await stop();
});

await check('a lost connection: the next attempt, a row for the gap', async () => {
    const path = story(join(dir, 'cut'),
        Array.from({ length: 250 }, (_, i) => onChannel(aNote(`n${i}`, { text: `${i}` }))));
    const { host, port, stop } = await server(serve);
    await stop();
    const page = await open(host);
    await stateIs(page, /^The server does not answer, or refuses the token; the next attempt is in \d+ s/);
    const late = await server(serve, '--port', String(port), '--replay', path, '--drop-after', '80', '--speed', '0');
    await until('the last note', async () => (await rows(page))[0]?.body === '249');
    const all = await rows(page), gaps = all.filter(row => row.gap);
    assert.equal(all.length, 100, 'rows that are kept');
    assert.ok(gaps.length >= 2 && gaps.every(({ gap }) => /^Not connected for \d+ s: notes may be missing/.test(gap)));
    assert.deepEqual(all.filter(row => !row.gap).map(row => Number(row.body)),
                     Array.from({ length: 100 - gaps.length }, (_, i) => 249 - i));
    await page.close();
    await late.stop();
});

await check('a token', async () => {
    const { host, stop } = await server(serve, '--token', 'right/token', '--speed', '8');
    const right = await open(host, { token: 'right/token', channel: 'homeTimeline' });
    await stateIs(right, /^Connected/);
    await until('notes of home', async () => (await rows(right)).length > 2);
    assert.ok(!(await right.content()).includes('right/token'));
    assert.ok(!right.url().includes('token'));
    assert.equal(await right.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
    await tidy(right);
    const wrong = await open(host, { token: 'wrong', channel: 'homeTimeline' });
    await stateIs(wrong, /^The server does not answer, or refuses the token/);
    await wrong.close();    // on the console Chromium itself tells of the refusal
    const none = await open(host, { channel: 'homeTimeline' });
    await stateIs(none, /home and social need a token/);
    await tidy(none);
    const hosts = [['a b', /must be a name/], ['https://localhost:1/x?y', /not answer/], ['\u202e', /not answer/]];
    for (const [host, said] of hosts) {
        const bad = await open(host);
        await stateIs(bad, said);
        await bad.close();
    }
    await stop();
});

await browser.close();
files.close();
process.exit(check.failures > 0 ? 1 : 0);
