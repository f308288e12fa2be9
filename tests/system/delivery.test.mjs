// delivery.test.mjs: what happens to a delivery when the other side does not simply say yes. Whatever it answers, the event_id stays
// the same, Meta counts one purchase, and nothing disappears.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { accepted, caktoSource, crm, freePort, iso, paidOrder, pixel, purchases, startHub, startMeta, startSink, toCrm, toPixel,
  until } from './hub.mjs';
import { serve } from '../fakes/lib.mjs';
import { Sink } from '../fakes/sink.mjs';

const QUICK = Array.from({ length: 10 }, () => '50ms');

async function withPixel(t, more = {}) {
  const meta = await startMeta(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [pixel(meta, { retries: QUICK, ...more })], routes: [toPixel()] });
  return { meta, hub };
}
async function withSink(t, more = {}) {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink, { retries: QUICK, ...more })], routes: [toCrm()] });
  return { sink, hub };
}
const sentIds = (delivery) => delivery.attempts_made.map((a) => /Purchase:[\w-]+/.exec(JSON.stringify(a.request))?.[0]);

// A second destination whose deliveries prove that the delivery loop has turned since.
async function barrier(t, hub) {
  const sink = await startSink(t);
  await hub.apply({ destinations: [crm(sink, { name: 'barrier' })], routes: [toCrm({ name: 'to-barrier', to: 'barrier' })] });
  return async (n) => until(`${n} events behind the barrier`, () => sink.stats().unique >= n);
}

for (const [mode, times, more] of [['500', 2], ['503', 2], ['transient', 2], ['timeout', 1], ['garbage', 2], ['reset', 2],
  ['lost', 2], ['slow', 1, { timeout: '5s' }], ['slow', 1]])
  test(`Meta answers ${mode}${mode === 'slow' && !more ? ' beyond the time-out' : ''}: one purchase, one event_id`, async (t) => {
    const { meta, hub } = await withPixel(t, more);
    meta.mode(mode, times);
    const message = paidOrder();
    await accepted(hub, message);
    const done = await hub.delivery('pixel', 'delivered');
    const ids = sentIds(done);
    assert.equal(ids.length, more ? 1 : times + 1);
    assert.deepEqual([...new Set(ids)], [`Purchase:${message.data.id}`]);
    assert.equal(meta.stats().purchases, 1);
    if (mode === 'lost') assert.equal(meta.stats().unique.Purchase[ids[0]], times + 1, 'the fake took each of them');
    assert.equal(done.attempts_made.at(-1).verdict === 'delivered', ids.length === 1);
    assert.equal(done.attempts_made[0].verdict, 'delivered');
  });

test('Retry-After is honoured', async (t) => {
  const { sink, hub } = await withSink(t);
  sink.mode('429', 1);
  await accepted(hub, paidOrder());
  const { attempts_made: [second, first] } = await hub.delivery('crm', 'delivered');
  assert.ok(Date.parse(second.at) - Date.parse(first.at) >= 1000, `${first.at} to ${second.at}`);
});

for (const mode of ['429', 'rate'])
  test(`Meta asks for fewer calls (${mode}): the destination pauses, which costs no attempt, and nothing else is sent`, async (t) => {
    const { meta, hub } = await withPixel(t);
    meta.mode(mode, 1);
    const [first, later] = [paidOrder('first'), paidOrder('later')];
    await accepted(hub, first);
    await until('the pause', async () => (await hub.get('/api/destinations/pixel')).state === 'paused');
    const { tries_again_at: again } = await hub.get('/api/destinations/pixel');
    assert.ok(Date.parse(again) > Date.now() + 30_000, `again at ${again}`);
    await accepted(hub, later);
    await hub.quiet();
    for (const d of await hub.deliveries('pixel', 'waiting', 2)) assert.equal(d.attempts, 0);
    assert.equal(meta.requests, 1);
    await hub.post('/api/destinations/pixel/resume'); // a person knows better, and need not wait
    await hub.deliveries('pixel', 'delivered', 2);
    assert.equal(meta.stats().purchases, 2);
    assert.deepEqual(Object.keys(meta.stats().unique.Purchase).sort(), ['Purchase:first', 'Purchase:later']);
  });

