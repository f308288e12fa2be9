// ingest.test.mjs: POST /api/events, where an API key stands in for the platform's signature. All else must be as on the source's path.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { NEEDS_SQLITE, accepted, caktoSource, crm, folder, holdStore, paidOrder, raw, startHub, startSink, toCrm, until, whole } from './hub.mjs';

const ingestKey = async (hub, name = 'bridge', more = {}) =>
  (await hub.post('/api/keys', { name, role: 'ingest', rate_per_min: 0, ...more })).key;
const ingest = (hub, key, body, query = '?source=cakto', headers = {}) => hub.call('POST', `/api/events${query}`, body, { key, headers });

test('a body handed over goes the way of a signed one, and is the same event as that', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm({ on: ['order.*'] })] });
  const key = await ingestKey(hub), message = paidOrder();
  const first = await ingest(hub, key, message);
  assert.equal(first.status, 200, first.text);
  assert.match(first.json.request, /^req_\w+$/);
  assert.deepEqual({ ...first.json, request: '' }, { received: true, request: '', events: 1, duplicates: 0 });
  const again = await ingest(hub, key, message, '?source=cakto', { authorization: 'Bearer none' });
  assert.deepEqual([again.status, again.json.events, again.json.duplicates], [200, 0, 1]);
  assert.deepEqual((({ events, duplicates }) => [events, duplicates])(await accepted(hub, message)), [0, 1]);
  const delivery = await hub.delivery('crm', 'delivered');
  const event = await hub.get(`/api/events/${delivery.event}`);
  assert.deepEqual([event.type, event.source, event.request, event.data.kind], ['order.paid', 'cakto', first.json.request, 'cakto']);
  const kept = await hub.get(`/api/requests/${first.json.request}`);
  assert.deepEqual([kept.method, kept.path, kept.query, kept.source], ['POST', '/api/events', 'source=cakto', 'cakto']);
  assert.ok(kept.remote.endsWith('127.0.0.1'));
  assert.doesNotMatch(JSON.stringify(kept), new RegExp(key), 'the key is not kept');
  for (const file of ['malote.db', 'malote.db-wal'])
    assert.equal(readFileSync(join(hub.data, file)).indexOf(key), -1, `the key is in ${file}`);
  const byVersion = await hub.call('POST', '/api/v1/events?source=cakto', paidOrder(), { key: null, headers: { authorization: `Bearer ${key}` } });
  assert.equal(byVersion.json.events, 1, byVersion.text);
  assert.equal((await hub.get(`/api/requests/${byVersion.json.request}`)).path, '/api/v1/events');
  const { since_start: own } = await hub.get('/api/webhook-cakto/stats');
  assert.deepEqual([own.accepted, own.duplicates], [4, 2], 'it counts as the source\'s');
});

test('a body that cannot be read is kept, acknowledged and shown with its problem', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()] });
  const key = await ingestKey(hub), answer = await ingest(hub, key, '{"event":"purchase_approved","data":{');
  assert.deepEqual([answer.status, answer.json.received, answer.json.events], [200, true, 0], answer.text);
  const kept = await hub.get(`/api/requests/${answer.json.request}`);
  assert.match(kept.problem, /JSON/i);
  assert.equal(kept.body, '{"event":"purchase_approved","data":{');
  assert.equal((await hub.get('/api/requests?problem=true')).items.length, 1);
});

test('what is acknowledged is there after a kill', async (t) => {
  const hub = await startHub(t), requests = [];
  await hub.apply({ sources: [caktoSource()] });
  const key = await ingestKey(hub);
  for (let i = 0; i < 5; i++) requests.push((await ingest(hub, key, paidOrder())).json.request);
  await hub.kill();
  await hub.start();
  for (const id of requests) assert.equal((await hub.get(`/api/requests/${id}`)).events, 1);
});

test('refusals say what to do, and keep nothing', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource(), caktoSource({ name: 'off', path: '/off', enabled: false }),
    caktoSource({ name: 'small', path: '/small', body_max: 1024 })] });
  const key = await ingestKey(hub), reader = (await hub.post('/api/keys', { name: 'eyes', role: 'reader' })).key;
  const big = `{"x":"${'x'.repeat(1024)}"}`;
  for (const [what, query, body, status, code, says, as = key] of [
    ['no source', '', '{}', 400, 'source_required', /\?source=NAME/],
    ['an empty source', '?source=', '{}', 400, 'source_required', /\?source=NAME/],
    ['an unknown source', '?source=nobody', '{}', 404, 'not_found', /"nobody"/],
    ['a disabled source', '?source=off', '{}', 404, 'not_found', /"off".*disabled/],
    ['the path of a source', '?source=/api/webhook-cakto', '{}', 404, 'not_found', /no source/],
    ['an empty body', '?source=cakto', '', 400, 'body_required', /empty/],
    ['no body', '?source=cakto', undefined, 400, 'body_required', /empty/],
    ['more than the source takes', '?source=small', big, 413, 'too_large', /1024/],
    ['a reader\'s key', '?source=cakto', '{}', 403, 'role_denied', /ingest/, reader],
    ['no key', '?source=cakto', '{}', 401, 'key_required', /X-API-Key/, null],
  ]) {
    const answer = await ingest(hub, as, body, query);
    assert.equal(answer.status, status, `${what}: ${answer.status} ${answer.text}`);
    assert.equal(answer.json.error.code, code, what);
    assert.match(answer.json.error.message, says, what);
  }
  // Refused by its length, before the body is read: a client that is still sending may not hear the answer.
  const huge = await raw(hub.port, `POST /api/events?source=cakto HTTP/1.1\r\nHost: hub\r\nX-API-Key: ${key}\r\n`
    + `Content-Length: ${1024 * 1024 + 1}\r\n\r\n`, { done: whole });
  assert.match(huge.text, /^HTTP\/1\.1 413 [^]*"too_large"[^]*1048576/);
  const gzip = await ingest(hub, key, '{}', '?source=cakto', { 'content-encoding': 'gzip' });
  assert.equal(gzip.status, 415);
  assert.equal((await hub.get('/api/requests')).items.length, 0);
  const slow = await ingestKey(hub, 'slow', { rate_per_min: 1 });
  assert.equal((await ingest(hub, slow, paidOrder())).status, 200);
  const second = await ingest(hub, slow, paidOrder());
  assert.equal(second.status, 429);
  assert.ok(second.headers.get('retry-after'));
});

