// way.test.mjs: the main job, end to end: a sale comes in by webhook, one Purchase goes out to Meta, with what is known of the person.
import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { CAKTO_SECRET, META_TOKEN, SINK_SECRET, accepted, cakto, caktoSource, crm, digest, folder, iso, paidOrder, pixel,
  purchases, startHub, startMeta, startSink, toCrm, toPixel, until } from './hub.mjs';

async function hubWithPixel(t, { sources = [], destinations = [], routes = [] } = {}) {
  const meta = await startMeta(t);
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource(), ...sources], destinations: [pixel(meta), ...destinations], routes: [toPixel(), ...routes] });
  return { hub, meta };
}
const bought = (meta, count) => until(`${count} purchases at Meta`, () => purchases(meta).length >= count && purchases(meta));
// All that came in has gone out: nothing waits, so what is not at Meta now will not come.
const settled = (hub) => until('all deliveries to be settled', async () => {
  await hub.quiet();
  return (await hub.all('/api/deliveries')).every((d) => ['delivered', 'dead', 'cancelled'].includes(d.state));
});

test('a file is applied, Pix is made and paid, Meta counts one Purchase', async (t) => {
  const meta = await startMeta(t), hub = await startHub(t), dir = folder(t);
  const file = join(dir, 'hub.yaml');
  writeFileSync(file, `sources:
  - { name: cakto, kind: cakto, path: /api/webhook-cakto, secret: "\${CAKTO_SECRET}" }
destinations:
  - { name: pixel, kind: meta-capi, pixel_id: "123456789", access_token: "\${META_ACCESS_TOKEN}", base_url: "${meta.base}", linger_ms: 10 }
routes:
  - { name: purchases, from: cakto, on: [order.paid], to: pixel }
`);
  const env = { CAKTO_SECRET, META_ACCESS_TOKEN: META_TOKEN };
  const plan = await hub.cli(['apply', file, '--dry-run'], { env });
  assert.equal(plan.code, 0, plan.err);
  assert.match(plan.out, /create\s+source\s+cakto/);
  assert.equal((await hub.get('/api/destinations')).items.length, 0);
  const done = await hub.cli(['apply', file], { env });
  assert.equal(done.code, 0, done.err);

  const id = randomUUID(), paidAt = Date.now() - 42_000;
  await accepted(hub, cakto('constructed-pix-gerado', (data) => { data.id = id; }));
  const reply = await accepted(hub, paidOrder(id, (data) => { data.paidAt = iso(paidAt); }));
  assert.equal(reply.received, true);
  assert.equal(reply.events, 1);
  assert.equal(reply.duplicates, 0);
  assert.match(reply.request, /^req_/);

  const [purchase] = await bought(meta, 1);
  await settled(hub);
  assert.equal(purchases(meta).length, 1);
  assert.equal(purchase.event_id, `Purchase:${id}`);
  assert.equal(purchase.event_time, Math.floor(paidAt / 1000));
  assert.equal(purchase.custom_data.value, 39.9);
  assert.equal(purchase.custom_data.currency, 'BRL');
  assert.equal(purchase.custom_data.order_id, id);
  assert.equal(purchase.event_source_url, 'https://pay.cakto.com.br/exOfr01');
  const has = (field, plain) => assert.ok([purchase.user_data[field]].flat().includes(digest(plain)), `${field} is the digest of ${plain}`);
  has('em', 'daniela@example.com');
  has('ph', '5511999990005');
  has('fn', 'daniela');
  has('country', 'br');
  assert.doesNotMatch(JSON.stringify(purchase), /daniela@|5511999990005|11144477735/);
  const order = await hub.get(`/api/orders/${id}`);
  assert.equal(order.order?.status ?? order.status, 'paid');
});

test('the secret in the body opens the door too; the same webhook five times is one Purchase', async (t) => {
  const { hub, meta } = await hubWithPixel(t);
  const message = paidOrder();
  const replies = [];
  for (let i = 0; i < 5; i++) replies.push(await accepted(hub, message, { plain: i % 2 === 0 }));
  assert.deepEqual(replies.map((r) => r.duplicates), [0, 1, 1, 1, 1]);
  await bought(meta, 1);
  await settled(hub);
  assert.equal(purchases(meta).length, 1);
  assert.equal((await hub.all('/api/events')).length, 1);
  assert.equal((await hub.all('/api/deliveries')).length, 1);
});

