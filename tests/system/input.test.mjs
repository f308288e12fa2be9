// input.test.mjs: everything that can be wrong with what comes in, one row each. The rows of docs/bad-input.md are the rows here.
//
// Two things hold for all of them: the hub goes on, and what is authentic is kept even when nobody can read it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { ADMIN_KEY, CAKTO_SECRET, NEEDS_SQLITE, accepted, cakto, caktoHeaders, caktoSource, crm, folder, freePort, holdStore, paidOrder, raw, run, send, startHub, startSink,
  toCrm, until, whole } from './hub.mjs';

const PATH = '/api/webhook-cakto', MIB = 1024 * 1024;
const lines = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
const head = (headers = {}, { method = 'POST', path = PATH } = {}) => `${method} ${path} HTTP/1.1\r\nHost: hub\r\n${lines(headers)}\r\n`;
// A whole request on a socket of its own; Content-Length is set unless headers say otherwise.
function post(hub, body, headers = {}, more = {}) {
  const length = 'transfer-encoding' in headers || more.noLength ? {} : { 'content-length': Buffer.byteLength(body) };
  return raw(hub.port, [head({ ...length, ...headers }, more), body], { done: whole });
}
const signed = (hub, body, headers = {}, more = {}) => post(hub, body, { ...caktoHeaders(Buffer.from(body)), ...headers }, more);
const chunks = (body, size = 1000) => {
  const parts = [];
  for (let i = 0; i < body.length; i += size) {
    const part = body.subarray(i, i + size);
    parts.push(`${part.length.toString(16)}\r\n`, part, '\r\n');
  }
  return [...parts, '0\r\n\r\n'];
};
function refused(answer, status, code) {
  assert.equal(answer.status, status, answer.text.slice(0, 500));
  const body = JSON.parse(answer.text.slice(answer.text.indexOf('\r\n\r\n') + 4));
  assert.equal(body.error.code, code);
  assert.equal(typeof body.error.message, 'string');
}
// Acknowledged, kept as it came, and shown with its problem.
async function keptUnread(hub, answer, body, problem) {
  assert.equal(answer.status, 200, answer.text);
  const reply = JSON.parse(answer.text.slice(answer.text.indexOf('\r\n\r\n') + 4));
  assert.equal(reply.received, true);
  assert.equal(reply.events, 0);
  const kept = await hub.get(`/api/requests/${reply.request}`);
  assert.match(kept.problem, problem);
  assert.equal(kept.bytes, Buffer.byteLength(body));
  assert.ok((await hub.all('/api/requests?problem=true')).some((r) => r.id === reply.request));
}
const readable = (answer) => {
  assert.equal(answer.status, 200, answer.text);
  const reply = JSON.parse(answer.text.slice(answer.text.indexOf('\r\n\r\n') + 4));
  assert.equal(reply.events + reply.duplicates, 1, answer.text);
  return reply;
};
const ago = (s) => ({ timestamp: Math.floor(Date.now() / 1000) - s });
const text = (change) => JSON.stringify(paidOrder(undefined, change));

