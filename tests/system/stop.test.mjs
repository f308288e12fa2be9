// stop.test.mjs: a graceful stop in the middle of work. What was never sent must not look as if it had been: a delivery that says
// "outcome unknown" is reported instead of repeated once its destination would count it twice.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { NEEDS_SQLITE, accepted, caktoSource, crm, paidOrder, send, startHub, startSink, toCrm, until } from './hub.mjs';

const ORDERS = 200, NAMES = Array.from({ length: 20 }, (_, i) => `crm${i}`);

// Rows of the stopped hub's database.
function rows(hub, sql) {
  const { status, stdout, stderr } = spawnSync('sqlite3', ['-json', join(hub.data, 'malote.db'), sql]);
  assert.equal(status, 0, String(stderr));
  return JSON.parse(String(stdout) || '[]');
}

const destinations = (sink, more) => NAMES.map((name) => crm(sink, { ...more, name }));
const routes = NAMES.map((name) => toCrm({ name: `to-${name}`, to: name }));

// Nothing is leased, nothing is said to have perhaps been sent, and what waits may go out at once. Returns how many wait.
function judgeStopped(hub, sent) {
  const found = rows(hub, `SELECT state, outcome_unknown AS unknown, due_ms <= ${Date.now()} AS due, COUNT(*) AS n FROM deliveries
    GROUP BY 1, 2, CASE state WHEN 0 THEN due_ms <= ${Date.now()} END ORDER BY state`);
  const waiting = found.find((row) => row.state === 0)?.n ?? 0;
  for (const row of found) assert.ok((row.state === 0 && row.due) || row.state === 2, JSON.stringify(found));
  for (const row of found) assert.equal(row.unknown, 0, JSON.stringify(found));
  assert.equal(found.find((row) => row.state === 2)?.n ?? 0, sent);
  return waiting;
}

// Destinations answer late; or they may be sent one a minute, so that the delivery loop has nothing under way to wait for and ends at
// once, in the middle of one of the writer's turns.
for (const [what, more, mode] of [['slow', { concurrency: 1, timeout: '5s' }, 'slow'], ['limited', { rate_per_min: 1 }, 'ok']])
  test(`SIGTERM while deliveries to ${what} destinations are being born: what was not sent waits and is due`, NEEDS_SQLITE, async (t) => {
    const sink = await startSink(t), hub = await startHub(t);
    await hub.apply({ sources: [caktoSource()], destinations: destinations(sink, more) });
    await Promise.all(Array.from({ length: ORDERS }, (_, i) => accepted(hub, paidOrder(`order-${i}`))));
    await hub.quiet();
    sink.mode(mode);
    await hub.apply({ routes });
    await hub.post('/api/events/replay', { all: true });
    if (mode === 'slow') await until('the first to be under way', () => sink.faults.seen > 0);
    await hub.stop();
    const sent = sink.faults.seen;
    assert.ok(judgeStopped(hub, sent) > 0);
    sink.mode('ok');
    await hub.start();
    for (const name of NAMES) await hub.patch(`/api/destinations/${name}`, { rate_per_min: 0, concurrency: 8 });
    await until('all to be delivered',
      async () => await hub.metric('malote_deliveries_delivered_total') === ORDERS * NAMES.length - sent, 60_000);
    assert.equal(sink.requests, ORDERS * NAMES.length, 'each of them once');
  });

test('SIGTERM while senders go on sending over open connections', NEEDS_SQLITE, async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: destinations(sink, { rate_per_min: 1 }), routes });
  let taken = 0, next = 0;
  for (let round = 1; round <= 6; round++) { // a matter of which moment it comes in
    const senders = Promise.all(Array.from({ length: 32 }, async () => {
      while ((await send(hub, paidOrder(`flood-${next++}`)).catch(() => null))?.status === 200) taken++;
    }));
    await until('the flood', () => taken > 80 * round);
    await hub.stop();
    await senders;
    judgeStopped(hub, sink.faults.seen);
    assert.ok(rows(hub, 'SELECT COUNT(*) AS n FROM requests')[0].n >= taken, 'what was acknowledged is there');
    await hub.start();
  }
});