test('five copies at the same time are one Purchase', async (t) => {
  const { hub, meta } = await hubWithPixel(t);
  const message = paidOrder();
  const replies = await Promise.all(Array.from({ length: 5 }, () => accepted(hub, message)));
  assert.equal(replies.filter((r) => r.duplicates === 0).length, 1);
  await bought(meta, 1);
  await settled(hub);
  assert.equal(purchases(meta).length, 1);
});

test('a list of orders is one Purchase with the sum and both products', async (t) => {
  const { hub, meta } = await hubWithPixel(t);
  await accepted(hub, cakto('constructed-purchase-approved-v2-list'));
  const [purchase] = await bought(meta, 1);
  await settled(hub);
  assert.equal(purchases(meta).length, 1);
  assert.equal(purchase.custom_data.value, 56.9);
  assert.equal(purchase.custom_data.num_items, 2);
  assert.deepEqual(purchase.custom_data.contents.map((c) => c.item_price), [39.9, 17]);
  assert.equal(purchase.custom_data.content_ids.length, 2);
});

test('a subscription made beside its order is one sale', async (t) => {
  const { hub, meta } = await hubWithPixel(t, { routes: [toPixel({ name: 'more', on: ['subscription.*'] })] });
  const subscription = cakto('constructed-subscription-created');
  const approved = cakto('constructed-subscription-created', (data, message) => { message.event = 'purchase_approved'; });
  await accepted(hub, subscription);
  await accepted(hub, approved);
  const [purchase] = await bought(meta, 1);
  await settled(hub);
  assert.equal(purchases(meta).length, 1);
  assert.equal(purchase.custom_data.value, 49.9);
  assert.equal(purchase.event_id, `Purchase:${approved.data.id}`);
  assert.deepEqual((await hub.all('/api/events')).map((e) => e.type).sort(), ['order.paid', 'subscription.created']);
});

test('a renewal is no Purchase, but its order is kept as paid', async (t) => {
  const { hub, meta } = await hubWithPixel(t, { routes: [toPixel({ name: 'more', on: ['subscription.*'] })] });
  // Cakto's word decides; for sellers whose renewals come as purchase_approved there is a setting
  await hub.patch('/api/sources/cakto', { renewals_by_period: true });
  const byPeriod = cakto('purchase-approved-subscription-card'), byWord = cakto('subscription-renewed');
  await accepted(hub, byPeriod);
  await accepted(hub, byWord);
  const last = paidOrder(); // goes out behind them
  await accepted(hub, last);
  const [purchase] = await bought(meta, 1);
  await settled(hub);
  assert.equal(purchase.event_id, `Purchase:${last.data.id}`);
  assert.equal(purchases(meta).length, 1);
  assert.equal((await hub.all('/api/events?type=subscription.renewed')).length, 2);
  for (const { data } of [byPeriod, byWord]) assert.match(JSON.stringify(await hub.get(`/api/orders/${data.id}`)), /"status":"paid"/);
});

test('without that setting the word of Cakto decides, whatever the period', async (t) => {
  const { hub, meta } = await hubWithPixel(t, { routes: [toPixel({ name: 'more', on: ['subscription.*'] })] });
  await accepted(hub, cakto('subscription-renewed'));
  const approved = cakto('purchase-approved-subscription-card');
  await accepted(hub, approved);
  await bought(meta, 1);
  await settled(hub);
  assert.deepEqual(purchases(meta).map((e) => e.event_id), [`Purchase:${approved.data.id}`]);
});

test('an order without an amount is never sent with a guessed one: dead, with the reason', async (t) => {
  const { hub, meta } = await hubWithPixel(t);
  await accepted(hub, cakto('purchase-approved-minimal'));
  const dead = await hub.delivery('pixel', 'dead');
  assert.match(dead.reason, /without an amount/);
  assert.equal(dead.attempts_made.length, 0);
  assert.equal(meta.requests, 0);
  const letters = await hub.get('/api/dead-letters');
  assert.equal(letters.items.length, 1);
  assert.match(letters.items[0].reason, /without an amount/);
});