const ROWS = {
  // ---- proof ----
  'a wrong signature': async (hub) =>
    refused(await post(hub, text((d, m) => { delete m.secret; }), caktoHeaders('something else')), 401, 'denied'),
  'a wrong signature beside the right secret in the body': async (hub) =>
    refused(await post(hub, text(), caktoHeaders('something else')), 401, 'denied'),
  'no signature and no secret': async (hub) => refused(await post(hub, text((d, m) => { delete m.secret; })), 401, 'denied'),
  'another secret in the body': async (hub) => refused(await post(hub, text((d, m) => { m.secret = 'guess'; })), 401, 'denied'),
  'a secret that is no text': async (hub) => refused(await post(hub, text((d, m) => { m.secret = [CAKTO_SECRET]; })), 401, 'denied'),
  'an empty secret': async (hub) => refused(await post(hub, text((d, m) => { m.secret = ''; })), 401, 'denied'),
  'a signature of yesterday, replayed': async (hub) => {
    const body = text();
    refused(await post(hub, body, caktoHeaders(body, ago(86_400))), 401, 'denied');
  },
  'a signature of tomorrow': async (hub) => {
    const body = text();
    refused(await post(hub, body, caktoHeaders(body, ago(-86_400))), 401, 'denied');
  },
  'the signature header twice': async (hub) => {
    const body = text(), { 'x-cakto-timestamp': time, 'x-cakto-signature': mark } = caktoHeaders(body);
    const twice = `POST ${PATH} HTTP/1.1\r\nHost: hub\r\nContent-Length: ${Buffer.byteLength(body)}\r\nX-Cakto-Timestamp: ${time}\r\n`
      + `X-Cakto-Signature: ${mark}\r\nX-Cakto-Signature: ${mark}\r\n\r\n${body}`;
    refused(await raw(hub.port, twice, { done: whole }), 401, 'denied');
  },
  // ---- the way in ----
  'the wrong method': async (hub) => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await post(hub, '', {}, { method });
      refused(answer, 405, 'method_not_allowed');
      assert.match(answer.text, /^Allow: POST\r$/m);
    }
  },
  'a method nobody knows': async (hub) => refused(await post(hub, '', {}, { method: 'BREW' }), 405, 'method_not_allowed'),
  'an unknown path': async (hub) => refused(await signed(hub, text(), {}, { path: '/api/webhook-nobody' }), 404, 'not_found'),
  'path traversal': async (hub) => {
    for (const path of ['/../../etc/passwd', '/api/../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc/passwd', `${PATH}/../stats`,
      '//etc/passwd', '/api/sources/..%2f..%2fetc%2fpasswd'])
      for (const method of ['GET', 'POST']) {
        const answer = await post(hub, '', { 'x-api-key': ADMIN_KEY }, { method, path });
        assert.ok([404, 405].includes(answer.status), `${method} ${path}: ${answer.text}`);
        assert.doesNotMatch(answer.text, /root:/);
      }
  },
  'a request line that is none': async (hub) => {
    const answer = await raw(hub.port, '\u0001\u0002\u0003 what is this\r\n\r\n', { done: whole });
    assert.ok(answer.closed || [400, 404, 405].includes(answer.status), answer.text);
  },
  'no length': async (hub) => refused(await signed(hub, '', {}, { noLength: true }), 411, 'length_required'),
  'an empty body': async (hub) => keptUnread(hub, await signed(hub, ''), '', /./),
  'a length that is none': async (hub) => {
    for (const length of ['-1', 'abc', '99999999999999999999999']) {
      const answer = await raw(hub.port, `${head({ 'content-length': length })}GET /health HTTP/1.1\r\nHost: hub\r\n\r\n`);
      assert.ok([400, 413].includes(answer.status), `${length}: ${answer.text}`);
      assert.ok(answer.closed, 'the connection is closed');
      assert.doesNotMatch(answer.text, /HTTP\/1\.1 200/, 'what stands behind it is no request');
    }
  },
  'two lengths, or a length and chunks: where does it end?': async (hub) => {
    const body = text(), mark = lines(caktoHeaders(body)), length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    for (const framing of [`${length}Content-Length: 5\r\n`, `Content-Length: 5\r\n${length}`, `${length}Transfer-Encoding: chunked\r\n`]) {
      const answer = await raw(hub.port, `POST ${PATH} HTTP/1.1\r\nHost: hub\r\n${mark}${framing}\r\n${body}GET /health HTTP/1.1\r\nHost: hub\r\n\r\n`);
      refused(answer, 400, 'length_ambiguous');
      assert.equal(answer.text.match(/HTTP\/1\.1/g).length, 1, 'what stands behind it is no request');
    }
  },
  'too large, said beforehand': async (hub) => refused(await raw(hub.port, head({ 'content-length': MIB + 1 }), { done: whole }), 413, 'too_large'),
  'too large, found out by counting chunks': async (hub) => {
    const body = Buffer.alloc(MIB + 5000, ' ');
    refused(await raw(hub.port, [head({ 'transfer-encoding': 'chunked' }), ...chunks(body, 65_536)], { done: whole }), 413, 'too_large');
  },
  'as large as allowed': async (hub) => {
    const message = text(), body = message.slice(0, -1) + ' '.repeat(MIB - Buffer.byteLength(message)) + '}';
    assert.equal(Buffer.byteLength(body), MIB);
    readable(await signed(hub, body));
  },
  'a broken chunk': async (hub) => {
    const answer = await raw(hub.port, [head({ 'transfer-encoding': 'chunked' }), 'zz\r\nhello\r\n'], { done: whole });
    assert.ok(answer.closed || answer.status === 400, answer.text);
  },
  'compressed': async (hub) => {
    const body = gzipSync(text());
    refused(await raw(hub.port, [head({ 'content-length': body.length, 'content-encoding': 'gzip' }), body], { done: whole }), 415, 'encoding_unsupported');
  },
  '65 headers': async (hub) => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`x-h${i}`, '1']));
    refused(await signed(hub, text(), many), 431, 'too_many_headers');
  },
  '1,000 headers': async (hub) => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x-h${i}`, '1']));
    const answer = await raw(hub.port, head({ ...many, 'content-length': 0 }), { done: whole });
    assert.ok(answer.status === 431, answer.text.slice(0, 300));
  },
  'a header of 64 KiB': async (hub) => {
    const answer = await raw(hub.port, head({ 'x-long': 'a'.repeat(65_536), 'content-length': 0 }), { done: whole });
    assert.ok([431, 413].includes(answer.status) || answer.closed, answer.text.slice(0, 300));
  },
  'a target of 64 KiB': async (hub) => {
    const answer = await raw(hub.port, head({ 'content-length': 0 }, { path: `/${'a'.repeat(65_536)}` }), { done: whole });
    assert.ok([414, 431].includes(answer.status) || answer.closed, answer.text.slice(0, 300));
  },
  // ---- bodies that are authentic, but hard to read ----
  'broken JSON': async (hub) => keptUnread(hub, await signed(hub, '{"event":"purchase_approved","data":{'), '{"event":"purchase_approved","data":{', /JSON/i),
  'no JSON at all': async (hub) => keptUnread(hub, await signed(hub, 'event=purchase_approved&id=1'), 'event=purchase_approved&id=1', /JSON/i),
  'JSON, but no object': async (hub) => {
    for (const body of ['[]', '"x"', '17', 'null', 'true']) await keptUnread(hub, await signed(hub, body), body, /./);
  },
  'JSON 10,000 levels deep': async (hub) => {
    for (const body of [`${'['.repeat(10_000)}${']'.repeat(10_000)}`, `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
      `{"event":"purchase_approved","data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`])
      await keptUnread(hub, await signed(hub, body), body, /deep|nest|level/i);
  },
  'a NUL byte in the body': async (hub) => {
    const body = text((d) => { d.customer.name = 'Ana'; }).replace('Ana', 'A\0na');
    await keptUnread(hub, await signed(hub, body), body, /./);
  },
  'a NUL as \\u0000 in texts': async (hub) => {
    const body = text((d) => { d.customer.name = 'A\0na'; d.product.name = '\0'; });
    assert.match(body, /\\u0000/);
    readable(await signed(hub, body));
  },
  'invalid UTF-8': async (hub) => {
    const body = Buffer.from(text((d) => { d.customer.name = 'Jos~ da Silva'; }).replace('Jos~', 'Jos\u00e9'), 'latin1');
    const { request } = readable(await raw(hub.port, [head({ 'content-length': body.length, ...caktoHeaders(body) }), body], { done: whole }));
    await hub.quiet();
    const { id } = (await hub.all('/api/events')).find((e) => e.request === request);
    assert.equal((await hub.get(`/api/events/${id}`)).data.contact.name, 'Jos\ufffd da Silva');
  },
  'the same key twice in an object': async (hub) => {
    const body = text().replace('"status":"paid"', '"status":"paid","status":"refused","amount":1');
    readable(await signed(hub, body));
  },
  'huge and odd numbers': async (hub) => {
    for (const amount of ['1e400', '-1e400', '99999999999999999999999999', '0.1e-400', '-5', '1E3', '39.999999999999', '9'.repeat(5000), '"1e9"', '"NaN"'])
      assert.equal((await signed(hub, text((d) => { d.amount = 'AMOUNT'; }).replace('"AMOUNT"', amount))).status, 200, amount);
  },
  'an event nobody knows': async (hub) => {
    const { request } = readable(await signed(hub, text((d, m) => { m.event = 'order_teleported'; })));
    await hub.quiet();
    assert.equal((await hub.all('/api/events')).find((e) => e.request === request).type, 'cakto.order_teleported');
    const long = text((d, m) => { m.event = 'x'.repeat(3000); });
    await keptUnread(hub, await signed(hub, long), long, /./);
  },
  'an order without an id': async (hub) => {
    const body = text((d) => { delete d.id; });
    await keptUnread(hub, await signed(hub, body), body, /id/);
  },
  'texts of 500 kB': async (hub) => {
    readable(await signed(hub, text((d) => { d.customer.name = 'n'.repeat(500_000); })));
    const body = text((d) => { d.id = 'i'.repeat(500_000); });
    await keptUnread(hub, await signed(hub, body), body, /no usable `id`/);
  },
  '7,000 orders in a list': async (hub) => {
    const order = { amount: 1, status: 'paid', customer: { email: 'a@example.com' }, product: { id: 'p', name: 'P' } };
    const body = JSON.stringify({ event: 'purchase_approved', data: Array.from({ length: 7000 }, (_, i) => ({ id: `l${i}`, ...order })) });
    await keptUnread(hub, await signed(hub, body), body, /more than 100 orders/);
  },
  // ---- what must work ----
  'Expect: 100-continue': async (hub) => {
    const body = text();
    const socket = net.connect(hub.port, '127.0.0.1');
    let got = '';
    socket.on('data', (bytes) => { got += bytes; });
    socket.write(head({ ...caktoHeaders(body), 'content-length': Buffer.byteLength(body), expect: '100-continue' }));
    await until('100 Continue', () => /^HTTP\/1\.1 100/.test(got));
    socket.write(body);
    await until('the answer', () => whole(got));
    assert.match(got, /HTTP\/1\.1 200/);
    socket.destroy();
    const answer = await raw(hub.port, head({ 'content-length': MIB * 50, expect: '100-continue' }), { done: whole });
    refused(answer, 413, 'too_large');
    assert.doesNotMatch(answer.text, /100 Continue/);
  },
  'a chunked body': async (hub) => {
    const body = Buffer.from(text());
    readable(await raw(hub.port, [head({ 'transfer-encoding': 'chunked', ...caktoHeaders(body) }), ...chunks(body, 7)], { done: whole }));
  },
  'several requests on one connection': async (hub) => {
    const bodies = [text(), '{', text(), text((d, m) => { m.secret = 'no'; })];
    const all = bodies.map((body, i) => head({ 'content-length': Buffer.byteLength(body), ...(i < 3 ? caktoHeaders(body) : {}) }) + body).join('');
    const answer = await raw(hub.port, all, { done: (got) => whole(got, 4) });
    assert.deepEqual(answer.text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 401']);
  },
  'HTTP/1.0': async (hub) => {
    const body = text();
    const answer = await raw(hub.port, `POST ${PATH} HTTP/1.0\r\n${lines({ 'content-length': Buffer.byteLength(body), ...caktoHeaders(body) })}\r\n${body}`, { done: whole });
    assert.equal(answer.status, 200, answer.text);
  },
  'HEAD /health': async (hub) => {
    const answer = await raw(hub.port, 'HEAD /health HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n');
    assert.equal(answer.status, 200);
    assert.match(answer.text, /\r\n\r\n$/);
  },
  'the same key with another body': async (hub) => {
    const message = paidOrder('same-key', (d) => { d.customer.name = 'Primeira'; });
    assert.equal((await accepted(hub, message)).duplicates, 0);
    const again = await accepted(hub, paidOrder('same-key', (d) => { d.customer.name = 'Segunda'; d.amount = 1; }));
    assert.equal(again.duplicates, 1);
    await hub.quiet();
    const event = (await hub.all('/api/events')).find((e) => e.key === 'purchase_approved:same-key');
    const { data } = await hub.get(`/api/events/${event.id}`);
    assert.equal(data.order.amount, 3990);
    assert.doesNotMatch(JSON.stringify(data), /Segunda/);
  },
  'a sender that goes away in the middle': async (hub) => {
    for (let i = 0; i < 20; i++) {
      const body = text(), socket = net.connect(hub.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(head({ 'content-length': Buffer.byteLength(body), ...caktoHeaders(body) }) + body.slice(0, i * 40));
      socket.resetAndDestroy();
    }
  },
};

test('bad input, row by row', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()] });
  for (const [name, row] of Object.entries(ROWS)) await t.test(name, async () => {
    await row(hub);
    readable(await signed(hub, text())); // the hub goes on
  });
  await hub.quiet();
});

