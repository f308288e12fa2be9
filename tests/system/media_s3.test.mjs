// Files of messages in an S3 bucket: carried up once, whole and surely; read back through a bounded cache; deleted with what meant them.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BIN, folder, pause, mediaBytes as bytesOf, mediaSettled as settled, postWhatsapp as post, run, s3Env, startHub, startMedia, startS3, until, waMessage as carrying, waSource } from './hub.mjs';

const TOKEN = 'EAAB-token-of-the-media-tests';
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const keyOf = (bytes) => `zap/files/${sha(bytes).slice(0, 2)}/${sha(bytes)}`;

async function setup(t, env = {}, s3 = null) {
  const media = await startMedia(t, { token: TOKEN });
  s3 ??= await startS3(t);
  const hub = await startHub(t, { env: s3Env(s3, env) });
  await hub.apply({ sources: [waSource({ access_token: TOKEN, base_url: media.base })] });
  return { hub, media, s3 };
}

const named = (path) => { try { return readdirSync(path, { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(name)); } catch { return []; } };
const waiting = (hub) => named(join(hub.data, 'media')).filter((name) => !name.startsWith('cache'));
const cached = (hub) => named(join(hub.data, 'media/cache'));
const dropCache = (hub) => { for (const name of cached(hub)) rmSync(join(hub.data, 'media/cache', name)); };

test('carried up under its digest, signed; the same bytes once; read back in ranges when the cache is empty', async (t) => {
  const { hub, media, s3 } = await setup(t);
  const bytes = randomBytes(1_500_000); // over the megabyte from which on libcurl asks before it sends
  await post(hub, ['1', '2', '3'].map((id) => carrying('document', media.add(id, bytes, 'application/pdf'))));
  const [item] = await settled(hub, 'downloaded', 3);
  assert.deepEqual([...s3.objects.keys()], [keyOf(bytes)]);
  assert.ok(s3.objects.get(keyOf(bytes)).equals(bytes));
  assert.equal(s3.count('PUT'), 1);
  assert.deepEqual(s3.stats().rejected, []);
  await until('the file to be in the cache', () => waiting(hub).length === 0 && cached(hub).length === 1);
  dropCache(hub);
  const part = await bytesOf(hub, item.id, { range: 'bytes=100-199' });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-range'), `bytes 100-199/${bytes.length}`);
  assert.equal(part.headers.get('content-disposition'), `attachment; filename="${item.id}.pdf"; filename*=UTF-8''${item.id}.pdf`);
  assert.ok(bytes.subarray(100, 200).equals(Buffer.from(await part.arrayBuffer())));
  assert.ok(bytes.equals(Buffer.from(await (await bytesOf(hub, item.id)).arrayBuffer())));
  assert.equal(s3.count('GET'), 1);
  assert.equal(await hub.metric('malote_bucket_got_total'), 1);
});

test('many readers of one file are one download; none of them holds up the API', async (t) => {
  const { hub, media, s3 } = await setup(t);
  const bytes = randomBytes(50_000);
  await post(hub, [carrying('image', media.add('1', bytes))]);
  const [item] = await settled(hub, 'downloaded');
  await until('the file to be in the cache', () => cached(hub).length === 1);
  dropCache(hub);
  s3.mode('GET:stall');
  const reads = Array.from({ length: 20 }, () => bytesOf(hub, item.id));
  await until('the download to be under way', () => s3.count('GET') === 1);
  for (let i = 0; i < 5; i++) assert.equal((await hub.get('/api/media')).items.length, 1); // both threads of the API are free
  s3.mode('ok');
  for (const read of await Promise.all(reads)) {
    assert.equal(read.status, 200);
    assert.ok(bytes.equals(Buffer.from(await read.arrayBuffer())));
  }
  assert.equal(s3.count('GET'), 1);
});

test('what the bucket gives wrongly is not handed out', async (t) => {
  const { hub, media, s3 } = await setup(t);
  const bytes = randomBytes(5000);
  await post(hub, [carrying('image', media.add('1', bytes))]);
  const [item] = await settled(hub, 'downloaded');
  await until('the file to be in the cache', () => cached(hub).length === 1);
  dropCache(hub);
  for (const [mode, status] of [['other', 502], ['truncated', 502], ['broken-off', 502], ['500', 502], ['reset', 502], ['403', 502], ['lost-key', 404]]) {
    s3.mode(`GET:${mode}`);
    const answer = await bytesOf(hub, item.id);
    assert.equal(answer.status, status, mode);
    assert.doesNotMatch(await answer.text(), new RegExp(`${s3.key}|${s3.secret}`), mode);
    assert.equal(cached(hub).length, 0, mode);
    await until(`no draft after ${mode}`, () => readdirSync(join(hub.data, 'media/cache/drafts')).length === 0);
  }
  s3.mode('ok');
  assert.ok(bytes.equals(Buffer.from(await (await bytesOf(hub, item.id)).arrayBuffer())));
});

test('a bucket that fails costs no file and no try; files are read from here meanwhile', async (t) => {
  const { hub, media, s3 } = await setup(t);
  const ends = [];
  for (const mode of ['500', '403', 'reset', 'no-etag']) { // the last: some page that is no store's, with 200
    s3.mode(`PUT:${mode}`);
    const bytes = randomBytes(4000);
    ends.push(bytes);
    await post(hub, [carrying('image', media.add(`f-${mode}`, bytes))]);
    const item = await until(`${mode} to be put off`, async () =>
      (await hub.get('/api/media?state=pending')).items.find((m) => m.sha256 === sha(bytes) && /^S3:/.test(m.problem)));
    assert.equal(item.tries, 1, mode);
    assert.ok(bytes.equals(Buffer.from(await (await bytesOf(hub, item.id)).arrayBuffer())), mode);
    const health = await hub.call('GET', '/health/detailed');
    assert.equal(health.status, 503);
    assert.match(health.json.parts.media.detail, /^S3: /);
    s3.mode('ok');
    await settled(hub, 'downloaded', ends.length);
    assert.equal((await hub.get('/health/detailed')).parts.media.status, 'ok');
    assert.ok(s3.objects.get(keyOf(bytes)).equals(bytes));
  }
  assert.equal(media.events().filter((line) => line.startsWith('bytes ')).length, ends.length); // fetched from Meta once each
  assert.doesNotMatch(hub.err, new RegExp(`${s3.key}|${s3.secret.replace(/\+/g, '\\+')}`));
  assert.equal(hub.err.match(/media\.bucket_failing/g).length, 4); // each outage is told once
});

test('killed while files are carried up: each is there once after the restart, and Meta is not asked again', async (t) => {
  const { hub, media, s3 } = await setup(t);
  s3.mode('PUT:stall');
  const files = Array.from({ length: 12 }, (_, i) => randomBytes(20_000 + i));
  await post(hub, files.map((bytes, i) => carrying('image', media.add(`k${i}`, bytes))));
  await until('files to be on their way', async () => s3.count('PUT') >= 4 && waiting(hub).length === 12 &&
    (await hub.get('/api/media?state=pending')).items.length === 12);
  const asked = media.events().length;
  await hub.kill();
  s3.mode('ok');
  await hub.start();
  await settled(hub, 'downloaded', 12);
  assert.deepEqual([...s3.objects.keys()].sort(), files.map(keyOf).sort());
  assert.equal(media.events().length, asked);
  await until('all to be in the cache', () => waiting(hub).length === 0 && cached(hub).length === 12);
});

test('stopped while a reader waits: it is told, and the hub ends in time', async (t) => {
  const { hub, media, s3 } = await setup(t);
  await post(hub, [carrying('image', media.add('1', randomBytes(100)))]);
  const [item] = await settled(hub, 'downloaded');
  await until('the file to be in the cache', () => cached(hub).length === 1);
  dropCache(hub);
  s3.mode('GET:stall');
  const read = bytesOf(hub, item.id).catch(() => null);
  await until('the download to be under way', () => s3.count('GET') === 1);
  const begun = Date.now();
  await hub.stop();
  assert.ok(Date.now() - begun < 5000, `${Date.now() - begun} ms`);
  const answer = await read;
  assert.equal(answer?.status, 503);
  assert.ok(answer.headers.get('retry-after'));
});

test('pruned and erased files leave the bucket; what fails is tried again, also after a kill', async (t) => {
  const { hub, media, s3 } = await setup(t);
  const shared = randomBytes(3000), own = randomBytes(3001);
  await post(hub, [carrying('image', media.add('a', shared)), carrying('image', media.add('b', own))]);
  await post(hub, [carrying('image', media.add('c', shared), { from: '5511888880005' })]);
  await settled(hub, 'downloaded', 3);
  s3.mode('DELETE:500');
  const first = (await hub.get('/api/contacts')).items.at(-1);
  const gone = await hub.call('DELETE', `/api/contacts/${first.id}`);
  assert.deepEqual([gone.status, gone.json.files], [200, 1]);
  await until('a deletion to fail', () => s3.count('DELETE') >= 1);
  assert.equal(cached(hub).length + waiting(hub).length, 1);
  await hub.kill();
  s3.mode('DELETE:403', 1);
  await hub.start();
  await until('the file to leave the bucket', () => !s3.objects.has(keyOf(own)));
  assert.ok(s3.objects.has(keyOf(shared)), 'somebody else means it');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  assert.equal((await hub.post('/api/media/prune', { older_than: tomorrow })).files, 1);
  await until('the bucket to be empty', () => s3.objects.size === 0);
  assert.equal(cached(hub).length + waiting(hub).length, 0);
  await pause(200);
  assert.equal(s3.stats().rejected.filter((line) => line.startsWith('SignatureDoesNotMatch')).length, 0);
});

test('a file that comes again while it is being deleted is carried up again', async (t) => {
  const { hub, media, s3 } = await setup(t);
  const bytes = randomBytes(3000);
  await post(hub, [carrying('image', media.add('a', bytes))]);
  await settled(hub, 'downloaded');
  s3.mode('DELETE:stall');
  await hub.post('/api/media/prune', { older_than: new Date(Date.now() + 86_400_000).toISOString() });
  await until('the deletion to be under way', () => s3.count('DELETE') === 1);
  await post(hub, [carrying('image', media.add('b', bytes))]);
  await until('the file to wait', () => waiting(hub).length === 1);
  await pause(300);
  assert.equal(s3.count('PUT'), 1);
  s3.mode('ok');
  await settled(hub, 'downloaded');
  assert.equal(s3.count('PUT'), 2);
  assert.ok(s3.objects.has(keyOf(bytes)));
  await until('the file to be in the cache', () => cached(hub).length === 1);
});

test('the cache keeps to its size, the oldest go first', async (t) => {
  const { hub, media, s3 } = await setup(t, { MALOTE_MEDIA_CACHE: '1' });
  const files = Array.from({ length: 8 }, () => randomBytes(300_000));
  for (const [i, bytes] of files.entries()) {
    await post(hub, [carrying('image', media.add(`c${i}`, bytes))]);
    await settled(hub, 'downloaded', i + 1);
  }
  await until('the cache to be small', () => waiting(hub).length === 0 && cached(hub).length <= 3);
  assert.ok(cached(hub).some((name) => name.endsWith(sha(files[7]))), 'the newest stays');
  const items = (await hub.get('/api/media')).items;
  for (const item of items) assert.equal((await bytesOf(hub, item.id)).status, 200);
  await until('the cache to be small again', () => cached(hub).length <= 3);
  assert.equal(s3.objects.size, 8);
});

test('a folder that was filled without a bucket is carried up', async (t) => {
  const media = await startMedia(t, { token: TOKEN }), s3 = await startS3(t), data = folder(t);
  const before = await startHub(t, { data });
  await before.apply({ sources: [waSource({ access_token: TOKEN, base_url: media.base })] });
  const bytes = randomBytes(2000);
  await post(before, [carrying('image', media.add('1', bytes))]);
  await settled(before, 'downloaded');
  await before.stop();
  const hub = await startHub(t, { data, env: s3Env(s3) });
  await until('the file to be in the bucket', () => s3.objects.has(keyOf(bytes)));
  await settled(hub, 'downloaded');
  assert.equal(media.events().length, 1);
});

test('malote check tries the bucket and says what is wrong', async (t) => {
  const s3 = await startS3(t), data = folder(t);
  await (await startHub(t, { data })).stop();
  const check = (env) => run(['check'], { env: { MALOTE_DATA: data, MALOTE_ALLOW_NET: '127.0.0.0/8', ...s3Env(s3), ...env } });
  const good = await check({});
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /takes, gives and deletes/);
  assert.equal(s3.objects.size, 0);
  const host = s3.base.replace('127.0.0.1', 'localhost');
  assert.equal((await check({ MALOTE_S3_ENDPOINT: host, MALOTE_S3_STYLE: 'host', MALOTE_ALLOW_NET: '127.0.0.0/8 ::1' })).code, 0);
  assert.ok([...s3.hosts].some((name) => name.startsWith(`${s3.bucket}.localhost`)));
  for (const [env, words] of [
    [{ MALOTE_S3_REGION: 'us-east-1' }, /the region is wrong.*expected: sa-east-1/],
    [{ MALOTE_S3_SECRET: 'another' }, /PUT: S3: 403 SignatureDoesNotMatch: the secret is wrong/],
    [{ MALOTE_S3_KEY: 'AKIAOTHER' }, /the key is not known/],
    [{ MALOTE_MEDIA: 's3://nowhere/x' }, /there is no such bucket/],
    [{ MALOTE_S3_ENDPOINT: 'http://127.0.0.1:1' }, /PUT: S3: .*onnect/],
    [{ MALOTE_ALLOW_NET: '' }, /address refused/],
    [{ MALOTE_S3_SECRET: '' }, /MALOTE_S3_KEY and MALOTE_S3_SECRET are needed/],
    [{ MALOTE_MEDIA: 's3://a_b/x' }, /a bucket's name/],
    [{ MALOTE_MEDIA: `s3://${s3.bucket}/a/../b` }, /begins with a dot/],
  ]) {
    const { code, out, err } = await check(env);
    assert.equal(code, 1, JSON.stringify(env));
    assert.match(err, words, JSON.stringify(env));
    assert.doesNotMatch(out + err, /secret\/of|another/, JSON.stringify(env));
  }
  s3.mode('DELETE:403');
  assert.match((await check({})).err, /DELETE: S3: 403 AccessDenied/);
});