test('an abandoned checkout and a refused card are Leads', async (t) => {
  const { hub, meta } = await hubWithPixel(t);
  await accepted(hub, cakto('constructed-checkout-abandonment'));
  await accepted(hub, cakto('constructed-purchase-refused'));
  await until('two leads', () => meta.events().length === 2);
  await settled(hub);
  const events = meta.events().map((e) => e.event);
  assert.deepEqual(events.map((e) => e.event_name), ['Lead', 'Lead']);
  assert.equal(new Set(events.map((e) => e.event_id)).size, 2);
  for (const e of events) assert.match(e.event_id, /^Lead:/);
  assert.equal(purchases(meta).length, 0);
});

test('order only moves forward: paid, then a late pending, then paid again by another word', async (t) => {
  const { hub, meta } = await hubWithPixel(t);
  const id = randomUUID();
  await accepted(hub, paidOrder(id));
  await accepted(hub, cakto('constructed-pix-gerado', (data) => { data.id = id; }));
  await bought(meta, 1);
  await settled(hub);
  assert.match(JSON.stringify(await hub.get(`/api/orders/${id}`)), /"status":"paid"/);
  await accepted(hub, cakto('constructed-refund', (data) => { data.id = id; }));
  await settled(hub);
  const { order } = await hub.get(`/api/orders/${id}`);
  assert.equal(order.status, 'refunded');
  assert.equal(order.told, undefined, 'whose word it is, is for merging alone');
  assert.equal(purchases(meta).length, 1);
});

test('the lead that came first gives the Purchase its click, address and place; its fields win', async (t) => {
  const origin = 'https://www.example.com';
  const { hub, meta } = await hubWithPixel(t, {
    sources: [{ name: 'site', kind: 'lead', path: '/api/lead', write_key: 'wk_site', origins: [origin] }] });
  const agent = 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0';
  const preflight = await hub.call('OPTIONS', '/api/lead', undefined, { key: null, headers: { origin,
    'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,x-write-key' } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
  assert.match(preflight.headers.get('access-control-allow-headers'), /X-Write-Key/);
  const stranger = await hub.call('POST', '/api/lead', { email: 'x@example.com' }, { key: null,
    headers: { origin: 'https://elsewhere.example', 'x-write-key': 'wk_site' } });
  assert.equal(stranger.status, 403);

  const fbc = `fb.1.${Date.now() - 3_600_000}.IwAR0Exemplo`, fbp = `fb.1.${Date.now() - 7_200_000}.1098115397`;
  const lead = await hub.call('POST', '/api/lead', { name: 'Dani do Formulário', email: 'Daniela@Example.com ', phone: '(11) 99999-0005',
    city: 'Belo Horizonte', state: 'MG', fbc, fbp, page_url: `${origin}/curso?utm_source=facebook`, submission_id: randomUUID() },
  { key: null, headers: { origin, 'x-write-key': 'wk_site', 'user-agent': agent, 'x-forwarded-for': '203.0.113.7' } });
  assert.equal(lead.status, 200, lead.text);
  assert.equal(lead.headers.get('access-control-allow-origin'), origin);
  await hub.quiet();

  await accepted(hub, paidOrder());
  const [purchase] = await bought(meta, 1);
  const { user_data: user } = purchase;
  assert.equal(user.fbc, fbc);
  assert.equal(user.fbp, fbp);
  assert.equal(user.client_user_agent, agent);
  assert.ok([user.ct].flat().includes(digest('belohorizonte')));
  assert.ok([user.st].flat().includes(digest('mg')));
  assert.ok([user.fn].flat().includes(digest('dani')), 'the name the person typed wins over the platform\'s');
  assert.ok([user.em].flat().includes(digest('daniela@example.com')));
  assert.equal((await hub.all('/api/contacts')).length, 1);
  const contact = await hub.get(`/api/contacts/${(await hub.all('/api/contacts'))[0].id}`);
  assert.match(JSON.stringify(contact), /203\.0\.113\.7/);
  // 203.0.113.0/24 is documentation space: whether Meta is told is the destination's business; a public one must arrive
  const ip = await hub.call('POST', '/api/lead', { email: 'outra@example.com', submission_id: randomUUID() },
    { key: null, headers: { origin, 'x-write-key': 'wk_site', 'user-agent': agent, 'x-forwarded-for': '8.8.4.4' } });
  assert.equal(ip.status, 200);
  await hub.quiet();
  await accepted(hub, paidOrder(randomUUID(), (data) => {
    Object.assign(data.customer, { email: 'outra@example.com', phone: null, docNumber: null, name: 'Outra Pessoa' });
  }));
  const second = (await bought(meta, 2)).find((e) => e.user_data.em.includes(digest('outra@example.com')));
  assert.equal(second.user_data.client_ip_address, '8.8.4.4');
});

test('an http destination gets every event, signed as Standard Webhooks has it', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink, { headers: { 'X-Shop': 'one' }, secret_headers: ['X-Token: sesame'] })],
    routes: [toCrm()] });
  const message = paidOrder();
  await accepted(hub, message);
  const got = await until('the event at the sink', () => sink.events()[0]);
  assert.equal(sink.stats().rejected.length, 0);
  assert.equal(got.payload.type, 'order.paid');
  assert.equal(got.payload.data.order.number, message.data.id);
  assert.equal(got.payload.data.order.amount, 3990);
  assert.equal(got.headers['x-shop'], 'one');
  assert.equal(got.headers['x-token'], 'sesame');
  assert.match(got.headers['webhook-id'], /^evt_/);
  assert.match(got.headers['user-agent'], /^Malote\//);
  const delivery = await hub.delivery('crm', 'delivered');
  assert.equal(delivery.attempts_made.length, 1);
  assert.doesNotMatch(JSON.stringify(delivery), /sesame/);
});