test('every field of a Cakto order with every wrong type, and without it', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm()] });
  const sample = cakto('purchase-approved-subscription-card'), paths = [];
  const walk = (value, path) => {
    if (path.length) paths.push(path);
    if (value && typeof value === 'object') for (const key of Object.keys(value)) walk(value[key], [...path, key]);
  };
  walk(sample.data, ['data']);
  const wrong = [null, true, 0, -1, 1e300, '', '\ud83d\ude00', 'x'.repeat(300), [], {}, [[]], [1, 'a', null], { a: { b: [] } }, undefined];
  let count = 0;
  const shots = [];
  for (const path of [...paths, ['event']]) for (const value of wrong) {
    const message = cakto('purchase-approved-subscription-card', (data) => { data.id = `odd-${count}`; });
    let at = message;
    for (const key of path.slice(0, -1)) at = at[key];
    if (value === undefined) delete at[path.at(-1)];
    else at[path.at(-1)] = value;
    shots.push({ message, path, value });
    count++;
  }
  for (let i = 0; i < shots.length; i += 50) await Promise.all(shots.slice(i, i + 50).map(async ({ message, path, value }) => {
    const answer = await send(hub, message);
    assert.equal(answer.status, 200, `${path.join('.')} = ${JSON.stringify(value)}: ${answer.text}`);
    assert.equal(answer.json.received, true);
  }));
  await hub.quiet();
  assert.ok(count > 800, `${count} shots`);
  const failed = await hub.all('/api/events?state=failed');
  assert.deepEqual(failed.map((e) => e.key), []);
  assert.equal(hub.ended, false);
  const requests = await hub.all('/api/requests');
  assert.equal(requests.length, count);
  for (const r of requests) assert.ok(r.events === 1 || r.problem, JSON.stringify(r));
});

