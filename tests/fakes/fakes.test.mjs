// fakes.test.mjs: the fakes refuse what they must. node --test tests/fakes/
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { serve } from './lib.mjs';
import { EMPTY_SHA256, FakeS3, verify as verifyS3 } from './s3.mjs';
import { FakeMedia } from './media.mjs';
import { FakeMeta, checkEvent } from './meta.mjs';
import { Sink, verify } from './sink.mjs';
import { FakeWhatsApp } from './whatsapp.mjs';

const digest = (text) => createHash('sha256').update(text).digest('hex');
const now = () => Math.floor(Date.now() / 1000);
const purchase = (changes = {}) => ({ event_name: 'Purchase', event_time: now() - 5, event_id: 'Purchase:o-1', action_source: 'website',
  event_source_url: 'https://loja.example/', user_data: { em: [digest('ana@example.com')] },
  custom_data: { value: 39.9, currency: 'BRL', order_id: 'o-1' }, ...changes });

async function started(t, service) {
  const { server, port } = await serve(service);
  t.after(() => { server.closeAllConnections(); server.close(); });
  const base = `http://127.0.0.1:${port}`;
  return {
    base,
    control: (mode, times) => fetch(`${base}/_control`, { method: 'POST', body: JSON.stringify({ mode, times }) }),
    stats: async () => (await fetch(`${base}/_stats`)).json(),
    post: async (events, { headers = {}, query = '', path = '/v25.0/123/events', extra = {} } = {}) => {
      const res = await fetch(base + path + query, { method: 'POST', body: JSON.stringify({ data: events, ...extra }),
        headers: { authorization: 'Bearer T', 'content-type': 'application/json', ...headers } });
      const text = await res.text();
      return { status: res.status, json: text.startsWith('{') ? JSON.parse(text) : null, text };
    },
  };
}

test('meta: a sound batch is taken and counted once per event_id', async (t) => {
  const meta = await started(t, new FakeMeta({ token: 'T' }));
  const first = await meta.post([purchase(), purchase({ event_id: 'Purchase:o-2' })]);
  assert.equal(first.status, 200);
  assert.equal(first.json.events_received, 2);
  await meta.post([purchase()]);
  const stats = await meta.stats();
  assert.equal(stats.purchases, 2);
  assert.equal(stats.events, 3);
  assert.equal(stats.unique.Purchase['Purchase:o-1'], 2);
});

