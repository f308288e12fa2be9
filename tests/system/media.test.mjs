// The files of WhatsApp messages: fetched at once, whole or not at all, kept once, handed out safely.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { NEEDS_SQLITE, digest, mediaBytes as bytesOf, mediaSettled as settled, postWhatsapp as post, startHub, startMedia, until, waMessage as carrying, waSource } from './hub.mjs';

const TOKEN = 'EAAB-token-of-the-media-tests';

async function setup(t, options) {
  const media = await startMedia(t, { token: TOKEN });
  const hub = await startHub(t, options);
  await hub.apply({ sources: [waSource({ access_token: TOKEN, base_url: media.base })] });
  return { hub, media };
}


const kept = (hub) => readdirSync(join(hub.data, 'media'), { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(name));

test('a file is fetched by the link of its webhook and handed out, whole and in ranges', async (t) => {
  const { hub, media } = await setup(t);
  const bytes = randomBytes(300_000);
  await post(hub, [carrying('image', media.add('1001', bytes))]);
  const [item] = await settled(hub, 'downloaded');
  assert.equal(item.size, bytes.length);
  assert.deepEqual(media.events(), ['bytes 1001']);
  const answer = await bytesOf(hub, item.id);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'image/jpeg');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(answer.headers.get('content-disposition'), `inline; filename="${item.id}.jpg"; filename*=UTF-8''${item.id}.jpg`);
  assert.ok(bytes.equals(Buffer.from(await answer.arrayBuffer())));
  for (const [range, from, to] of [['bytes=0-0', 0, 1], ['bytes=100-199', 100, 200], ['bytes=-5', bytes.length - 5, bytes.length],
    ['bytes=299999-', 299999, 300000], ['bytes=299990-999999', 299990, 300000]]) {
    const part = await bytesOf(hub, item.id, { range });
    assert.equal(part.status, 206, range);
    assert.equal(part.headers.get('content-range'), `bytes ${from}-${to - 1}/${bytes.length}`);
    assert.ok(bytes.subarray(from, to).equals(Buffer.from(await part.arrayBuffer())), range);
  }
  assert.equal((await bytesOf(hub, item.id, { range: 'bytes=300000-' })).status, 416);
  assert.equal((await bytesOf(hub, item.id, { range: 'bytes=x-y' })).status, 200);
});

test('a dead link, or none, is asked for anew', async (t) => {
  const { hub, media } = await setup(t);
  const file = media.add('1002', Buffer.from('voice'), 'audio/ogg; codecs=opus');
  media.mode('dead-link', 1);
  await post(hub, [carrying('audio', file)]);
  await settled(hub, 'downloaded');
  assert.deepEqual(media.events(), ['bytes 1002', 'link 1002', 'bytes 1002']);
  await post(hub, [carrying('audio', { ...media.add('1003', Buffer.from('other')), url: undefined })]);
  await settled(hub, 'downloaded', 2);
});

test('a link in a webhook that leads elsewhere is not followed: one is asked for by the id', async (t) => {
  const { hub, media } = await setup(t);
  const heard = [], evil = http.createServer((req, res) => { heard.push(req.headers); res.end('evil'); }).listen(0, '127.0.0.1');
  await once(evil, 'listening');
  t.after(() => evil.close());
  const urls = [`http://127.0.0.1:${evil.address().port}/file/1`, 'https://fbsbx.com.example/x', 'https://user@evil.example/lookaside.fbsbx.com', 'ftp://lookaside.fbsbx.com/x', 'nonsense'];
  for (const [i, url] of urls.entries()) await post(hub, [carrying('image', { ...media.add(`e${i}`, Buffer.from(`file ${i}`)), url })]);
  await settled(hub, 'downloaded', urls.length);
  assert.deepEqual(media.events().sort(), urls.flatMap((_, i) => [`bytes e${i}`, `link e${i}`]).sort());
  assert.deepEqual(heard, []);
});

test('the same bytes are kept once', async (t) => {
  const { hub, media } = await setup(t);
  await post(hub, ['1', '2', '3'].map((id) => carrying('image', media.add(id, Buffer.from('same')))));
  await settled(hub, 'downloaded', 3);
  assert.equal(kept(hub).length, 1);
});

test('what came in part or as something else is not kept; nothing of it lies about', async (t) => {
  const { hub, media } = await setup(t);
  for (const mode of ['truncated', 'other', 'broken-off', '500', 'reset', 'garbage', '429']) {
    media.mode(mode, 2); // the link of the webhook, and once more
    await post(hub, [carrying('image', media.add(`bad-${mode}`, randomBytes(5000)))]);
    const item = await until(`${mode} to be put off`, async () =>
      (await hub.get('/api/media?state=pending')).items.find((m) => m.problem && m.tries === 1));
    assert.ok(item.due_at, mode);
    assert.doesNotMatch(item.problem, new RegExp(TOKEN), mode);
    await hub.call('POST', `/api/media/${item.id}/retry`, {}); // refused: it is not over yet
    media.mode('ok');
    await until(`no draft after ${mode}`, () => readdirSync(join(hub.data, 'media/drafts')).length === 0);
    assert.equal(kept(hub).length, 0, mode);
    await hub.call('DELETE', `/api/contacts/${(await hub.get('/api/contacts')).items[0].id}`);
  }
});