test('slow headers and slow bodies are cut off, however steadily they drip', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()] });
  const cut = (first, drip) => new Promise((fulfil) => {
    const socket = net.connect(hub.port, '127.0.0.1');
    const timer = setInterval(() => socket.write(drip), 500);
    socket.write(first);
    socket.on('error', () => {});
    socket.on('close', () => { clearInterval(timer); fulfil(true); });
    setTimeout(() => { clearInterval(timer); socket.destroy(); fulfil(false); }, 55_000).unref();
  });
  const ends = await Promise.all([cut(`POST ${PATH} HTTP/1.1\r\nHost: hub\r\n`, 'x-a: b\r\n'), cut('PO', ''), cut('', ''),
    cut(head({ 'content-length': 100_000 }), 'x'), cut(head({ 'transfer-encoding': 'chunked' }), '1\r\nx\r\n')]);
  await until('the cuts to be counted', async () => await hub.metric('malote_connections_cut_total') === 5);
  assert.deepEqual(ends, [true, true, true, true, true]);
});

test('rate limits: of a source and of a key', async (t) => {
  const hub = await startHub(t);
  const site = { name: 'site', kind: 'lead', path: '/lead', write_key: 'k', rate_per_min: 3 };
  await hub.apply({ sources: [site, caktoSource({ rate_per_min: 1 })] });
  const lead = (n) => hub.call('POST', '/lead', { email: `p${n}@example.com`, write_key: 'k' }, { key: null });
  const limited = (answer, limit) => {
    assert.equal(answer.status, 429, answer.text);
    assert.equal(answer.json.error.code, 'rate_limited');
    assert.equal(answer.headers.get('ratelimit-limit'), String(limit));
    assert.equal(answer.headers.get('ratelimit-remaining'), '0');
    assert.ok(Number(answer.headers.get('ratelimit-reset')) >= 1);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  };
  for (let i = 0; i < 3; i++) assert.equal((await lead(i)).status, 200);
  limited(await lead(3), 3);
  await accepted(hub, paidOrder());
  await assert.rejects(send(hub, paidOrder()), 'Cakto takes any answer for a delivery: it gets none');
  const { key } = await hub.post('/api/keys', { name: 'slow', role: 'reader', rate_per_min: 2 });
  for (let i = 0; i < 2; i++) assert.equal((await hub.call('GET', '/api/sources', undefined, { key })).status, 200);
  limited(await hub.call('GET', '/api/sources', undefined, { key }), 2);
  for (let i = 0; i < 60; i++) assert.equal((await hub.call('GET', '/api/sources', undefined, { key: `guess-${i}` })).status, 401);
  limited(await hub.call('GET', '/api/sources', undefined, { key: 'one-guess-more' }), 60);
  assert.equal((await hub.get('/api/events')).items.length, 4);
});