test('a wrong secret at the receiver holds the destination instead of losing events', async (t) => {
  const sink = await startSink(t, { secrets: [`whsec_${randomBytes(24).toString('base64')}`] }), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm()] });
  await accepted(hub, paidOrder());
  await hub.delivery('crm', 'held');
  sink.secrets = [SINK_SECRET];
  await hub.post('/api/destinations/crm/resume');
  await hub.delivery('crm', 'delivered');
});

// ---- one source of each family of schemes ----

const hmac = (hash, secret, text, encoding) => createHmac(hash, secret).update(text).digest(encoding);
const seconds = () => Math.floor(Date.now() / 1000);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' } });
const ed = generateKeyPairSync('ed25519');
const edRaw = ed.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
const whsec = `whsec_${randomBytes(24).toString('base64')}`;
const standard = (prefix) => (body) => {
  const id = `msg_${randomUUID()}`, time = seconds();
  const mac = hmac('sha256', Buffer.from(whsec.slice(6), 'base64'), `${id}.${time}.${body}`, 'base64');
  return { headers: { [`${prefix}-id`]: id, [`${prefix}-timestamp`]: String(time), [`${prefix}-signature`]: `v1,${mac}` } };
};
const SCHEMES = {
  none: [{}, () => ({})],
  token: [{ secret: 'segredo-do-token', header: 'asaas-access-token' }, () => ({ headers: { 'asaas-access-token': 'segredo-do-token' } })],
  'token in the query': [{ scheme: 'token', secret: 'segredo-da-query', query: 'hmac' }, () => ({ query: '?hmac=segredo-da-query' })],
  'token in the body': [{ scheme: 'token', secret: 'segredo-do-corpo', pointer: '/token' }, () => ({ body: { token: 'segredo-do-corpo' } })],
  hmac: [{ secret: 'segredo-hmac', header: 'X-Shop-Signature', prefix: 'sha256=' },
    (body) => ({ headers: { 'x-shop-signature': `sha256=${hmac('sha256', 'segredo-hmac', body, 'hex')}` } })],
  'hmac with a time': [{ scheme: 'hmac', secret: 'segredo-hmac', header: 'X-Sig', algorithm: 'sha512', encoding: 'base64',
    signed_text: '{timestamp}.{body}', timestamp_header: 'X-Time' }, (body) => {
    const time = seconds();
    return { headers: { 'x-time': String(time), 'x-sig': hmac('sha512', 'segredo-hmac', `${time}.${body}`, 'base64') } };
  }],
  'standard-webhooks': [{ secret: whsec }, standard('webhook')],
  'standard-webhooks, ed25519': [{ scheme: 'standard-webhooks', secret: `whpk_${edRaw}` }, (body) => {
    const id = `msg_${randomUUID()}`, time = seconds();
    const mark = sign(null, Buffer.from(`${id}.${time}.${body}`), ed.privateKey).toString('base64');
    return { headers: { 'webhook-id': id, 'webhook-timestamp': String(time), 'webhook-signature': `v1a,${mark}` } };
  }],
  svix: [{ secret: whsec }, standard('svix')],
  stripe: [{ secret: 'whsec_stripe' }, (body) => {
    const time = seconds();
    return { headers: { 'stripe-signature': `t=${time},v1=${hmac('sha256', 'whsec_stripe', `${time}.${body}`, 'hex')}` } };
  }],
  github: [{ secret: 'gh-segredo' }, (body) => ({ headers: { 'x-hub-signature-256': `sha256=${hmac('sha256', 'gh-segredo', body, 'hex')}` } })],
  meta: [{ secret: 'app-segredo' }, (body) => ({ headers: { 'x-hub-signature-256': `sha256=${hmac('sha256', 'app-segredo', body, 'hex')}` } })],
  shopify: [{ secret: 'hush-hush' }, (body) => ({ headers: { 'x-shopify-hmac-sha256': hmac('sha256', 'hush-hush', body, 'base64') } })],
  'mercado-pago': [{ secret: 'mp-segredo' }, () => {
    const ts = Date.now(), id = '123456', request = randomUUID();
    return { query: `?data.id=${id}&type=payment`, headers: { 'x-request-id': request,
      'x-signature': `ts=${ts},v1=${hmac('sha256', 'mp-segredo', `id:${id};request-id:${request};ts:${ts};`, 'hex')}` } };
  }],
  cakto: [{ secret: 'cakto-segredo' }, (body) => {
    const time = seconds();
    return { headers: { 'x-cakto-timestamp': String(time), 'x-cakto-signature': `v1=${hmac('sha256', 'cakto-segredo', `${time}.${body}`, 'hex')}` } };
  }],
  'woovi-rsa': [{ secret: rsa.publicKey }, (body) => ({ headers: { 'x-webhook-signature': createSign('RSA-SHA256').update(body).sign(rsa.privateKey, 'base64') } })],
  'woovi-hmac': [{ secret: 'woovi-segredo' }, (body) => ({ headers: { 'x-openpix-signature': hmac('sha1', 'woovi-segredo', body, 'base64') } })],
  kiwify: [{ secret: 'kiwify-segredo' }, (body) => ({ query: `?signature=${hmac('sha1', 'kiwify-segredo', body, 'hex')}` })],
  eduzz: [{ secret: 'eduzz-segredo' }, (body) => ({ headers: { 'x-signature': hmac('sha256', 'eduzz-segredo', body, 'hex') } })],
};