test('Meta takes the events but says that its limit is nearly used up: the destination is slowed, and what gathers goes out together', async (t) => {
  const { meta, hub } = await withPixel(t);
  meta.mode('usage:79', 1);
  await accepted(hub, paidOrder('fast'));
  await hub.deliveries('pixel', 'delivered', 1);
  assert.equal((await hub.get('/api/destinations/pixel')).state, 'ok');
  meta.mode('usage:82', 1);
  await accepted(hub, paidOrder('nearly'));
  const slowed = await until('the slower way', async () => {
    const shown = await hub.get('/api/destinations/pixel');
    return shown.state === 'slowed' && shown;
  });
  const wait = Date.parse(slowed.tries_again_at) - Date.now();
  assert.ok(wait > 4000 && wait < 9000, `again in ${wait} ms`);
  assert.equal((await hub.call('GET', '/health/detailed')).status, 200, 'which is no fault');
  for (const id of ['a', 'b', 'c']) await accepted(hub, paidOrder(id));
  await hub.quiet();
  assert.equal(meta.requests, 2);
  await hub.deliveries('pixel', 'delivered', 5);
  assert.equal(meta.requests, 3, 'one request for the three');
  assert.equal(meta.stats().purchases, 5);
  assert.equal((await hub.get('/api/destinations/pixel')).state, 'ok');
});

test('a batch with one bad event is split until that one alone is dead', async (t) => {
  const { meta, hub } = await withPixel(t);
  meta.mode('bad-event:Purchase:bad');
  await hub.post('/api/destinations/pixel/pause');
  for (let i = 0; i < 8; i++) await accepted(hub, paidOrder(`${i === 5 ? 'bad' : 'good'}-${i}`));
  await hub.deliveries('pixel', 'held', 8);
  await hub.post('/api/destinations/pixel/resume');
  await hub.deliveries('pixel', 'delivered', 7);
  const [dead] = await hub.deliveries('pixel', 'dead', 1);
  assert.equal(dead.key, 'Purchase:bad-5');
  assert.match(dead.reason, /Invalid parameter/);
  assert.equal(meta.stats().purchases, 7);
  assert.ok(meta.requests > 2 && meta.requests <= 9, `${meta.requests} requests`);
});

test('a token that is refused holds the destination: nothing is lost, resume delivers', async (t) => {
  const { meta, hub } = await withPixel(t);
  meta.mode('unauthorised');
  await accepted(hub, paidOrder());
  await hub.delivery('pixel', 'held');
  const held = await hub.get('/api/destinations/pixel');
  assert.equal(held.state, 'held');
  assert.match(held.hold, /^unauthorised: /);
  const health = await hub.call('GET', '/health/detailed');
  assert.equal(health.status, 503);
  assert.match(health.text, /unauthorised/);
  const requests = meta.requests, passed = await barrier(t, hub);
  for (let i = 0; i < 4; i++) await accepted(hub, paidOrder());
  await passed(4);
  await hub.deliveries('pixel', 'held', 5);
  assert.equal(meta.requests, requests);
  meta.mode('ok');
  await hub.post('/api/destinations/pixel/resume');
  await hub.deliveries('pixel', 'delivered', 5);
  assert.equal(meta.stats().purchases, 5);
  assert.equal((await hub.get('/api/destinations/pixel')).state, 'ok');
});

test('kill switch: no attempt after the pause, deliveries are held, resume delivers', async (t) => {
  const { meta, hub } = await withPixel(t, { retries: ['3s'] });
  const passed = await barrier(t, hub);
  meta.mode('transient', 1); // one delivery waits for its second attempt when the switch is thrown
  await accepted(hub, paidOrder());
  await until('the first attempt', () => meta.requests === 1);
  await hub.post('/api/destinations/pixel/pause');
  await hub.deliveries('pixel', 'held', 1);
  for (let i = 0; i < 3; i++) await accepted(hub, paidOrder());
  await passed(4);
  await hub.deliveries('pixel', 'held', 4);
  assert.equal(meta.requests, 1);
  assert.equal((await hub.get('/api/destinations/pixel')).state, 'disabled');
  assert.equal((await hub.get('/api/deliveries?state=held')).items.length, 4);
  await hub.post('/api/destinations/pixel/resume');
  await hub.deliveries('pixel', 'delivered', 4);
  assert.equal(meta.stats().purchases, 4);
});