test('unsigned rubbish uses up neither the source\'s rate nor the disk that the log is on', async (t) => {
  const hub = await startHub(t);
  const site = { name: 'site', kind: 'lead', path: '/lead', write_key: 'k', rate_per_min: 2 };
  await hub.apply({ sources: [site, caktoSource({ rate_per_min: 2 })] });
  for (let i = 0; i < 100; i++) assert.equal((await send(hub, paidOrder(), { secret: 'guessed' })).status, 401);
  for (let i = 0; i < 10; i++)
    assert.equal((await hub.call('POST', '/lead', { email: 'p@example.com', write_key: 'x' }, { key: null })).status, 401);
  for (let i = 0; i < 2; i++) await accepted(hub, paidOrder());
  await assert.rejects(send(hub, paidOrder()), 'the third authentic one is above the rate');
  assert.equal((await send(hub, paidOrder(), { secret: 'guessed' })).status, 401, 'who is no one learns nothing of the rate');
  for (let i = 0; i < 2; i++)
    assert.equal((await hub.call('POST', '/lead', { email: `p${i}@example.com`, write_key: 'k' }, { key: null })).status, 200);
  assert.equal(await hub.metric('malote_requests_denied_total'), 111);
  const lines = hub.err.match(/request\.denied.*source=cakto/g).length;
  assert.ok(lines >= 60 && lines < 80, `${lines} lines`);
});

