// edges.test.mjs: faults that an attacker's reading of the code found once; each must stay mended.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import test from 'node:test';
import { ADMIN_KEY, NEEDS_SQLITE, accepted, caktoHeaders, caktoSource, crm, holdStore, paidOrder, raw, run, send, startHub, startSink, toCrm, until, whole } from './hub.mjs';

test('a name that a route uses cannot be changed away under it', async (t) => {
  const sink = await startSink(t);
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm({ from: 'cakto' })] });
  for (const path of ['/api/destinations/crm', '/api/sources/cakto']) {
    const answer = await hub.call('PATCH', path, { name: 'another' });
    assert.equal(answer.status, 409, answer.text);
    assert.equal((await hub.call('GET', path)).status, 200);
  }
  await accepted(hub, paidOrder());
  await until('the delivery', () => sink.stats().requests === 1);
});

test('one file replaces a destination and its route with prune', async (t) => {
  const sink = await startSink(t);
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm()] });
  const answer = await hub.call('POST', '/api/apply?prune=true',
    { sources: [caktoSource()], destinations: [crm(sink, { name: 'erp' })], routes: [toCrm({ to: 'erp' })] });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual((await hub.get('/api/destinations')).items.map((d) => d.name), ['erp']);
});

test('a replay that fails keeps what was understood before', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()] });
  await accepted(hub, paidOrder());
  const id = await until('the event to be done', async () => (await hub.get('/api/events?state=done')).items[0]?.id);
  const before = (await hub.get(`/api/events/${id}`)).data;
  assert.equal((await hub.call('DELETE', '/api/sources/cakto')).status, 200);
  assert.equal((await hub.call('POST', '/api/events/replay', { all: true })).status, 202);
  const after = await until('the replay to fail', async () => {
    const event = await hub.get(`/api/events/${id}`);
    return event.state === 'failed' && event;
  });
  assert.match(after.problem, /source was deleted/);
  assert.deepEqual(after.data, before);
});

test('an address in the first of two X-Forwarded-For lines is not believed', async (t) => {
  const hub = await startHub(t);
  const ask = (lines) => raw(hub.port, [`GET /status HTTP/1.1\r\nHost: hub\r\n${lines}Connection: close\r\n\r\n`], { done: whole });
  const outside = await ask('X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\n');
  assert.match(outside.text ?? outside, /^HTTP\/1\.1 401/);
  const inside = await ask('');
  assert.match(inside.text ?? inside, /^HTTP\/1\.1 200/);
});