test('the breaker opens on a dead sink and costs no attempts while it is open', async (t) => {
  const port = await freePort(), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm({ base: `http://127.0.0.1:${port}` }, { retries: QUICK })], routes: [toCrm()] });
  await accepted(hub, paidOrder());
  await until('the breaker to open', async () => (await hub.get('/api/destinations/crm')).state === 'broken');
  for (let i = 0; i < 5; i++) await accepted(hub, paidOrder());
  await hub.quiet();
  const waiting = await hub.deliveries('crm', 'waiting', 6);
  assert.deepEqual(waiting.map((d) => d.attempts), [0, 0, 0, 0, 0, 5]);
  const sink = new Sink(), { server } = await serve(sink, port);
  t.after(() => { server.closeAllConnections(); server.close(); });
  await hub.patch('/api/destinations/crm', { timeout: '2s' }); // changed settings deserve a try
  const delivered = await hub.deliveries('crm', 'delivered', 6);
  assert.deepEqual(delivered.map((d) => d.attempts), [1, 1, 1, 1, 1, 6]);
  assert.equal((await hub.get('/api/destinations/crm')).state, 'ok');
});

test('the breaker closes by itself when the sink is back', async (t) => {
  const { sink, hub } = await withSink(t);
  sink.mode('500', 5);
  await accepted(hub, paidOrder());
  const done = await hub.delivery('crm', 'delivered');
  assert.equal(done.attempts, 6);
});

test('a deadline ends a delivery before its retries do', async (t) => {
  const { sink, hub } = await withSink(t, { deadline: '1s', retries: ['2s', '2s', '2s'] });
  sink.mode('500');
  await accepted(hub, paidOrder());
  const dead = await hub.delivery('crm', 'dead');
  assert.match(dead.reason, /deadline/);
  assert.equal(sink.faults.seen, 1);
});

test('private addresses are refused unless the operator allows them', async (t) => {
  const sink = await startSink(t), hub = await startHub(t, { env: { MALOTE_ALLOW_NET: '' } });
  const hosts = ['127.0.0.1', 'localhost', '[::1]', '10.255.255.1', '192.168.7.7', '169.254.169.254', '[::ffff:127.0.0.1]', '0.0.0.0',
    '[fd00::1]', '2130706433'];
  await hub.apply({ sources: [caktoSource()],
    destinations: hosts.map((host, i) => ({ name: `d${i}`, kind: 'http', url: `http://${host}:${new URL(sink.base).port}/`, retries: [] })),
    routes: hosts.map((_, i) => ({ name: `r${i}`, on: ['*'], to: `d${i}` })) });
  await accepted(hub, paidOrder());
  const dead = await until('all to be dead', async () => {
    const items = await hub.all('/api/deliveries?state=dead');
    assert.equal(items.length, hosts.length);
    return items;
  });
  for (const { reason } of dead) assert.match(reason, /address|private|refused|not allowed/i);
  assert.ok(await hub.metric('malote_addresses_refused_total') >= hosts.length);
  const probe = await hub.post('/api/destinations/d0/probe');
  assert.equal(probe.ok, false);
  assert.equal(sink.requests, 0);
});

test('redirects are not followed', async (t) => {
  const { sink, hub } = await withSink(t);
  sink.mode('redirect');
  await accepted(hub, paidOrder());
  const dead = await hub.delivery('crm', 'dead');
  assert.match(dead.reason, /redirect|3\d\d/i);
  assert.equal(sink.requests, 1);
});

test('a resend goes out with the same event_id, so that Meta counts one', async (t) => {
  const { meta, hub } = await withPixel(t);
  await accepted(hub, paidOrder());
  const { id } = await hub.delivery('pixel', 'delivered');
  await hub.post(`/api/deliveries/${id}/resend`);
  await until('the second post', () => meta.events().length === 2);
  const again = await until('its answer', async () => {
    const d = await hub.delivery('pixel', 'delivered');
    return d.attempts_made.length === 2 && d;
  });
  assert.equal(new Set(sentIds(again)).size, 1);
  assert.equal(meta.stats().purchases, 1);
});