// ---- configuration ----

test('configuration that cannot be: refused whole, with a clear word', async (t) => {
  const hub = await startHub(t), dir = folder(t);
  await hub.apply({ sources: [caktoSource()] });
  const refusedBy = async (config, status, words) => {
    const answer = await hub.call('POST', '/api/apply', config);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.json.error.message, words);
  };
  await refusedBy({ sources: [caktoSource({ name: 'twin' })] }, 409, /path/);
  await refusedBy({ sources: [{ name: 'x', kind: 'telegraph' }] }, 404, /telegraph/);
  await refusedBy({ destinations: [{ name: 'x', kind: 'pigeon' }] }, 404, /pigeon/);
  await refusedBy({ sources: [{ name: 'x', kind: 'cakto', secret: 's', colour: 'red' }] }, 400, /colour/);
  await refusedBy({ sources: [{ name: 'x', kind: 'cakto' }] }, 400, /secret/);
  await refusedBy({ sources: [caktoSource({ name: 'x', path: '/health' })] }, 409, /health/);
  await refusedBy({ sources: [caktoSource({ name: 'x', path: 'no-slash' })] }, 400, /path/);
  await refusedBy({ routes: [{ name: 'x', on: ['*'], to: 'nowhere' }] }, 404, /nowhere/);
  await refusedBy({ sauces: [] }, 400, /sauces/);
  await refusedBy('{"sources":', 400, /./);
  await refusedBy('[]', 400, /object/);
  // nothing of a configuration with one mistake is taken
  await refusedBy({ sources: [caktoSource({ name: 'good', path: '/good' }), { name: 'bad', kind: 'telegraph' }] }, 404, /bad/);
  assert.deepEqual((await hub.get('/api/sources')).items.map((s) => s.name).filter((n) => !['demo', 'malote'].includes(n)), ['cakto']);

  const file = join(dir, 'bad.yaml');
  const fails = async (yaml, words) => {
    writeFileSync(file, yaml);
    const { code, err } = await hub.cli(['apply', file]);
    assert.equal(code, 1, err);
    assert.match(err, words);
  };
  await fails('sources:\n  - { name: cakto, kind: [cakto }\n', /bad\.yaml:2:\d+: /);
  await fails('sources:\n  - name: cakto\n    secret: "${NOT_THERE}"\n', /bad\.yaml:3:1\d: .*NOT_THERE/);
  await fails('sources:\n\t- tab\n', /bad\.yaml:\d+:\d+: /);
  await fails('', /./);
  await fails('- a\n- b\n', /./);
  assert.equal((await hub.cli(['apply', join(dir, 'absent.yaml')])).code, 1);
});

// ---- starting ----

// `malote serve` that must not start: exit 1 and the words.
async function fails(env, words, args = []) {
  const { code, err } = await run(['serve', ...args], { env: { MALOTE_ADMIN_KEY: ADMIN_KEY, ...env } });
  assert.equal(code, 1, err);
  assert.match(err, words);
}

test('a port that is taken', async (t) => {
  const hub = await startHub(t);
  await fails({ MALOTE_LISTEN: `127.0.0.1:${hub.port}`, MALOTE_DATA: folder(t) }, /is taken by another program: choose another with --listen/);
});