test('meta: everything that is wrong is refused, with the code Meta gives', async (t) => {
  const meta = await started(t, new FakeMeta({ token: 'T' }));
  const user = (user_data) => purchase({ user_data });
  const custom = (custom_data) => purchase({ custom_data });
  const em = [digest('a')];
  const cases = {
    'value at event level': [purchase({ value: 1 }), undefined, /Unexpected key "value"/],
    'no name': [purchase({ event_name: undefined })],
    'milliseconds': [purchase({ event_time: Date.now() }), 2804004],
    'fraction': [purchase({ event_time: now() - 0.5 }), 2804003],
    'too old': [purchase({ event_time: now() - 8 * 86400 }), 2804003],
    'future': [purchase({ event_time: now() + 3600 }), 2804004],
    'action source': [purchase({ action_source: 'web' })],
    'website without page': [purchase({ event_source_url: undefined }), 2804001],
    'null': [purchase({ referrer_url: null }), undefined, /Empty value/],
    'empty text': [purchase({ referrer_url: '' }), undefined, /Empty value/],
    'empty list': [user({ em: [] }), undefined, /Empty value/],
    'plain e-mail': [user({ em: ['ana@example.com'] }), 2804001],
    'upper-case digest': [user({ em: [digest('a').toUpperCase()] }), 2804001],
    'duplicates': [user({ em: [digest('a'), digest('a')] }), 2804001],
    'hashed address': [user({ em, client_ip_address: digest('203.0.113.7') }), 2804017],
    'private address': [user({ em, client_ip_address: '10.0.0.1' }), 2804007],
    'address with port': [user({ em, client_ip_address: '203.0.113.7:80' }), 2804007],
    'bad fbc': [user({ em, fbc: 'IwAR2' }), 2804016],
    'unknown user key': [user({ em, email: 'x' })],
    'no identifier': [user({}), undefined],
    'agent alone': [user({ client_user_agent: 'x' }), 2804050],
    'name and gender': [user({ fn: em, ge: em }), 2804050],
    'no value': [custom({ currency: 'BRL' }), 2804048],
    'value as text': [custom({ value: '39.90', currency: 'BRL' }), 2804048],
    'negative value': [custom({ value: -1, currency: 'BRL' }), 2804048],
    'no currency': [custom({ value: 1 }), 2804048],
    'messaging without channel': [purchase({ action_source: 'business_messaging' }), 2804063],
    'messaging name': [purchase({ action_source: 'business_messaging', messaging_channel: 'whatsapp', event_name: 'Lead' }), 2804066],
    'LDU': [purchase({ data_processing_options: ['X'] }), 2804030],
  };
  for (const [name, [event, subcode, text]] of Object.entries(cases)) {
    const answer = await meta.post([purchase(), event]);
    assert.equal(answer.status, 400, name);
    assert.equal(answer.json.error.code, 100, name);
    if (subcode) assert.equal(answer.json.error.error_subcode, subcode, name);
    if (text) assert.match(answer.json.error.message, text, name);
  }
  assert.equal((await meta.post([])).status, 400);
  assert.equal((await meta.post(Array(1001).fill(purchase()))).status, 400);
  assert.equal((await meta.post([purchase()], { query: '?access_token=T' })).json.error.code, 190);
  assert.equal((await meta.post([purchase()], { headers: { authorization: 'Bearer other' } })).json.error.code, 190);
  assert.equal((await meta.post([purchase()], { path: '/25/123/events' })).status, 404);
  assert.equal((await meta.post([purchase()], { extra: { pixel: 1 } })).status, 400);
  const stats = await meta.stats();
  assert.equal(stats.events, 0, 'all or nothing');
  assert.ok(stats.rejected.length > 25);
});

test('meta: appsecret_proof is checked when the app demands it', async (t) => {
  const meta = await started(t, new FakeMeta({ token: 'T', appSecret: 's' }));
  assert.equal((await meta.post([purchase()])).status, 400);
  const proof = createHmac('sha256', 's').update('T').digest('hex');
  assert.equal((await meta.post([purchase()], { extra: { appsecret_proof: proof } })).status, 200);
});

test('meta: faults on demand', async (t) => {
  const meta = await started(t, new FakeMeta());
  const expected = { 429: [429, 4], rate: [400, 80004], unauthorised: [401, 190], blocked: [400, 368], transient: [500, 2] };
  for (const [mode, [status, code]] of Object.entries(expected)) {
    await meta.control(mode, 1);
    const answer = await meta.post([purchase()]);
    assert.deepEqual([answer.status, answer.json.error.code], [status, code], mode);
  }
  await meta.control('bad-event:Purchase:o-2', 2);
  assert.equal((await meta.post([purchase(), purchase({ event_id: 'Purchase:o-2' })])).status, 400);
  assert.equal((await meta.post([purchase()])).status, 200);
  await meta.control('garbage', 1);
  assert.equal((await meta.post([purchase()])).json, null);
  await meta.control('reset', 1);
  await assert.rejects(meta.post([purchase()]));
  const before = (await meta.stats()).events;
  await meta.control('lost', 1);
  await assert.rejects(meta.post([purchase()]));
  assert.equal((await meta.stats()).events, before + 1, 'taken, though the answer was lost');
  await meta.control('alternate', 4);
  const statuses = [];
  for (let i = 0; i < 5; i++) statuses.push((await meta.post([purchase()])).status);
  assert.deepEqual(statuses, [500, 200, 500, 200, 200]);
});

test('meta: the dataset can be asked for', async (t) => {
  const meta = await started(t, new FakeMeta({ token: 'T' }));
  const res = await fetch(`${meta.base}/v25.0/123?fields=id,name`, { headers: { authorization: 'Bearer T' } });
  assert.equal((await res.json()).id, '123');
});

