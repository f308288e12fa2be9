// leak.test.mjs: many events through one hub, good and bad ones: nothing leaks (the sanitizer's word at the end) and, with a binary
// that was built without one, memory stays flat between the halves. MALOTE_SOAK=1: a hundred thousand instead of twenty.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import test from 'node:test';
import { BIN, caktoHeaders, caktoSource, crm, paidOrder, pixel, startHub, startMeta, startSink, toCrm, toPixel, until } from './hub.mjs';

const EVENTS = process.env.MALOTE_SOAK === '1' ? 100_000 : 20_000, CONNECTIONS = 16, SINK_EVERY = 20;
const SANITIZED = readFileSync(BIN).includes('__asan_init') || readFileSync(BIN).includes('__tsan_init');
const GROWTH_MAX = 1.3, GROWTH_MAX_KIB = 16 * 1024;

const rss = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

function post(hub, agent, body, headers) {
  return new Promise((fulfil, refuse) => {
    const req = http.request({ port: hub.port, host: '127.0.0.1', agent, method: 'POST', path: '/api/webhook-cakto',
      headers: { 'content-length': Buffer.byteLength(body), ...headers } }, (res) => {
      res.resume();
      res.on('end', () => fulfil(res.statusCode));
    });
    req.on('error', refuse);
    req.end(body);
  });
}

test(`${EVENTS} events: no leak, flat memory`, { timeout: 1_800_000 }, async (t) => {
  const meta = await startMeta(t), sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [pixel(meta, { batch_size: 200, timeout: '10s' }), crm(sink)],
    routes: [toPixel(), toCrm({ on: ['order.pending'] })] });
  const template = JSON.stringify({ ...paidOrder('ORDER-ID'), secret: undefined });
  let next = 0, good = 0;
  const send = async (until) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (next < until) {
      const n = next++;
      let body = template.replace('ORDER-ID', `leak-${n}`);
      if (n % SINK_EVERY === 0) body = body.replace('purchase_approved', 'pix_gerado');
      if (n % 50 === 1) { // beside each fifty good ones: a copy, a broken one, a forged one, one that is refused at the door
        assert.equal(await post(hub, agent, body.slice(0, -9), caktoHeaders(body.slice(0, -9))), 200);
        assert.equal(await post(hub, agent, body, caktoHeaders('another body')), 401);
        assert.equal(await post(hub, agent, body, { 'content-encoding': 'gzip' }), 415);
        assert.equal(await post(hub, agent, body, caktoHeaders(body)), 200);
      }
      const status = await post(hub, agent, body, caktoHeaders(body));
      assert.ok(status === 200, `answer ${status}`);
      good++;
    }
    agent.destroy();
  };
  const half = async (events) => {
    await Promise.all(Array.from({ length: CONNECTIONS }, () => send(events)));
    await hub.quiet();
    await until('all to be delivered', async () => {
      const { since_start: s } = await hub.get('/api/stats');
      return s.deliveries_created === good && s.deliveries_delivered === good;
    }, 600_000);
    return rss(hub.child.pid);
  };
  const first = await half(EVENTS / 2), second = await half(EVENTS);
  console.log(`# ${good} events, VmRSS ${first} kB after the first half, ${second} kB after the second`);
  assert.equal(meta.stats().purchases + sink.stats().unique, good);
  assert.equal(sink.stats().unique, EVENTS / SINK_EVERY);
  if (!SANITIZED) assert.ok(second < first * GROWTH_MAX + GROWTH_MAX_KIB, `${first} kB became ${second} kB`);
});