// More of them than a listen loop lets wait without suspending their connections.
test('senders that leave while their requests are being stored', NEEDS_SQLITE, async (t) => {
  const hub = await startHub(t), senders = 300;
  await hub.apply({ sources: [caktoSource()] });
  const release = await holdStore(t, hub), staying = [], leaving = [];
  for (let i = 0; i < senders; i++) {
    const body = JSON.stringify(paidOrder()), head = Object.entries(caktoHeaders(body)).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const request = `POST /api/webhook-cakto HTTP/1.1\r\nHost: x\r\n${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    if (i % 2) staying.push(raw(hub.port, request, { done: whole }));
    else leaving.push(net.connect(hub.port, '127.0.0.1').on('error', () => {}));
    if (i % 2 === 0) await new Promise((sent) => leaving.at(-1).write(request, sent));
  }
  await until('all to wait', async () => await hub.metric('malote_connections') >= senders);
  for (const socket of leaving) socket.resetAndDestroy();
  await until('some to be seen leaving', async () => await hub.metric('malote_connections') < senders);
  await release();
  for (const answer of await Promise.all(staying)) assert.equal(answer.status, 200, answer.text);
  await until('all to be stored', async () => await hub.metric('malote_events_stored_total') === senders);
});

// What an older version could not read, and this one can: written into the store as that one left it.
test('a request that could not be read is read later, once, by hand or all of them', NEEDS_SQLITE, async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource(), caktoSource({ name: 'other', path: '/api/other' })], destinations: [crm(sink)], routes: [toCrm()] });
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push((await send(hub, `{"broken":${i}`)).json.request);
  const [one, same, never, late, erased] = ids;
  const order = JSON.stringify(paidOrder()), another = JSON.stringify(paidOrder());
  const hex = (body) => Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from(',"x":"\xff"}', 'latin1')]).toString('hex');
  await hub.stop();
  const numbers = spawnSync('sqlite3', [`${hub.data}/malote.db`, 'SELECT id FROM requests ORDER BY id'], { encoding: 'utf8' }).stdout.trim().split('\n');
  const write = (body, at) => `UPDATE requests SET body = X'${hex(body)}' WHERE id = ${numbers[at]};`;
  const done = spawnSync('sqlite3', [`${hub.data}/malote.db`, write(order, 0) + write(order, 1) + write(another, 3) + `UPDATE requests SET body = X'', problem = 'erased' WHERE id = ${numbers[4]};`]);
  assert.equal(done.status, 0, String(done.stderr));
  await hub.start();
  const retry = (id) => hub.call('POST', `/api/requests/${id}/retry`);
  const refused = async (id, words, status = 409) => {
    const answer = await retry(id);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.json.error.message, words);
  };
  const shown = await hub.all('/api/requests?problem=true');
  assert.deepEqual(shown.map((r) => /malote retry/.test(r.advice ?? '')), [false, true, true, true, true]);
  // What cannot be read stays as it is; what was erased is gone; a source that takes nothing takes nothing this way either.
  await refused(never, /still cannot be read: not JSON/);
  await refused(erased, /erased/);
  await refused('req_0000000000000', /no such request/, 404);
  await hub.patch('/api/sources/cakto', { enabled: false });
  await refused(one, /disabled/);
  await hub.patch('/api/sources/cakto', { enabled: true });
  const bulk = (body) => hub.post('/api/requests/retry', body);
  assert.deepEqual(await bulk({ dry_run: true }), { dry_run: true, requests: 3, events: 3, duplicates: 0, unread: 1 });
  assert.deepEqual(await bulk({ source: 'other' }), { dry_run: false, requests: 0, events: 0, duplicates: 0, unread: 0 });
  assert.equal((await hub.call('POST', '/api/requests/retry', { state: 'failed' })).status, 400);
  assert.deepEqual(await hub.all('/api/requests?problem=true'), shown);
  assert.deepEqual(await hub.all('/api/events'), []);

  assert.deepEqual((await retry(one)).json, { retried: true, events: 1, duplicates: 0 });
  await until('the delivery', () => sink.stats().requests === 1);
  const read = await hub.get(`/api/requests/${one}`);
  assert.deepEqual([read.problem, read.advice, read.events], [undefined, undefined, 1]);
  const [event] = await hub.all('/api/events');
  assert.deepEqual([event.request, event.state, event.received_at], [one, 'done', read.received_at]);
  await refused(one, /was read/);

  const cli = async (...args) => run(args, { env: { MALOTE_URL: hub.base, MALOTE_API_KEY: ADMIN_KEY } });
  const told = await cli('replay', '--unread', '--source', 'cakto', '--json');
  assert.deepEqual(JSON.parse(told.out), { dry_run: false, requests: 2, events: 1, duplicates: 1, unread: 1 });
  await until('the other delivery', () => sink.stats().requests === 2);
  assert.deepEqual((await hub.all('/api/requests?problem=true')).map((r) => r.id), [erased, never]);
  assert.equal((await hub.get(`/api/requests/${same}`)).events, 0);
  assert.equal((await hub.get(`/api/requests/${late}`)).events, 1);
  assert.equal((await cli('retry', never)).code, 1);
  assert.equal((await cli('replay', '--unread', '--type', 'x')).code, 2);
  assert.match((await cli('requests', '--problem')).out, /malote retry REQUEST/);

  // More than one call reads: the command goes on until there are no more.
  for (let i = 0; i < 1020; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => send(hub, `{"broken":${i + k}`)));
  const first = await bulk({ dry_run: true });
  assert.deepEqual([first.unread, typeof first.next], [1000, 'string']);
  const rest = await bulk({ dry_run: true, after: first.next });
  assert.deepEqual([rest.unread, rest.next], [21, undefined]);
  assert.equal((await hub.call('POST', '/api/requests/retry', { after: 'evt_x' })).status, 400);
  assert.equal((await cli('replay', '--unread', '--dry-run')).out.match(/unread/g).length, 2);

  // On disk, with its events; and what was counted when it came is not counted again.
  await hub.kill();
  await hub.start();
  assert.equal((await hub.all('/api/events')).length, 2);
  assert.equal((await hub.call('POST', '/api/events/replay', { all: true })).status, 202);
  await hub.quiet();
  const hour = (await hub.get('/api/stats')).last_hour;
  assert.deepEqual([hour.requests, hour.events, hour.duplicates, hour.unreadable], [1025, 2, 1, 1025]);
  assert.equal(sink.stats().requests, 2);
});
