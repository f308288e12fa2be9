// kill.test.mjs: kill -9 at random moments, again and again, under load, with a destination that fails in every way it can. A client
// writes down each acknowledgement; in the end nothing of that may be missing, and Meta must have counted each order exactly once.
//
//   MALOTE_BIN=build/malote MALOTE_SEED=7 MALOTE_ROUNDS=100 node --test tests/crash/kill.test.mjs
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import http from 'node:http';
import test from 'node:test';
import { Hub, META_TOKEN, caktoHeaders, caktoSource, folder, freePort, paidOrder, pause, pixel, run, toPixel,
  until } from '../system/hub.mjs';
import { serve } from '../fakes/lib.mjs';
import { FakeMeta } from '../fakes/meta.mjs';

const SEED = Number(process.env.MALOTE_SEED ?? randomInt(1, 2 ** 31)), ROUNDS = Number(process.env.MALOTE_ROUNDS ?? 30);
const CONNECTIONS = 8, MODES = ['ok', '429', '500', 'timeout', 'garbage', 'lost', 'ok'];
// 32 waits: more failures than the rounds can bring, so that none is given up.
const PATIENCE = Array.from({ length: 32 }, (_, i) => `${100 + 20 * i}ms`);

// mulberry32: the same moments for the same seed (the operating system has its own opinion on the rest).
let state = SEED;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let z = Math.imul(state ^ (state >>> 15), 1 | state);
  z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
  return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
}
const below = (n) => Math.floor(random() * n);

// Remembers under which ids each order was counted, and answers each request in the next way of the cycle.
class CountingMeta extends FakeMeta {
  constructor() {
    super({ token: META_TOKEN });
    this.orders = new Map();
    this.turn = 0;
    this.well = false;
    this.faults = { next: () => (this.well ? 'ok' : MODES[this.turn++ % MODES.length]), set() {} };
  }
  accept(...args) {
    const reply = super.accept(...args);
    for (const { custom_data: custom, event_id: id } of args[1].data)
      this.orders.set(custom.order_id, (this.orders.get(custom.order_id) ?? new Set()).add(id));
    return reply;
  }
}

function post(port, agent, body) {
  return new Promise((fulfil) => {
    const req = http.request({ port, host: '127.0.0.1', agent, method: 'POST', path: '/api/webhook-cakto',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...caktoHeaders(body) } }, (res) => {
      let text = '';
      res.on('data', (bytes) => { text += bytes; });
      res.on('error', () => fulfil(null)); // an answer that was cut is none
      res.on('end', () => fulfil(res.complete ? { status: res.statusCode, text } : null));
    });
    req.on('error', () => fulfil(null));
    req.end(body);
  });
}

test(`kill -9 during the first start, seed ${SEED}`, { timeout: 300_000 }, async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const hub = new Hub({ data: folder(t), port: await freePort(), env: { MALOTE_ADMIN_KEY: '' } });
    const starting = hub.start().catch(() => {});
    await pause(below(100));
    await hub.kill();
    await starting;
    await hub.start(); // all of the first start was done, or none
    t.after(() => hub.stop());
    const keys = hub.out.match(/mlt_[\w-]{43}/g) ?? [], seen = [];
    for (const key of keys) seen.push((await hub.call('GET', '/api/sources', undefined, { key })).status);
    assert.ok(seen.includes(200), `a key that opens was shown: ${hub.out}`);
    await hub.stop();
  }
});

test(`kill -9, ${ROUNDS} rounds, seed ${SEED}`, { timeout: 600_000 }, async (t) => {
  console.log(`# seed ${SEED}`);
  const meta = new CountingMeta(), { server, port: metaPort } = await serve(meta);
  t.after(() => { server.closeAllConnections(); server.close(); });
  meta.base = `http://127.0.0.1:${metaPort}`;
  const hub = new Hub({ data: folder(t), port: await freePort() });
  t.after(() => hub.ended || hub.kill());
  await hub.start();
  await hub.apply({ sources: [caktoSource()], destinations: [pixel(meta, { retries: PATIENCE, timeout: '300ms' })], routes: [toPixel()] });

  const sent = [], acknowledged = new Set();
  let answers = 0, again = 0;
  const client = async (alive) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (alive()) {
      const old = sent.length > 0 && random() < 0.3;
      const id = old ? sent[Math.max(0, sent.length - 1 - below(200))] : `kill-${SEED}-${sent.length}`;
      if (!old) sent.push(id);
      const answer = await post(hub.port, agent, JSON.stringify({ ...paidOrder(id), secret: undefined }));
      if (answer?.status === 200 && JSON.parse(answer.text).received === true) {
        acknowledged.add(id);
        answers++;
        again += old;
      } else if (answer) assert.equal(answer.status, 503, answer.text);
    }
    agent.destroy();
  };
  for (let round = 0; round < ROUNDS; round++) {
    let alive = true;
    const clients = Array.from({ length: CONNECTIONS }, () => client(() => alive));
    await pause(20 + below(400)); // the moment of the blow is the test's input, not a wait for something
    alive = false;
    await hub.kill();
    await Promise.all(clients);
    if (random() < 0.2) { // and sometimes while it starts
      const starting = hub.start().catch(() => {});
      await pause(below(60));
      await hub.kill();
      await starting;
    }
    await hub.start();
  }
  meta.well = true;
  await hub.kill(); // pauses and open breakers are forgotten; what is written down is not
  await hub.start();
  await hub.quiet();
  const deliveries = await until('every delivery to end', async () => {
    const waiting = (await hub.get('/api/deliveries?state=waiting&limit=1')).items.length + (await hub.get('/api/deliveries?state=leased&limit=1')).items.length;
    return waiting === 0 && hub.all('/api/deliveries');
  }, 120_000);
  const events = await hub.all('/api/events');
  console.log(`# ${answers} acknowledgements (${again} of duplicates) of ${acknowledged.size} orders, ${sent.length} sent, ${events.length} stored, `
    + `${meta.requests} requests at Meta`);
  assert.ok(acknowledged.size >= ROUNDS * 5, 'enough happened for this to mean something');
  assert.ok(again > 0);

  const orders = events.map((e) => e.key.replace('purchase_approved:', '')), stored = new Set(orders), known = new Set(sent);
  assert.equal(stored.size, orders.length, 'no event is there twice');
  assert.deepEqual([...acknowledged].filter((id) => !stored.has(id)), [], 'nothing acknowledged is missing');
  assert.deepEqual(orders.filter((id) => !known.has(id)), [], 'nothing is there that was not sent');
  assert.deepEqual(events.filter((e) => e.state !== 'done'), [], 'every event is understood');

  const perEvent = new Map();
  for (const d of deliveries) perEvent.set(d.event, (perEvent.get(d.event) ?? 0) + 1);
  assert.deepEqual(events.filter((e) => perEvent.get(e.id) !== 1), [], 'every order.paid has exactly one delivery');
  assert.equal(deliveries.length, events.length);
  assert.deepEqual(deliveries.filter((d) => d.state !== 'delivered').map((d) => [d.state, d.reason]), [], 'every delivery has arrived');

  for (const id of stored) {
    const ids = [...(meta.orders.get(id) ?? [])];
    assert.deepEqual(ids, [`Purchase:${id}`], `order ${id} counts once at Meta`);
  }
  assert.equal(meta.orders.size, stored.size, 'Meta knows no order that the hub does not');
  assert.equal(meta.stats().purchases, stored.size);
  await hub.stop();
  const check = await run(['check'], { env: { MALOTE_DATA: hub.data } });
  assert.equal(check.code, 0, check.err);
});
