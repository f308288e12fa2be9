// alert.test.mjs: the hub's own events: a destination that is put on hold or breaks is told of once, wherever a route says, and alerts
// never beget alerts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import test from 'node:test';
import { ADMIN_KEY, NEEDS_SQLITE, SINK_SECRET, accepted, caktoSource, crm, holdStore, paidOrder, pause, pixel, startHub, startMeta, startSink, toCrm, toPixel,
  until } from './hub.mjs';

const QUICK = Array.from({ length: 30 }, () => '20ms');
const ops = (sink, more) => crm(sink, { name: 'ops', url: `${sink.base}/alerts`, retries: QUICK, ...more });
const toOps = (more) => ({ name: 'alerts', on: ['malote.alert'], to: 'ops', ...more });
const alerts = (hub) => hub.all('/api/events?source=malote');
const state = async (hub, name) => (await hub.get(`/api/destinations/${name}`)).state;
const becomes = (hub, name, want) => until(`${name} to be ${want}`, async () => (await state(hub, name)) === want);
const poke = (hub, name, n) => hub.patch(`/api/destinations/${name}`, { timeout: `${1000 + n}ms` }); // changed settings deserve a try
const attempts = (hub) => hub.metric('malote_attempts_total');
// Lets the destination try although its breaker is open, until it is open again.
async function failOnceMore(hub, name, n) {
  const before = await attempts(hub);
  await poke(hub, name, n);
  await until('one more attempt', async () => (await attempts(hub)) > before);
  await becomes(hub, name, 'broken');
}

