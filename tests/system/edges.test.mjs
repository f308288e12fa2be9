// edges.test.mjs: faults that an attacker's reading of the code found once; each must stay mended.
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { NEEDS_SQLITE, accepted, caktoHeaders, caktoSource, crm, holdStore, paidOrder, raw, startHub, startSink, toCrm, until, whole } from './hub.mjs';

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