test('an ingest key hands over and nothing else, whatever the spelling', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()] });
  const key = await ingestKey(hub), { request } = (await ingest(hub, key, paidOrder())).json;
  for (const [method, path] of [['GET', '/api/events?source=cakto'], ['HEAD', '/api/events'], ['GET', '/api/v1/events'], ['GET', `/api/requests/${request}`],
    ['GET', '/api/webhook-cakto/stats'], ['GET', '/status'], ['GET', '/metrics'], ['GET', '/health/detailed'], ['POST', '/api/events/replay'],
    ['POST', '/api/sources/cakto/send'], ['GET', '/api/keys'], ['POST', '/api/keys']])
    assert.equal((await hub.call(method, path, method === 'POST' ? {} : undefined, { key })).status, 403, `${method} ${path}`);
  for (const path of ['/api/events/', '/api//events', '/API/events', '/api/v1/v1/events', '/api/%65vents'])
    assert.equal((await hub.call('POST', `${path}?source=cakto`, paidOrder(), { key })).status >= 400, true, path);
  assert.equal((await hub.get('/api/events')).items.length, 1);
});

// The caller is a program with a key: its address and its name are no visitor's, and must not reach Meta as one's.
test('a lead handed over does not get the address of who handed it over', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [{ name: 'site', kind: 'lead', path: '/api/lead', write_key: 'wk', origins: ['https://www.example.com'] }] });
  const key = await ingestKey(hub), headers = { 'x-forwarded-for': '8.8.4.4', 'user-agent': 'bridge/1.0' };
  const form = await ingest(hub, key, 'email=ana%40example.com&nome=Ana', '?source=site', { ...headers, 'content-type': 'application/x-www-form-urlencoded' });
  assert.equal(form.json.events, 1, form.text);
  const json = await ingest(hub, key, { email: 'bia@example.com', ip: '9.9.9.9' }, '?source=site', headers);
  assert.equal(json.json.events, 1, json.text);
  const done = await until('both to be understood', async () => {
    const { items } = await hub.get('/api/events?state=done');
    return items.length === 2 && Promise.all(items.map((e) => hub.get(`/api/events/${e.id}`)));
  });
  const contacts = Object.fromEntries(done.map((e) => [e.data.contact.email, e.data.contact]));
  assert.deepEqual([contacts['ana@example.com'].client_ip, contacts['ana@example.com'].user_agent], [undefined, undefined]);
  assert.deepEqual([contacts['bia@example.com'].client_ip, contacts['bia@example.com'].user_agent], ['9.9.9.9', undefined]);
});

test('a journal without room: 503 with Retry-After, and the hub takes again afterwards', NEEDS_SQLITE, async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource(), { name: 'any', kind: 'http', path: '/any', scheme: 'token', header: 'x-t', secret: 's', type: 'x.y' }] });
  const key = await ingestKey(hub), release = await holdStore(t, hub);
  const body = (n) => JSON.stringify({ n, filler: 'x'.repeat(1024 * 1024 - 100) });
  const post = (n) => hub.call('POST', '/any', body(n), { key: null, headers: { 'x-t': 's' } });
  const flood = [post(0)];
  for (let n = 1; n < 90; n++) flood.push(post(n));
  const refused = await until('the journal to be full', async () => {
    const answer = await ingest(hub, key, `{"x":"${'x'.repeat(1000_000)}"}`, '?source=cakto');
    return answer.json?.error?.code === 'overloaded' && answer;
  });
  assert.equal(refused.status, 503);
  assert.match(refused.headers.get('retry-after'), /^\d+$/);
  await release();
  await Promise.all(flood);
  const later = await until('room', async () => { const answer = await ingest(hub, key, paidOrder()); return answer.status === 200 && answer; });
  assert.equal(later.json.events, 1);
});

test('malote ingest', async (t) => {
  const hub = await startHub(t), file = join(folder(t), 'order.json'), cli = (args, more) => hub.cli(['ingest', ...args], more);
  await hub.apply({ sources: [caktoSource()] });
  const env = { MALOTE_API_KEY: await ingestKey(hub) };
  writeFileSync(file, JSON.stringify(paidOrder()));
  const fromFile = await cli(['cakto', file, '--json'], { env });
  assert.equal(JSON.parse(fromFile.out).events, 1, fromFile.err);
  const fromStdin = await cli(['cakto', '-'], { env, input: JSON.stringify(paidOrder()) });
  assert.equal(JSON.parse(fromStdin.out).events, 1, fromStdin.err);
  for (const [args, input, says] of [[['nobody', '-'], '{}', /no source "nobody"/], [['cakto', '-'], '', /empty/], [['cakto', '/nowhere'], '', /cannot read/]]) {
    const failed = await cli(args, { env, input });
    assert.equal(failed.code, 1, failed.out);
    assert.match(failed.err, says);
  }
  assert.equal((await cli(['cakto'])).code, 2);
});