test('a cancelled delivery is never sent; it can be revived', async (t) => {
  const { meta, hub } = await withPixel(t);
  await hub.post('/api/destinations/pixel/pause');
  await accepted(hub, paidOrder('cancel-me'));
  const { id } = await hub.delivery('pixel', 'held');
  assert.equal((await hub.post(`/api/deliveries/${id}/cancel`)).state, 'cancelled');
  assert.equal((await hub.call('POST', `/api/deliveries/${id}/cancel`, {})).status, 409);
  await hub.post('/api/destinations/pixel/resume');
  await accepted(hub, paidOrder('after-it'));
  await hub.deliveries('pixel', 'delivered', 1);
  assert.deepEqual(purchases(meta).map((e) => e.event_id), ['Purchase:after-it']);
  await hub.post(`/api/deliveries/${id}/retry`);
  await hub.deliveries('pixel', 'delivered', 2);
  assert.equal(meta.stats().purchases, 2);
});

test('cancelling a delivery that waits in memory behind another keeps it from being sent', async (t) => {
  const { sink, hub } = await withSink(t, { concurrency: 1, timeout: '3s' });
  sink.mode('slow', 1);
  await accepted(hub, paidOrder('first'));
  await until('the first to be under way', () => sink.faults.seen === 1);
  await accepted(hub, paidOrder('second'));
  await hub.quiet();
  const [second] = await hub.all('/api/deliveries');
  const answer = await hub.call('POST', `/api/deliveries/${second.id}/cancel`, {});
  assert.equal(answer.status, 200, answer.text);
  await accepted(hub, paidOrder('third'));
  await until('the third to arrive', () => sink.events().some((e) => e.payload.data.order.number === 'third'));
  assert.deepEqual(sink.events().map((e) => e.payload.data.order.number), ['first', 'third']);
  assert.equal((await hub.get(`/api/deliveries/${second.id}`)).state, 'cancelled');
});

test('retries used up: a dead letter that can be listed, counted, put aside, deleted and revived', async (t) => {
  const { meta, hub } = await withPixel(t, { retries: ['50ms', '50ms'], batch_size: 1 });
  meta.mode('500');
  await accepted(hub, paidOrder('one'));
  const dead = await hub.delivery('pixel', 'dead');
  assert.equal(dead.attempts, 3);
  assert.match(dead.reason, /^given up after 3 attempts: /);
  meta.mode('bad-event:Purchase:');
  for (const id of ['two', 'three', 'four']) await accepted(hub, paidOrder(id));
  await hub.deliveries('pixel', 'dead', 4);
  const keyed = async (query = '') => Object.fromEntries((await hub.all(`/api/dead-letters${query}`)).map((l) => [l.key, l]));
  const letters = await keyed();
  assert.equal(Object.keys(letters).length, 4);
  const stats = await hub.get('/api/dead-letters/stats');
  assert.equal(stats.total, 4);
  assert.equal(stats.deliveries.reduce((sum, s) => sum + s.count, 0), 4);
  assert.ok(stats.deliveries.every((s) => s.destination === 'pixel'));

  await hub.post(`/api/dead-letters/${letters['Purchase:two'].id}/archive`);
  assert.equal(Object.keys(await keyed()).length, 3);
  assert.deepEqual(Object.keys(await keyed('?archived=true')), ['Purchase:two']);
  assert.equal((await hub.call('DELETE', `/api/dead-letters/${letters['Purchase:three'].id}`)).status, 200);
  assert.equal((await hub.call('DELETE', `/api/dead-letters/${letters['Purchase:three'].id}`)).status, 404);
  assert.deepEqual(Object.keys(await keyed('?kind=delivery&destination=pixel')).sort(), ['Purchase:four', 'Purchase:one']);
  assert.deepEqual(Object.keys(await keyed('?kind=event')), []);

  meta.mode('ok');
  const some = await hub.post('/api/dead-letters/retry', { destination: 'pixel', reason: 'given up' });
  assert.deepEqual(some, { deliveries: 1, events: 0 });
  await hub.deliveries('pixel', 'delivered', 1);
  await hub.post(`/api/dead-letters/${letters['Purchase:four'].id}/retry`);
  await hub.deliveries('pixel', 'delivered', 2);
  assert.deepEqual(purchases(meta).map((e) => e.event_id), ['Purchase:one', 'Purchase:four']);
  assert.equal((await hub.call('POST', `/api/dead-letters/${letters['Purchase:four'].id}/retry`, {})).status, 404);
});