test('gone for good, too large, elsewhere: told, and fetched again when asked', async (t) => {
  const { hub, media } = await setup(t);
  const ends = async (mode, state, problem) => {
    media.mode(mode);
    const file = media.add(`end-${mode}`, Buffer.from(mode));
    await post(hub, [carrying('image', mode === 'endless' ? file : { ...file, url: undefined })]);
    const item = await until(`${mode} to end`, async () => (await hub.get(`/api/media?state=${state}`)).items.find((m) => problem.test(m.problem)));
    assert.equal((await bytesOf(hub, item.id)).status, 404);
    return item;
  };
  const expired = await ends('gone', 'expired', /does not have the file/);
  assert.match(expired.advice, /sent again/);
  await ends('endless', 'failed', /larger than/);
  const item = await ends('elsewhere', 'failed', /host that is not Meta's/);
  assert.match(item.advice, /^retry/);
  assert.match((await hub.cli(['media', '--state', 'failed'])).out, /host that is not Meta's +retry/);
  media.mode('ok');
  assert.equal((await hub.cli(['media', 'retry', item.id])).code, 0);
  const [there] = await settled(hub, 'downloaded');
  assert.equal(there.advice, undefined);
});

test('what a browser could run is a download; other keys see nothing', async (t) => {
  const { hub, media } = await setup(t);
  const file = { ...media.add('1004', Buffer.from('<script>alert(1)</script>'), 'text/html'), filename: '../../evil.html' };
  await post(hub, [carrying('document', file)]);
  const [item] = await settled(hub, 'downloaded');
  const answer = await bytesOf(hub, item.id);
  assert.equal(answer.headers.get('content-type'), 'application/octet-stream');
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="evil.html"; filename*=UTF-8\'\'evil.html');
  assert.match(answer.headers.get('content-security-policy'), /sandbox/);
  const { key } = await hub.post('/api/keys', { name: 'reader', role: 'reader' });
  assert.equal((await bytesOf(hub, item.id, { 'x-api-key': key })).status, 403);
  assert.equal((await hub.get(`/api/media/${item.id}/info`, { key })).filename, '***');
});

test('a file is handed out as what it was said to be, when nothing runs under that; and its hash is known without Meta', async (t) => {
  const { hub, media } = await setup(t);
  const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
  const cases = [ // declared, kind, handed out as, how
    ['application/pdf', 'document', 'application/pdf', 'attachment'],
    [docx, 'document', docx, 'attachment'],
    ['text/plain', 'document', 'text/plain; charset=utf-8', 'attachment'],
    ['image/heic', 'image', 'image/heic', 'attachment'],
    ['image/jpeg', 'image', 'image/jpeg', 'inline'],
    ['audio/ogg; codecs=opus', 'audio', 'audio/ogg', 'inline'],
    ['image/svg+xml', 'document', 'application/octet-stream', 'attachment'],
    ['text/html', 'document', 'application/octet-stream', 'attachment'],
    ['application/xhtml+xml', 'document', 'application/octet-stream', 'attachment'],
    ['application/pdf\r\nX-Evil: 1', 'document', 'application/octet-stream', 'attachment'],
  ];
  await post(hub, cases.map(([type, kind], i) => carrying(kind, { ...media.add(`t${i}`, Buffer.from(`bytes of ${i}`), type.split('\r')[0]), mime_type: type, sha256: undefined })));
  const items = await settled(hub, 'downloaded', cases.length);
  const hashes = new Map(cases.map((one, i) => [digest(`bytes of ${i}`), one]));
  for (const item of items) {
    const of = hashes.get(item.sha256), answer = await bytesOf(hub, item.id);
    assert.ok(of, JSON.stringify(item));
    hashes.delete(item.sha256);
    assert.deepEqual([answer.headers.get('content-type'), answer.headers.get('content-disposition').split(';')[0]], of.slice(2), of[0]);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.match(answer.headers.get('content-security-policy'), /sandbox/);
    assert.equal((await hub.get(`/api/media/${item.id}/info`)).sha256, item.sha256);
    assert.equal((await hub.get(`/api/messages/${item.message}`)).file.sha256, item.sha256);
  }
});

test('killed in the middle of downloads: each is there once after the restart', async (t) => {
  const { hub, media } = await setup(t);
  media.mode('slow');
  const files = Array.from({ length: 12 }, (_, i) => randomBytes(20_000 + i));
  await post(hub, files.map((bytes, i) => carrying('image', media.add(`k${i}`, bytes))));
  await until('downloads to be under way', async () => (await hub.get('/api/media?state=downloading')).items.length > 0);
  await hub.kill();
  media.mode('ok');
  await hub.start();
  await settled(hub, 'downloaded', 12);
  assert.equal(kept(hub).length, 12);
});

test('files are deleted by age, and those nobody means', async (t) => {
  const { hub, media } = await setup(t);
  await post(hub, [carrying('image', media.add('old', Buffer.from('old')))]);
  const [item] = await settled(hub, 'downloaded');
  const stray = join(hub.data, 'media/ab', 'ab'.repeat(32));
  mkdirSync(join(hub.data, 'media/ab'), { recursive: true });
  writeFileSync(stray, 'stray');
  utimesSync(stray, 1, 1);
  assert.deepEqual(await hub.post('/api/media/prune', { older_than: '1h', dry_run: true }), { dry_run: true, files: 0, orphans: 1, bytes: 5 });
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  assert.deepEqual(await hub.post('/api/media/prune', { older_than: tomorrow }), { dry_run: false, files: 1, orphans: 1, bytes: 8 });
  assert.equal(kept(hub).length, 0);
  assert.equal((await bytesOf(hub, item.id)).status, 404);
  assert.equal((await hub.get(`/api/media/${item.id}/info`)).problem, 'deleted by age');
  for (const wrong of [{}, { older_than: '90' }]) assert.equal((await hub.call('POST', '/api/media/prune', wrong)).status, 400);
  assert.match((await hub.cli(['prune-media', '--older-than', '90d', '--dry-run'])).out, /orphans/);
});

test('with MALOTE_MEDIA_KEEP what came in goes by itself when it is old enough; what was uploaded stays', NEEDS_SQLITE, async (t) => {
  const { hub, media } = await setup(t);
  await post(hub, [carrying('image', media.add('old', Buffer.from('old'))), carrying('image', media.add('new', Buffer.from('new')))]);
  await settled(hub, 'downloaded', 2);
  assert.equal((await hub.call('POST', '/api/media', 'mine', { headers: { 'content-type': 'text/plain' } })).status, 201);
  await hub.stop();
  // Two of them are of last year: ids tell when they were made.
  const aged = (id, to) => `UPDATE messages SET media_id = ${to} WHERE media_id = ${id}; UPDATE media SET id = ${to} WHERE id = ${id};`;
  const rows = spawnSync('sqlite3', [join(hub.data, 'malote.db'), 'SELECT id FROM media ORDER BY id'], { encoding: 'utf8' }).stdout.trim().split('\n');
  assert.equal(spawnSync('sqlite3', [join(hub.data, 'malote.db'), aged(rows[0], 1) + aged(rows[2], 2)]).status, 0);
  assert.deepEqual((await hub.cli(['serve'], { env: { MALOTE_MEDIA_KEEP: '5s' } })).code, 1);
  hub.env.MALOTE_MEDIA_KEEP = '30d';
  await hub.start();
  await until('the old one to be gone', async () => (await hub.get('/api/media?state=expired')).items.length === 1);
  const [gone] = (await hub.get('/api/media?state=expired')).items;
  assert.equal(gone.problem, 'deleted by age');
  await until('its bytes to be gone', () => kept(hub).length === 2);
  assert.deepEqual((await hub.get('/api/media?state=downloaded')).items.map((i) => i.kind).sort(), ['file', 'image']);
});

test('a person is handed out and erased, files included', async (t) => {
  const { hub, media } = await setup(t);
  await post(hub, [carrying('image', { ...media.add('1005', Buffer.from('portrait')), caption: 'minha foto' }),
    carrying('text', { body: 'meu CPF' })]);
  await settled(hub, 'downloaded');
  const [contact] = (await hub.get('/api/contacts')).items;
  const all = await hub.get(`/api/contacts/${contact.id}/export`);
  assert.equal(all.messages.length, 2);
  assert.equal(all.events.length, 2);
  assert.match(JSON.stringify(all), /minha foto/);
  const gone = await hub.call('DELETE', `/api/contacts/${contact.id}`);
  assert.deepEqual({ status: gone.status, ...gone.json }, { status: 200, erased: contact.id, events: 2, messages: 2, statuses: 0, files: 1, campaigns: 0 });
  assert.equal(kept(hub).length, 0);
  const left = JSON.stringify([await hub.get(`/api/contacts/${contact.id}/export`), await hub.all('/api/events'), await hub.all('/api/media')]);
  assert.doesNotMatch(left, /minha foto|meu CPF|99999|Cliente/);
  for (const request of await hub.all('/api/requests'))
    assert.doesNotMatch(JSON.stringify(await hub.get(`/api/requests/${request.id}`)), /minha foto|99999/);
});