// A far side that answers when told to: each request gives `asked` a function that ends it with a status.
async function refuser(t, asked) {
  const server = http.createServer((req, res) => { req.resume(); asked((status) => { res.statusCode = status; res.end(); }); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}`;
}

async function withOps(t, more = {}, routes = [toCrm(), toOps()]) {
  const sink = await startSink(t), watch = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink, { retries: QUICK, ...more }), ops(watch)], routes });
  return { sink, watch, hub };
}

test('a hold: one alert however many requests are refused at once, carried by the route that asks for it', async (t) => {
  const { sink, watch, hub } = await withOps(t, { concurrency: 8 });
  sink.mode('unauthorised');
  await Promise.all(Array.from({ length: 20 }, () => accepted(hub, paidOrder())));
  await becomes(hub, 'crm', 'held');
  await hub.delivery('ops', 'delivered');
  const [event, ...more] = await alerts(hub), { hold, id } = await hub.get('/api/destinations/crm');
  assert.deepEqual(more, []);
  assert.deepEqual([event.type, event.name, event.source, event.state], ['malote.alert', 'destination_held', 'malote', 'done']);
  assert.equal(event.key, `destination_held:${id}:${Date.parse(event.occurred_at)}`);
  const [{ payload }] = watch.events();
  assert.equal(payload.type, 'malote.alert');
  assert.deepEqual([payload.data.source, payload.data.kind, payload.data.type], ['malote', 'malote', 'malote.alert']);
  assert.deepEqual(payload.data.custom, { alert: 'destination_held', destination: 'crm', destination_id: id, reason: hold, at: event.occurred_at });
  assert.match(hold, /^unauthorised: HTTP 401/);
  assert.deepEqual(Object.keys(payload.data).sort(), ['custom', 'id', 'key', 'kind', 'name', 'occurred_at', 'received_at', 'source', 'type']);
  const kept = await hub.get(`/api/requests/${event.request}`);
  assert.deepEqual([kept.method, kept.path, kept.remote, kept.source, kept.events], ['', '', '', 'malote', 1], 'nobody sent it');
  assert.doesNotMatch(JSON.stringify([payload, kept]), new RegExp(`${SINK_SECRET}|${ADMIN_KEY}|@example`));
  assert.ok((await hub.all('/api/deliveries?destination=crm')).every((d) => d.event !== event.id), '"*" does not take alerts');
  await hub.kill(); // it is as durable as the hold, and the hold as it
  await hub.start();
  assert.equal(await state(hub, 'crm'), 'held');
  assert.equal((await alerts(hub)).length, 1);
});

// Eight requests are under way and refused one after the other, some after the hold is in force.
test('late refusals are of the same hold: its first reason and its one alert stay', async (t) => {
  const waiting = [], watch = await startSink(t), hub = await startHub(t);
  const base = await refuser(t, (refuse) => waiting.push(refuse));
  await hub.apply({ sources: [caktoSource()], routes: [toCrm(), toOps()], destinations: [crm({ base }, { concurrency: 8, timeout: '20s' }), ops(watch)] });
  for (let i = 0; i < 8; i++) await accepted(hub, paidOrder());
  await until('eight requests', () => waiting.length === 8);
  for (const [i, refuse] of waiting.entries()) {
    refuse(i === 0 ? 401 : 403);
    if (i === 3) await becomes(hub, 'crm', 'held');
    await pause(20);
  }
  await hub.deliveries('crm', 'held', 8);
  await hub.delivery('ops', 'delivered');
  assert.equal((await alerts(hub)).length, 1);
  assert.match((await hub.get('/api/destinations/crm')).hold, /401/);
});

test('Meta refuses the token: the alert names the pixel and no token', async (t) => {
  const meta = await startMeta(t), watch = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [pixel(meta), ops(watch)], routes: [toPixel(), toOps({ on: ['*'], from: 'malote' })] });
  meta.mode('unauthorised');
  await accepted(hub, paidOrder());
  await hub.delivery('ops', 'delivered');
  const { custom } = watch.events()[0].payload.data;
  assert.deepEqual([custom.alert, custom.destination], ['destination_held', 'pixel']);
  assert.doesNotMatch(JSON.stringify(custom), /EAAB/);
  assert.equal((await hub.get('/api/deliveries?destination=pixel')).items.length, 1, 'Meta has no use for alerts');
});

test('an alert that leads to the very destination that is on hold waits there, and raises no other', async (t) => {
  const { sink, hub } = await withOps(t, {}, [toCrm(), toOps({ to: 'crm' })]);
  sink.mode('unauthorised');
  await accepted(hub, paidOrder());
  await becomes(hub, 'crm', 'held');
  await hub.deliveries('crm', 'held', 2); // the order's and the alert's
  const before = sink.requests;
  await pause(1500);
  assert.deepEqual([(await alerts(hub)).length, sink.requests], [1, before]);
  await hub.post('/api/destinations/crm/resume'); // by hand, and it is refused again: that is a new hold
  await until('one more request', () => sink.requests > before);
  await becomes(hub, 'crm', 'held');
  await hub.deliveries('crm', 'held', 3);
  const after = sink.requests;
  await pause(1500);
  assert.deepEqual([(await alerts(hub)).length, sink.requests], [2, after]);
  sink.mode('ok');
  await hub.post('/api/destinations/crm/resume');
  await hub.deliveries('crm', 'delivered', 3);
  assert.equal((await alerts(hub)).length, 2);
});

test('a breaker: one alert for one outage, another for the next', async (t) => {
  const { sink, watch, hub } = await withOps(t);
  sink.mode('500');
  for (let i = 0; i < 12; i++) await accepted(hub, paidOrder());
  await hub.delivery('ops', 'delivered');
  const { custom } = watch.events()[0].payload.data, { id } = await hub.get('/api/destinations/crm');
  assert.deepEqual({ ...custom, at: 0 }, { alert: 'destination_broken', destination: 'crm', destination_id: id, reason: 'HTTP 500: the receiver failed', at: 0 });
  for (let n = 1; n <= 4; n++) await failOnceMore(hub, 'crm', n); // it tries, fails and opens again: the same outage
  assert.equal((await alerts(hub)).length, 1);
  sink.mode('ok');
  await poke(hub, 'crm', 5);
  await hub.deliveries('crm', 'delivered', 12);
  sink.mode('500');
  await accepted(hub, paidOrder());
  await until('the second outage to be told', async () => (await alerts(hub)).length === 2);
  assert.equal(new Set((await alerts(hub)).map((e) => e.key)).size, 2);
});

test('alerts that fail break their destination in silence; the next ordinary event that suffers is told of', async (t) => {
  const { sink, hub } = await withOps(t, {}, [toCrm(), toOps({ to: 'crm' })]);
  sink.mode('500');
  await accepted(hub, paidOrder());
  await until('the alert', async () => (await alerts(hub)).length === 1);
  sink.mode('ok');
  await poke(hub, 'crm', 1);
  const [alert] = (await hub.deliveries('crm', 'delivered', 2)).sort((a, b) => (a.id < b.id ? 1 : -1));
  const [{ id }] = await alerts(hub);
  assert.equal(alert.event, id, 'the younger delivery is the alert\'s');
  sink.mode('500');
  await hub.post(`/api/deliveries/${alert.id}/resend`);
  await becomes(hub, 'crm', 'broken');
  for (let n = 2; n < 5; n++) await failOnceMore(hub, 'crm', n);
  assert.equal((await alerts(hub)).length, 1, 'nothing but an alert suffers');
  await accepted(hub, paidOrder());
  for (let n = 5; (await alerts(hub)).length < 2; n++) { assert.ok(n < 40); await poke(hub, 'crm', n); await pause(100); }
  assert.equal((await alerts(hub)).length, 2);
});

test('two broken destinations that get each other\'s alerts do not go on about it', async (t) => {
  const one = await startSink(t), two = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(one, { retries: QUICK, concurrency: 1 }), ops(two, { concurrency: 1 })],
    routes: [toCrm({ on: ['*.paid', 'malote.*'] }), toOps({ on: ['order.*', 'malote.*'] })] });
  one.mode('500');
  two.mode('500');
  for (let i = 0; i < 3; i++) await accepted(hub, paidOrder());
  await until('both to be told of', async () => (await alerts(hub)).length === 2);
  for (let n = 1; n < 6; n++) {
    await failOnceMore(hub, 'crm', n);
    await failOnceMore(hub, 'ops', n);
  }
  assert.equal((await alerts(hub)).length, 2);
  one.mode('ok');
  two.mode('ok');
  for (const name of ['crm', 'ops']) await poke(hub, name, 20);
  await hub.deliveries('crm', 'delivered', 5);
  await hub.deliveries('ops', 'delivered', 5);
  const ids = (await alerts(hub)).map((e) => e.id), again = (await hub.all('/api/deliveries')).filter((d) => ids.includes(d.event));
  assert.equal(again.length, 4);
  for (let n = 21; n < 25; n++) { // destinations that take every sixth request: each alert breaks and mends them anew
    one.mode('500', 5);
    two.mode('500', 5);
    for (const d of again) await hub.post(`/api/deliveries/${d.id}/resend`);
    for (const name of ['crm', 'ops']) await becomes(hub, name, 'broken');
    for (const name of ['crm', 'ops']) await poke(hub, name, n);
    await hub.deliveries('crm', 'delivered', 5);
    await hub.deliveries('ops', 'delivered', 5);
  }
  assert.equal((await alerts(hub)).length, 2);
});

// The far side refuses while another program holds the database: hold and alert fail together, and come together a second later.
test('a hold that could not be stored is stored later, with its alert', NEEDS_SQLITE, async (t) => {
  const waiting = [], base = await refuser(t, (refuse) => waiting.push(refuse)), watch = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], routes: [toCrm(), toOps()], destinations: [crm({ base }, { timeout: '20s' }), ops(watch)] });
  await accepted(hub, paidOrder());
  await until('the request', () => waiting.length === 1);
  const release = await holdStore(t, hub);
  waiting[0](401);
  await until('the commit to fail', () => /alert\.failed/.test(hub.err));
  await release();
  await becomes(hub, 'crm', 'held');
  await hub.delivery('ops', 'delivered');
  assert.equal((await alerts(hub)).length, 1);
});

test('the hub\'s own source: seen by all, made, changed, fed and deleted by nobody', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm({ from: 'malote', on: ['malote.*'] })] });
  const own = await hub.get('/api/sources/malote');
  assert.deepEqual([own.name, own.kind, own.builtin, own.listens_on], ['malote', 'malote', true, undefined]);
  assert.match(own.id, /^src_/);
  assert.equal((await hub.get('/api/sources')).items.filter((s) => s.builtin).length, 1);
  assert.ok((await hub.get('/api/kinds')).sources.every((k) => k.name !== 'malote'));
  for (const [method, path, body, status] of [
    ['POST', '/api/sources', { name: 'second', kind: 'malote' }, 409],
    ['POST', '/api/sources', caktoSource({ name: 'malote', path: '/x' }), 409],
    ['PUT', '/api/sources/malote', {}, 409], ['PATCH', '/api/sources/malote', { enabled: false }, 409],
    ['PATCH', '/api/sources/malote', { path: '/forge' }, 409], ['DELETE', '/api/sources/malote', undefined, 409],
    ['PATCH', '/api/sources/cakto', { name: 'malote' }, 409],
    ['POST', '/api/apply', { sources: [{ name: 'malote', kind: 'malote' }] }, 409],
    ['POST', '/api/apply', { sources: [{ name: 'own', kind: 'malote' }] }, 409],
    ['POST', '/api/sources', { name: 'forger', kind: 'http', scheme: 'none', type: 'malote.alert' }, 400],
    ['POST', '/api/events?source=malote', { alert: 'destination_held', destination_id: 'dst_1', at: '2026-03-10T12:18:30.500Z' }, 404],
    ['POST', '/in/default/malote', {}, 404], ['POST', '/', {}, 404], ['GET', '/stats', undefined, 404],
    ['POST', '/api/sources/malote/send', {}, 404],
  ]) {
    const answer = await hub.call(method, path, body);
    assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`);
    if (method === 'DELETE' || body?.kind === 'malote') assert.match(answer.json.error.message, /hub's own/);
  }
  const exported = await hub.get('/api/export');
  assert.ok(exported.sources.every((s) => s.name !== 'malote'));
  assert.equal(exported.routes[0].from, 'malote');
  const { steps } = await hub.post('/api/apply?prune=true', exported);
  assert.deepEqual([...new Set(steps.map((s) => s.action))], ['unchanged']);
  await hub.post('/api/apply?prune=true', {});
  assert.deepEqual((await hub.get('/api/sources')).items.map((s) => s.name), ['malote']);
  assert.deepEqual(await alerts(hub), []);
});