test('an event that could not be understood is in the list too, and can be retried', async (t) => {
  const { hub } = await withPixel(t);
  await accepted(hub, paidOrder('fine'));
  await hub.delivery('pixel', 'delivered');
  const [event] = await hub.all('/api/events');
  assert.equal((await hub.post(`/api/events/${event.id}/retry`)).retried, true);
  await hub.quiet();
  assert.equal((await hub.all('/api/deliveries')).length, 1);
});

test('a replay shows first, then fills what is missing, and makes no second Purchase', async (t) => {
  const { meta, hub } = await withPixel(t);
  for (const id of ['a', 'b', 'c']) await accepted(hub, paidOrder(id));
  await hub.deliveries('pixel', 'delivered', 3);
  const requests = meta.requests;
  assert.equal((await hub.call('POST', '/api/events/replay', {})).status, 400, 'not everything by accident');
  const plan = await hub.post('/api/events/replay', { source: 'cakto', dry_run: true });
  assert.deepEqual([plan.events, plan.new_deliveries, plan.known_deliveries], [3, 0, 3]);
  const real = await hub.post('/api/events/replay', { source: 'cakto', since: '1h', type: 'order.*' });
  assert.equal(real.events, 3);
  await hub.quiet();
  const sink = await startSink(t);
  await hub.apply({ destinations: [crm(sink)], routes: [toCrm()] });
  const wider = await hub.post('/api/events/replay', { source: 'cakto', dry_run: true });
  assert.deepEqual([wider.new_deliveries, wider.known_deliveries, wider.would_send.length], [3, 3, 3]);
  assert.equal(sink.requests, 0);
  await hub.post('/api/events/replay', { all: true });
  await hub.deliveries('crm', 'delivered', 3);
  assert.equal(sink.stats().unique, 3);
  assert.equal(meta.requests, requests, 'nothing went to Meta again');
  assert.equal(meta.stats().purchases, 3);
});

test('an event older than seven days is dead before it is sent', async (t) => {
  const { meta, hub } = await withPixel(t);
  await accepted(hub, paidOrder(randomUUID(), (data) => { data.paidAt = data.createdAt = iso(Date.now() - 8 * 86_400_000); }));
  const dead = await hub.delivery('pixel', 'dead');
  assert.match(dead.reason, /older than 7 days/);
  assert.equal(dead.attempts_made.length, 0);
  assert.equal(meta.requests, 0);
});

test('a restart goes on with what waits, held or delayed', async (t) => {
  const { meta, hub } = await withPixel(t, { retries: Array.from({ length: 10 }, () => '1s') });
  const sink = await startSink(t);
  await hub.apply({ destinations: [crm(sink)], routes: [toCrm({ delay: '2s' })] });
  meta.mode('500');
  const ids = Array.from({ length: 5 }, (_, i) => `restart-${i}`);
  for (const id of ids) await accepted(hub, paidOrder(id));
  await until('an attempt of each', async () => (await hub.all('/api/deliveries?destination=pixel')).every((d) => d.attempts > 0));
  await hub.post('/api/destinations/pixel/pause');
  await accepted(hub, paidOrder('while-paused'));
  await hub.quiet();
  const before = (await hub.all('/api/deliveries')).map((d) => d.id).sort();
  await hub.stop();
  meta.mode('ok');
  await hub.start();
  await hub.deliveries('pixel', 'held', 6);
  await hub.post('/api/destinations/pixel/resume');
  await hub.deliveries('pixel', 'delivered', 6);
  await hub.deliveries('crm', 'delivered', 6);
  assert.deepEqual((await hub.all('/api/deliveries')).map((d) => d.id).sort(), before);
  assert.equal(meta.stats().purchases, 6);
  assert.deepEqual(Object.keys(meta.stats().unique.Purchase).sort(), [...ids, 'while-paused'].map((id) => `Purchase:${id}`).sort());
});
