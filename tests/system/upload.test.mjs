// Files to be sent: taken in pieces, kept by digest, uploaded to Meta once and named in messages.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { ADMIN_KEY, s3Env, startHub, startS3, until } from './hub.mjs';

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const upload = async (hub, bytes, { type = 'image/jpeg', query = '', key = ADMIN_KEY } = {}) => {
  const res = await fetch(`${hub.base}/api/media${query}`, { method: 'POST', body: bytes, headers: { 'x-api-key': key, ...(type && { 'content-type': type }) } });
  return { status: res.status, headers: res.headers, json: await res.json() };
};
const files = (hub) => readdirSync(join(hub.data, 'media'), { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(name));
const drafts = (hub) => readdirSync(join(hub.data, 'media/drafts'));
// A request whose body is written by hand.
const open = (hub, headers, path = '/api/media') => http.request(hub.base + path, { method: 'POST', headers: { 'x-api-key': ADMIN_KEY, 'content-type': 'application/pdf', ...headers } });

test('kept whole, once, whatever its size and however it comes', async (t) => {
  const hub = await startHub(t);
  for (const size of [1, 262_143, 262_144, 262_145, 524_288, 3_000_001]) {
    const bytes = randomBytes(size);
    const { status, json } = await upload(hub, bytes, { type: 'application/pdf', query: '?filename=or%C3%A7amento.pdf' });
    assert.equal(status, 201, JSON.stringify(json));
    assert.deepEqual({ ...json, id: '' }, { id: '', mime: 'application/pdf', sha256: sha(bytes), size, filename: 'orçamento.pdf' });
    const info = await hub.get(`/api/media/${json.id}/info`);
    assert.deepEqual([info.state, info.size, info.filename], ['downloaded', size, 'orçamento.pdf']);
    const back = await fetch(`${hub.base}/api/media/${json.id}`, { headers: { 'x-api-key': ADMIN_KEY } });
    assert.ok(bytes.equals(Buffer.from(await back.arrayBuffer())), String(size));
  }
  const bytes = randomBytes(600_000), before = files(hub).length;
  assert.notEqual((await upload(hub, bytes)).json.id, (await upload(hub, bytes)).json.id);
  assert.equal(files(hub).length, before + 1);
  const chunked = open(hub, { 'transfer-encoding': 'chunked' });
  for (let at = 0; at < bytes.length; at += 70_000) chunked.write(bytes.subarray(at, at + 70_000));
  chunked.end();
  const [res] = await once(chunked, 'response');
  assert.equal(res.statusCode, 201);
  res.resume();
  assert.equal(files(hub).length, before + 1);
  assert.deepEqual(drafts(hub), []);
});

test('refused before a byte of it is taken', async (t) => {
  const hub = await startHub(t);
  const { key } = await hub.post('/api/keys', { name: 'r', role: 'reader' });
  assert.equal((await upload(hub, 'x', { key: 'wrong' })).status, 401);
  assert.equal((await upload(hub, 'x', { key })).status, 403);
  assert.equal((await upload(hub, 'x', { type: 'picture' })).status, 415);
  assert.equal((await upload(hub, 'x', { query: '?filename=a%0Ab' })).status, 400);
  assert.equal((await upload(hub, '')).status, 400);
  for (const [headers, status] of [[{ 'content-length': 104_857_601 }, 413], [{ 'content-length': 90_000_000, 'x-api-key': 'wrong', expect: '100-continue' }, 401]]) {
    const req = open(hub, headers);
    req.on('error', () => {});
    req.on('continue', () => assert.fail('asked for the body'));
    req.flushHeaders();
    const [res] = await once(req, 'response');
    assert.equal(res.statusCode, status);
    req.destroy();
  }
  assert.deepEqual([files(hub), drafts(hub)], [[], []]);
});

test('given up in the middle: nothing is left, and there is room for others', async (t) => {
  const hub = await startHub(t);
  const half = async () => {
    const req = open(hub, { 'content-length': 1_000_000 });
    req.on('error', () => {});
    req.write(randomBytes(500_000));
    return req;
  };
  const all = await Promise.all(Array.from({ length: 16 }, half));
  await until('all to be under way', () => drafts(hub).length === 16);
  const busy = await upload(hub, 'x');
  assert.equal(busy.status, 503);
  assert.ok(busy.headers.get('retry-after'));
  for (const req of all) req.destroy();
  await until('nothing to be left', () => drafts(hub).length === 0);
  assert.equal((await upload(hub, 'x')).status, 201);
  const last = await half(); // and the hub stops beside one
  await until('it to be under way', () => drafts(hub).length === 1);
  await hub.stop();
  last.destroy();
});

test('with a bucket it is acknowledged from this disk and carried up by itself', async (t) => {
  const s3 = await startS3(t), hub = await startHub(t, { env: s3Env(s3) });
  s3.mode('PUT:500');
  const bytes = randomBytes(300_000), { json } = await upload(hub, bytes);
  await until('the bucket to refuse', async () => /^S3: 500/.test((await hub.get(`/api/media/${json.id}/info`)).problem));
  const read = await fetch(`${hub.base}/api/media/${json.id}`, { headers: { 'x-api-key': ADMIN_KEY } });
  assert.ok(bytes.equals(Buffer.from(await read.arrayBuffer())));
  await hub.kill();
  s3.mode('ok');
  await hub.start();
  await until('it to be in the bucket', async () => (await hub.get(`/api/media/${json.id}/info`)).state === 'downloaded');
  assert.ok([...s3.objects.values()][0].equals(bytes));
});