const pathOf = (i) => `/in/nobody-guesses-this-path-0123456789/s${i}`; // without a proof the path is the secret

test('http sources: every scheme lets the right one in and keeps the others out', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  const names = Object.keys(SCHEMES), sources = names.map((scheme, i) => ({ name: `s${i}`, kind: 'http', path: pathOf(i), scheme,
    type: 'order.paid', key_pointer: '/id', amount_unit: 'cents',
    fields: { 'contact.email': '/email', 'order.number': '/id', 'order.amount': '/total' }, ...SCHEMES[scheme][0] }));
  await hub.apply({ sources, destinations: [crm(sink)], routes: [toCrm()] });
  for (const [i, name] of names.entries()) await t.test(name, async () => {
    const make = SCHEMES[name][1], id = `order-${i}`;
    const text = JSON.stringify({ id, email: `pessoa${i}@example.com`, total: 1000 + i, ...make('').body });
    const good = make(text);
    const send = (body, { query = '', headers = {} }) => hub.call('POST', `${pathOf(i)}${query}`, body, { key: null, headers });
    const answer = await send(text, good);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.events, 1);
    if (name !== 'none') {
      const plain = text.replace(/,"token":"[^"]*"/, '');
      assert.equal((await send(plain, {})).status, 401, 'without proof');
      const spoilt = JSON.parse(JSON.stringify(good).replace(/segredo-d[ao]-\w+/, 'wrong').replace('data.id=123456', 'data.id=654321'));
      assert.equal((await send(text.replace('pessoa', 'ladrao').replace('segredo-do-corpo', 'wrong'), spoilt)).status, 401, 'a proof of something else');
    }
    const got = await until(`${name} at the sink`, () => sink.events().find((e) => e.payload.data.order?.number === id));
    assert.equal(got.payload.data.order.amount, 1000 + i);
  });
  assert.equal((await hub.all('/api/events')).length, names.length);
  assert.equal((await hub.all('/api/requests')).length, names.length, 'refused requests are not stored');
});