// The renderer and the fake were written from the same facts but not from each other: what one writes the other must take.
test('meta: takes every golden body', () => {
  for (const name of ['purchase', 'lead', 'renewal', 'whatsapp', 'app', 'all']) {
    const golden = JSON.parse(readFileSync(new URL(`../golden/meta/${name}.body.json`, import.meta.url)));
    golden.data.forEach((event, i) => assert.doesNotThrow(() => checkEvent(event, i, Date.parse('2026-03-10T12:20:00Z') / 1000), name));
  }
});

test('sink: verifies the published vector and refuses its neighbours', () => {
  const headers = { 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' };
  const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], body = Buffer.from('{"test": 2432232314}');
  assert.equal(verify(headers, body, secrets, 1614265330), 'ok');
  assert.equal(verify(headers, body, ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', ...secrets], 1614265330), 'ok');
  assert.notEqual(verify(headers, Buffer.from('{"test":2432232314}'), secrets, 1614265330), 'ok');
  assert.notEqual(verify(headers, body, secrets, 1614265330 + 301), 'ok');
  assert.notEqual(verify({ ...headers, 'webhook-id': 'msg_other' }, body, secrets, 1614265330), 'ok');
  assert.notEqual(verify({ ...headers, 'webhook-signature': 'v1,' }, body, secrets, 1614265330), 'ok');
});

test('sink: remembers ids and misbehaves on demand', async (t) => {
  const sink = await started(t, new Sink({ secrets: ['plain text'] }));
  const send = async (id, secret = 'plain text') => {
    const body = JSON.stringify({ type: 'order.paid', data: {} }), time = String(now());
    const signature = createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64');
    const res = await fetch(sink.base, { method: 'POST', body, redirect: 'manual', headers: { 'webhook-id': id,
      'webhook-timestamp': time, 'webhook-signature': `v1,${signature}` } });
    return res.status;
  };
  assert.equal(await send('evt_1'), 200);
  assert.equal(await send('evt_1'), 200);
  assert.equal(await send('evt_2', 'wrong'), 401);
  for (const [mode, status] of [['429', 429], ['410', 410], ['redirect', 307], ['500', 500], ['bad-event:evt_3', 422]]) {
    await sink.control(mode, 1);
    assert.equal(await send('evt_3'), status, mode);
  }
  const stats = await sink.stats();
  assert.deepEqual(stats.ids, { evt_1: 2 });
  assert.equal(stats.types['order.paid'], 2);
});

for (const name of ['meta', 'sink', 's3']) {
  test(`${name}: runs as a process and says where`, async (t) => {
    const child = spawn(process.execPath, [new URL(`./${name}.mjs`, import.meta.url).pathname, '--port', '0']);
    t.after(() => child.kill());
    const [line] = await once(child.stdout, 'data');
    assert.match(String(line), /^listening \d+\n$/);
    const port = String(line).split(' ')[1].trim();
    assert.equal((await (await fetch(`http://127.0.0.1:${port}/_stats`)).json()).requests ?? 0, 0);
  });
}

const send = async (wa, body, headers = {}, path = '/v25.0/106/messages') => {
  const res = await fetch(wa.base + path, { method: 'POST', body: JSON.stringify(body),
    headers: { authorization: 'Bearer T', 'content-type': 'application/json', ...headers } });
  return { status: res.status, json: await res.json().catch(() => null) };
};
const hello = (more = {}) => ({ messaging_product: 'whatsapp', recipient_type: 'individual', to: '+5511999990005', type: 'text',
  text: { body: 'Oi' }, ...more });

test('whatsapp: a sound message gets an id of its own', async (t) => {
  const wa = await started(t, new FakeWhatsApp({ token: 'T' }));
  const first = await send(wa, hello()), second = await send(wa, hello());
  assert.equal(first.status, 200);
  assert.match(first.json.messages[0].id, /^wamid\./);
  assert.notEqual(first.json.messages[0].id, second.json.messages[0].id);
  assert.deepEqual((await send(wa, { messaging_product: 'whatsapp', status: 'read', message_id: 'wamid.x' })).json, { success: true });
  assert.equal((await wa.stats()).messages, 3);
});

test('whatsapp: everything that is wrong is refused, with the code Meta gives', async (t) => {
  const wa = await started(t, new FakeWhatsApp({ token: 'T' }));
  const cases = {
    'no product': [hello({ messaging_product: undefined }), 100],
    'unknown member': [hello({ idempotency_key: 'x' }), 100],
    'two types': [hello({ image: { id: '1' } }), 100],
    'no number': [hello({ to: 'ana' }), 131009],
    'empty': [hello({ text: { body: ' ' } }), 131008],
    'too long': [hello({ text: { body: 'x'.repeat(4097) } }), 131009],
    'file twice': [hello({ type: 'image', text: undefined, image: { id: '1', link: 'https://x/y' } }), 131009],
    'four buttons': [hello({ type: 'interactive', text: undefined, interactive: { type: 'button', body: { text: 'x' },
      action: { buttons: Array(4).fill({ type: 'reply', reply: { id: 'a', title: 'b' } }) } } }), 131009],
    'no language': [hello({ type: 'template', text: undefined, template: { name: 'oi' } }), 131008],
    'unknown template': [hello({ type: 'template', text: undefined, template: { name: 'missing', language: { code: 'pt_BR' } } }), 132001],
  };
  for (const [name, [body, code]] of Object.entries(cases)) assert.equal((await send(wa, body)).json.error?.code, code, name);
  assert.equal((await send(wa, hello(), { authorization: 'Bearer other' })).json.error.code, 190);
  assert.equal((await send(wa, hello(), {}, '/106/messages')).status, 404);
  assert.equal((await wa.stats()).messages, 0);
});

test('whatsapp: misbehaves on demand', async (t) => {
  const wa = await started(t, new FakeWhatsApp({ token: 'T' }));
  await wa.control('code:131056', 1);
  assert.equal((await send(wa, hello())).json.error.code, 131056);
  await wa.control('code5:131000', 1);
  assert.equal((await send(wa, hello())).status, 500);
  await wa.control('to:5521:131026');
  assert.equal((await send(wa, hello())).status, 200);
  assert.equal((await send(wa, hello({ to: '+5521999990005' }))).json.error.code, 131026);
  await wa.control('lost', 1);
  await assert.rejects(send(wa, hello()));
  assert.equal((await wa.stats()).messages, 2); /* it was taken, only the answer was lost */
});

test('media: files in two steps, with the token for both', async (t) => {
  const service = new FakeMedia({ token: 'T' });
  const media = await started(t, service);
  service.base = media.base;
  const bytes = Buffer.from('a picture'), headers = { authorization: 'Bearer T', 'user-agent': 'x' };
  service.add('77', bytes);
  const ask = async () => (await fetch(`${media.base}/v25.0/77`, { headers })).json();
  const link = await ask();
  assert.equal(link.sha256, digest(bytes));
  assert.equal(link.file_size, String(bytes.length));
  assert.equal((await fetch(link.url)).status, 401);
  const read = async () => Buffer.from(await (await fetch(link.url, { headers })).arrayBuffer());
  assert.deepEqual(await read(), bytes);
  await media.control('other', 1);
  assert.notDeepEqual(await read(), bytes);
  await media.control('dead-link', 1);
  assert.equal((await fetch(link.url, { headers })).status, 404);
  await media.control('broken-off', 1);
  await assert.rejects(read());
  await media.control('429', 1);
  assert.equal((await fetch(link.url, { headers })).status, 429);
});

// The examples of "Signature Calculations for the Authorization Header" in AWS's S3 documentation.
test('s3: verifies the published vectors and refuses their neighbours', () => {
  const keys = { key: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', region: 'us-east-1', now: Date.parse('2013-05-24T00:00:00Z') };
  const signedBy = (names, signature) => `AWS4-HMAC-SHA256 Credential=${keys.key}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${names},Signature=${signature}`;
  const vectors = [
    ['GET', '/test.txt', '', [['Range', 'bytes=0-9']], 'host;range;x-amz-content-sha256;x-amz-date', 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'],
    ['PUT', '/test%24file.text', '', [['Date', 'Fri, 24 May 2013 00:00:00 GMT'], ['x-amz-storage-class', 'REDUCED_REDUNDANCY']],
      'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class', '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd', 'Welcome to Amazon S3.'],
    ['GET', '/', 'lifecycle', [], 'host;x-amz-content-sha256;x-amz-date', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    ['GET', '/', 'max-keys=2&prefix=J', [], 'host;x-amz-content-sha256;x-amz-date', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ];
  for (const [method, path, query, more, names, signature, body = ''] of vectors) {
    const request = (change = {}) => ({ method, path, query, headers: [['Host', 'examplebucket.s3.amazonaws.com'], ['x-amz-date', '20130524T000000Z'],
      ['x-amz-content-sha256', body ? digest(body) : EMPTY_SHA256], ['Authorization', signedBy(names, signature)], ...more], ...change });
    verifyS3(request(), body, keys);
    assert.throws(() => verifyS3(request({ method: 'DELETE' }), body, keys), { code: 'SignatureDoesNotMatch' });
    assert.throws(() => verifyS3(request({ path: `${path}x` }), body, keys), { code: 'SignatureDoesNotMatch' });
    assert.throws(() => verifyS3(request({ query: 'acl' }), body, keys), { code: 'SignatureDoesNotMatch' });
    assert.throws(() => verifyS3(request(), `${body}x`, keys), { code: 'XAmzContentSHA256Mismatch' });
    assert.throws(() => verifyS3(request(), body, { ...keys, secret: 'x' }), { code: 'SignatureDoesNotMatch' });
    assert.throws(() => verifyS3(request(), body, { ...keys, region: 'eu-1' }), { code: 'AuthorizationHeaderMalformed' });
    assert.throws(() => verifyS3(request(), body, { ...keys, now: keys.now + 16 * 60_000 }), { code: 'RequestTimeTooSkewed' });
    assert.throws(() => verifyS3(request({ headers: [...request().headers, ['x-amz-acl', 'public-read']] }), body, keys), { code: 'AccessDenied' });
  }
});

test('s3: an unsigned request gets nothing', async (t) => {
  const s3 = await started(t, new FakeS3());
  const res = await fetch(`${s3.base}/malote-files/a`, { method: 'PUT', body: 'x' });
  assert.equal(res.status, 403);
  assert.match(await res.text(), /<Code>AccessDenied<\/Code>/);
  assert.deepEqual((await s3.stats()).objects, []);
});

test('whatsapp: files come as multipart, whole, of a type and size that Meta takes', async (t) => {
  const service = new FakeWhatsApp({ token: 'T' }), wa = await started(t, service);
  const body = (parts, boundary = 'b') => Buffer.concat([...parts.flatMap(([head, bytes]) => [Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), Buffer.from(bytes), Buffer.from('\r\n')]),
    Buffer.from(`--${boundary}--\r\n`)]);
  const field = (name, value) => [`Content-Disposition: form-data; name="${name}"`, value];
  const file = (mime, bytes = 'x\r\n--c') => [`Content-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: ${mime}`, bytes];
  const post = async (parts, { type = 'multipart/form-data; boundary=b', token = 'T' } = {}) => {
    const res = await fetch(`${wa.base}/v25.0/106/media`, { method: 'POST', body: Buffer.isBuffer(parts) ? parts : body(parts), headers: { authorization: `Bearer ${token}`, 'content-type': type } });
    return { status: res.status, json: await res.json() };
  };
  const good = [field('messaging_product', 'whatsapp'), field('type', 'image/png'), file('image/png')];
  const { status, json } = await post(good);
  assert.equal(status, 200);
  assert.equal(service.files.get(json.id).bytes.toString(), 'x\r\n--c');
  assert.equal((await post(good, { token: 'other' })).status, 401);
  const whole = body(good);
  for (const bad of [good.slice(1), good.slice(0, 2), [good[0], field('type', 'image/jpeg'), good[2]], [good[0], field('type', 'image/gif'), file('image/gif')],
    [good[0], good[1], file('image/png', Buffer.alloc(5 * 1024 * 1024 + 1))], whole.subarray(0, whole.length - 3), Buffer.concat([whole, Buffer.from('x')]), Buffer.from('x')])
    assert.equal((await post(bad)).status, 400);
  assert.equal((await post(good, { type: 'multipart/form-data; boundary=c' })).status, 400);
  assert.equal((await post(good, { type: 'application/json' })).status, 400);
});