test('two hubs on one data folder', async (t) => {
  const hub = await startHub(t);
  await fails({ MALOTE_LISTEN: `127.0.0.1:${await freePort()}`, MALOTE_DATA: hub.data }, /another malote is running on /);
  assert.equal((await hub.call('GET', '/health')).status, 200);
});

test('addresses, keys and folders that are wrong', async (t) => {
  const dir = folder(t), env = { MALOTE_LISTEN: `127.0.0.1:${await freePort()}`, MALOTE_DATA: dir };
  await fails({ ...env, MALOTE_LISTEN: 'nonsense' }, /host:port/);
  await fails({ ...env, MALOTE_ADMIN_KEY: 'short' }, /at least 24 characters/);
  await fails({ ...env, MALOTE_ALLOW_NET: '300.1.2.3/8' }, /300\.1\.2\.3/);
  await fails({ ...env, MALOTE_MASTER_KEY: 'no key' }, /key/i);
  await fails({ ...env, MALOTE_LOG: 'loud' }, /text or json/);
  writeFileSync(join(dir, 'file'), '');
  await fails({ ...env, MALOTE_DATA: join(dir, 'file', 'below') }, /cannot make the data folder|Not a directory/);
  await fails({ ...env, MALOTE_DATA: join(dir, 'file') }, /folder|directory|cannot/i);
});

test('a master key that does not open the secrets', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()] });
  await hub.stop();
  const other = Buffer.alloc(32, 7).toString('base64');
  await fails({ MALOTE_LISTEN: `127.0.0.1:${hub.port}`, MALOTE_DATA: hub.data, MALOTE_MASTER_KEY: other }, /master key|secret/i);
});

test('a database that cannot be written', async (t) => {
  const dir = folder(t), hub = await startHub(t, { data: join(dir, 'data') });
  await hub.stop();
  const root = process.getuid() === 0, nobody = root ? { uid: 65534, gid: 65534 } : {};
  chmodSync(dir, 0o755);
  const start = async () => {
    const child = spawn(process.env.MALOTE_BIN ?? 'build-asan/malote', ['serve'], { ...nobody, stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, MALOTE_LISTEN: `127.0.0.1:${hub.port}`, MALOTE_DATA: hub.data } });
    let err = '';
    child.stderr.on('data', (bytes) => { err += bytes; });
    const [code] = await once(child, 'close');
    return { code, err };
  };
  chmodSync(hub.data, 0o555);
  const folderOnly = await start();
  assert.equal(folderOnly.code, 1, folderOnly.err);
  assert.match(folderOnly.err, /cannot be written/);
  chmodSync(hub.data, 0o755);
  for (const name of ['', 'malote.db', 'malote.db.lock', 'master.key']) if (root) chownSync(join(hub.data, name), 65534, 65534);
  chmodSync(join(hub.data, 'malote.db'), 0o444);
  const file = await start();
  assert.equal(file.code, 1, file.err);
  assert.match(file.err, /read-?only|cannot be written|permission/i);
});

test('a database that is newer than the program', NEEDS_SQLITE, async (t) => {
  const hub = await startHub(t);
  await hub.stop();
  const db = join(hub.data, 'malote.db');
  assert.equal(spawnSync('sqlite3', [db, "INSERT INTO schema_migrations VALUES (999, 'future', 0)"]).status, 0);
  const env = { MALOTE_LISTEN: `127.0.0.1:${hub.port}`, MALOTE_DATA: hub.data };
  await fails(env, /newer than this program/);
  const check = await run(['check'], { env });
  assert.equal(check.code, 1);
  assert.match(check.err, /newer than this program/);
});

test('a database that another program holds locked', NEEDS_SQLITE, async (t) => {
  const hub = await startHub(t);
  await hub.stop();
  const release = await holdStore(t, hub, 'EXCLUSIVE');
  await fails({ MALOTE_LISTEN: `127.0.0.1:${hub.port}`, MALOTE_DATA: hub.data }, /locked|busy/i);
  await release();
});

test('a file that is no database', async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data', 'malote.db'), 'this is no database, it is a text of some length\n'.repeat(200));
  await fails({ MALOTE_LISTEN: `127.0.0.1:${await freePort()}`, MALOTE_DATA: join(dir, 'data') }, /not a database/i);
});
