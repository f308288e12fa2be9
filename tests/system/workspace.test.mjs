// workspace.test.mjs: several workspaces in one hub, and several numbers behind one WhatsApp app: each lives in its own workspace alone.
import assert from 'node:assert/strict';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { OWN, NEW, SHOP, app, change, quiet, receiver, say, taker, workspace } from './tenants.mjs';
import { ADMIN_KEY, WA_SECRET, WHATSAPP_TOKEN, caktoHeaders, caktoSource, crm, folder, mediaBytes, paidOrder, startHub, startMedia, startSink,
  startWhatsApp, toCrm, until, waMessage, waSource, zap } from './hub.mjs';

const sale = (hub, path, id) => {
  const body = JSON.stringify({ ...paidOrder(id), secret: undefined });
  return hub.call('POST', path, body, { key: null, headers: { 'content-type': 'application/json', ...caktoHeaders(body) } });
};
test('made, disabled, enabled, deleted: over the API and by command, by an owner alone', async (t) => {
  const hub = await startHub(t);
  assert.deepEqual((await hub.get('/api/workspaces')).items.map((w) => [w.name, w.enabled]), [['default', true]]);
  const made = await hub.cli(['workspace', 'add', 'shop', '--json']);
  assert.equal(made.code, 0, made.err);
  const shop = JSON.parse(made.out), as = { key: shop.admin_key.key };
  assert.match(shop.id, /^wsp_/);
  assert.match(shop.admin_key.key, /^mlt_/);
  assert.ok(!JSON.stringify(await hub.get('/api/workspaces')).includes(shop.admin_key.key), 'shown once');
  assert.deepEqual((await hub.get('/api/keys', as)).items.map((k) => [k.name, k.role]), [['admin', 'admin']]);
  for (const [body, status] of [[{ name: 'shop' }, 409], [{ name: 'default' }, 409], [{ name: 'Shop' }, 400], [{ name: '' }, 400], [{}, 400], [{ name: 'a/b' }, 400],
    [{ name: 'x'.repeat(65) }, 400]]) assert.equal((await hub.call('POST', '/api/workspaces', body)).status, status, JSON.stringify(body));
  // neither an operator of `default` nor an admin of another workspace
  const { key } = await hub.post('/api/keys', { name: 'op', role: 'operator' });
  for (const who of [{ key }, as]) for (const [method, path] of [['GET', ''], ['POST', ''], ['GET', '/shop'], ['GET', '/nothing'], ['DELETE', '/shop'], ['POST', '/shop/disable'],
    ['POST', '/default/disable'], ['POST', '/shop/enable'], ['POST', '/shop/key'], ['POST', '/default/key']])
    assert.equal((await hub.call(method, `/api/workspaces${path}`, method === 'POST' ? { name: 'mine' } : undefined, who)).status, 403, `${method} ${path}`);
  for (const [method, path] of [['DELETE', ''], ['POST', '/disable'], ['POST', '/enable'], ['POST', '/key']])
    assert.equal((await hub.call(method, `/api/workspaces/default${path}`, method === 'POST' ? {} : undefined)).status, 409, `default stays: ${method} ${path}`);
  assert.equal((await hub.call('POST', '/api/workspaces/nothing/disable', {})).status, 404);
  // a lost key
  const fresh = (await hub.post('/api/workspaces/shop/key')).admin_key.key;
  assert.equal((await hub.call('GET', '/api/sources', undefined, as)).status, 401);
  as.key = fresh;

  const sink = await startSink(t);
  await hub.post('/api/apply', { sources: [caktoSource({ path: undefined })], destinations: [crm(sink)], routes: [toCrm()] }, as);
  assert.equal((await hub.get('/api/sources/cakto', as)).listens_on, '/in/shop/cakto');
  assert.equal((await sale(hub, '/in/shop/cakto', 'a-1')).status, 200);
  await until('the delivery', () => sink.events().length === 1);
  const shown = await hub.cli(['workspace', 'list']);
  assert.match(shown.out, /shop +yes +1 +1/);
  assert.equal((await hub.cli(['workspace', 'disable', 'shop'])).code, 0);
  assert.equal((await sale(hub, '/in/shop/cakto', 'a-2')).status, 404, 'nothing is taken in');
  for (const [method, path, body] of [['POST', '/api/events?source=cakto', paidOrder()], ['POST', '/api/sources', {}], ['POST', '/api/keys', { name: 'x', role: 'admin' }]]) {
    const refused = await hub.call(method, path, body, as);
    assert.deepEqual([refused.status, refused.json.error.code], [403, 'workspace_disabled'], path);
  }
  assert.equal((await hub.get('/api/orders', as)).items.length, 1, 'what is there can be read');
  const [person] = (await hub.get('/api/contacts', as)).items;
  assert.equal((await hub.call('DELETE', `/api/contacts/${person.id}`, undefined, as)).status, 200, 'who wants to be forgotten is');
  assert.ok(!JSON.stringify((await hub.get('/api/contacts', as)).items).includes('@'));
  assert.equal((await hub.get('/api/destinations/crm', as)).state, 'disabled');
  assert.equal((await hub.get('/api/sources')).items.some((s) => s.name === 'demo'), true, 'the others go on');
  await hub.stop();
  await hub.start();
  assert.equal((await hub.get('/api/workspaces/shop')).enabled, false, 'a restart changes nothing');
  const deleted = await hub.call('DELETE', '/api/workspaces/shop');
  assert.deepEqual([deleted.status, /sources/.test(deleted.text)], [409, true], deleted.text);
  await hub.post('/api/workspaces/shop/enable');
  assert.equal((await sale(hub, '/in/shop/cakto', 'a-2')).status, 200);
  await until('the second', () => sink.events().length === 2);
  await hub.post('/api/apply?prune=true', {}, as);
  assert.match((await hub.call('DELETE', '/api/workspaces/shop')).text, /requests/, 'what was taken in is data');

  const empty = await workspace(hub, 'empty');
  assert.equal((await hub.cli(['workspace', 'delete', 'empty'])).code, 0);
  assert.equal((await empty.call('GET', '/api/sources')).status, 401);
  assert.equal((await hub.call('GET', '/api/workspaces/empty')).status, 404);
  assert.equal((await hub.cli(['workspace', 'rename', 'shop'])).code, 2);
  assert.match(hub.err, /workspace\.created.*name=shop/);
});

test('a delivery that waits in a workspace when it is disabled waits on, and goes when it is enabled', async (t) => {
  const sink = await startSink(t), hub = await startHub(t), shop = await workspace(hub, 'shop');
  await shop.apply({ sources: [caktoSource({ path: '/in/shop/c' })], destinations: [crm(sink)], routes: [toCrm({ delay: '1s' })] });
  await sale(hub, '/in/shop/c', 'b-1');
  await quiet(hub, shop);
  await hub.post('/api/workspaces/shop/disable');
  await new Promise((done) => setTimeout(done, 1500));
  assert.equal(sink.events().length, 0);
  await hub.post('/api/workspaces/shop/enable');
  await until('it to go', () => sink.events().length === 1);
});

test('files of a workspace that is disabled are left alone, and come when it is enabled', async (t) => {
  const media = await startMedia(t, { token: WHATSAPP_TOKEN }), hub = await startHub(t), shop = await workspace(hub, 'shop');
  const wa = (more) => waSource({ access_token: WHATSAPP_TOKEN, base_url: media.base, ...more });
  await hub.apply({ sources: [wa()] });
  await shop.apply({ sources: [wa({ path: '/in/shop/wa' })] });
  const files = async (state, options = shop.as) => hub.all(`/api/media${state ? `?state=${state}` : ''}`, options);
  const sent = async (path, ids) => {
    const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes: [change(OWN, {
      messages: ids.map((id) => waMessage('image', media.add(id, Buffer.from(id)))) })] }] });
    const answer = await hub.call('POST', path, body, { key: null, headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', WA_SECRET).update(body).digest('hex')}` } });
    assert.equal(answer.status, 200, answer.text);
  };
  media.mode('slow');
  await sent('/in/shop/wa', Array.from({ length: 8 }, (_, i) => `s${i}`));
  await until('its share to be under way', async () => (await files('downloading')).length === 6 && (await files('pending')).length === 2);
  const waiting = await files('pending');
  await hub.post('/api/workspaces/shop/disable');
  media.mode('ok');
  await until('what was under way to end', async () => (await files('downloaded')).length === 6);
  await sent('/api/whatsapp', ['d1']); // and somebody else's, looked for after them
  await until('the other one', async () => (await files('downloaded', {})).length === 1);
  assert.deepEqual(await files('pending'), waiting);
  await hub.post('/api/workspaces/shop/enable');
  await until('the rest', async () => (await files('downloaded')).length === 8);
});

test('uploads: no workspace holds every place while there are others', async (t) => {
  const hub = await startHub(t), shop = await workspace(hub, 'shop'), drafts = () => readdirSync(join(hub.data, 'media/drafts')).length;
  const begin = (key) => {
    const req = http.request(`${hub.base}/api/media`, { method: 'POST', headers: { 'x-api-key': key, 'content-type': 'application/pdf', 'content-length': 1_000_000 } });
    req.on('error', () => {});
    req.write(randomBytes(300_000));
    return req;
  };
  const whole = async (key) => (await fetch(`${hub.base}/api/media`, { method: 'POST', body: 'x', headers: { 'x-api-key': key, 'content-type': 'text/plain' } }));
  const greedy = Array.from({ length: 12 }, () => begin(shop.key));
  await until('its share to be under way', () => drafts() === 12);
  const refused = await whole(shop.key);
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '2']);
  const others = Array.from({ length: 4 }, () => begin(ADMIN_KEY));
  await until('every place to be taken', () => drafts() === 16);
  assert.equal((await whole(ADMIN_KEY)).status, 503);
  others[0].end(randomBytes(700_000));
  const [ended] = await once(others[0], 'response');
  assert.equal(ended.statusCode, 201);
  ended.resume();
  assert.equal((await whole(shop.key)).status, 503, 'room for others, not for it');
  assert.equal((await whole(ADMIN_KEY)).status, 201);
  greedy[0].end(randomBytes(700_000));
  const [own] = await once(greedy[0], 'response');
  assert.equal(own.statusCode, 201);
  own.resume();
  assert.equal((await whole(shop.key)).status, 201);
  for (const req of [...greedy, ...others]) req.destroy();
});

test('the same names, keys and people in two workspaces are two of each', async (t) => {
  const sinks = [await startSink(t), await startSink(t)], hub = await startHub(t), shop = await workspace(hub, 'shop');
  const config = (sink, path) => ({ sources: [caktoSource({ path })], destinations: [crm(sink)], routes: [toCrm()] });
  await hub.apply(config(sinks[0], '/api/webhook-cakto'));
  await shop.apply(config(sinks[1], '/in/shop/cakto'));
  for (let i = 0; i < 2; i++) {
    assert.equal((await sale(hub, '/api/webhook-cakto', 'same-1')).json.duplicates, i);
    assert.equal((await sale(hub, '/in/shop/cakto', 'same-1')).json.duplicates, i);
  }
  await sale(hub, '/in/shop/cakto', 'same-2');
  await until('the deliveries', () => sinks[0].events().length === 1 && sinks[1].events().length === 2);
  for (const [options, events, contacts] of [[undefined, 1, 1], [shop.as, 2, 1]]) {
    assert.equal((await hub.all('/api/events', options)).length, events);
    assert.equal((await hub.all('/api/orders', options)).length, events);
    assert.equal((await hub.all('/api/contacts', options)).length, contacts);
    assert.equal((await hub.get('/api/stats', options)).last_hour.events, events);
  }
  assert.equal((await hub.get('/in/shop/cakto/stats', { key: shop.key })).last_hour.events, 2);
  assert.equal((await hub.call('GET', '/in/shop/cakto/stats')).status, 404, 'not even for an owner: that takes a key of the workspace');
  // pruning and exporting one leaves the other alone
  const before = await hub.get('/api/export');
  const steps = await hub.post('/api/apply?prune=true', {}, shop.as);
  assert.deepEqual(steps.steps.map((s) => `${s.action} ${s.noun} ${s.name}`), ['delete route all-to-crm', 'delete source cakto', 'delete destination crm']);
  assert.deepEqual(await hub.get('/api/export'), before);
  // erasing a person in one leaves the other's
  const [person] = await shop.all('/api/contacts');
  await shop.call('DELETE', `/api/contacts/${person.id}`);
  assert.ok(JSON.stringify(await hub.all('/api/contacts')).includes('@'));
  assert.equal((await sale(hub, '/api/webhook-cakto', 'same-3')).status, 200);
  // the whole hub's figures are an owner's
  const health = await hub.get('/health/detailed', shop.as);
  assert.ok(!JSON.stringify(health).includes('crm'));
});

test('paths: below its own name, and nobody else\'s', async (t) => {
  const hub = await startHub(t), shop = await workspace(hub, 'shop');
  await hub.apply({ sources: [caktoSource({ name: 'squat', path: '/in/shop/taken' })] });
  for (const path of ['/in/default/x', '/in/other/x', '/api/keys', '/api/webhook', '/in/shop', '/in/shop/', '/in/shopper/x', '/in', '/x/in/shop/x', '/'])
    assert.equal((await shop.call('POST', '/api/sources', caktoSource({ path }))).status, 400, path);
  const taken = await shop.call('POST', '/api/sources', caktoSource({ path: '/in/shop/taken' }));
  assert.equal(taken.status, 409);
  assert.doesNotMatch(taken.text, /squat/);
  for (const accept_from of ['app', '/app', 'default/', ''])
    assert.equal((await shop.call('POST', '/api/sources', taker({ accept_from: [accept_from] }))).status, 400, accept_from);
  await shop.post('/api/sources', { name: 'open', kind: 'http', scheme: 'none', type: 'a.b' });
  assert.match((await shop.get('/api/sources/open')).listens_on, /^\/in\/shop\/open\/[0-9a-f]{32}$/);
});

// ---- one WhatsApp app, several numbers ----

const texts = (list) => list.map((m) => m.text).sort();

test('two numbers behind one app: each in its workspace, once, with its files, statuses and deliveries', async (t) => {
  const media = await startMedia(t, { token: 'token-of-the-shop' }), wa = await startWhatsApp(t, { token: WHATSAPP_TOKEN });
  const sink = await startSink(t), theirs = await startSink(t), hub = await startHub(t), shop = await workspace(hub, 'shop');
  await hub.apply({ sources: [receiver({ access_token: 'token-of-the-app', base_url: media.base })], destinations: [crm(sink)], routes: [toCrm()] });
  await shop.apply({ sources: [taker({ access_token: 'token-of-the-shop', base_url: media.base })], destinations: [crm(theirs), zap(wa, { phone_number_id: SHOP })],
    routes: [toCrm({ on: ['message.received', 'message.status'] })] });
  const bytes = randomBytes(5000), file = media.add('77', bytes);
  const both = [change(OWN, { contacts: [{ profile: { name: 'Ana' }, wa_id: '5511999990001' }], messages: [say('wamid.A', '5511999990001', 'para a casa')] }),
    change(SHOP, { contacts: [{ profile: { name: 'Bruno Marcante' }, wa_id: '5511999990002' }],
      messages: [say('wamid.B', '5511999990002', 'para a loja'), waMessage('image', file, { id: 'wamid.C', from: '5511999990002' })] })];
  assert.equal((await app(hub, both)).events, 2, 'one message, and one change that is another\'s');
  await quiet(hub, shop);
  assert.deepEqual(texts(await hub.all('/api/messages')), ['para a casa']);
  assert.deepEqual((await shop.all('/api/messages')).map((m) => m.account), [SHOP, SHOP]);
  assert.equal((await shop.all('/api/tickets')).length, 1);
  assert.equal((await shop.all('/api/conversations')).length, 1);
  await until('the file, with the token of the shop', async () => (await shop.all('/api/media'))[0]?.state === 'downloaded');
  const [kept] = await shop.all('/api/media');
  assert.equal((await mediaBytes(hub, kept.id)).status, 404, 'not for the app\'s owner');
  assert.ok(bytes.equals(Buffer.from(await (await mediaBytes(hub, kept.id, { 'x-api-key': shop.key })).arrayBuffer())));
  await until('the deliveries', () => theirs.events().length === 2 && sink.events().length === 1);

  // Nothing of it here but the request as it came.
  const seen = [];
  for (const path of ['events', 'contacts', 'messages', 'conversations', 'tickets', 'media', 'deliveries', 'dead-letters', 'stats', 'messages/stats']) {
    const { text, json } = await hub.call('GET', `/api/${path}`);
    seen.push(text);
    for (const item of json.items ?? []) if (item.id) seen.push((await hub.call('GET', `/api/${path}/${item.id}`)).text);
  }
  assert.doesNotMatch(seen.join('\n'), /999990002|Marcante|loja|wamid\.[BC]/);
  const handed = (await hub.all('/api/events?type=whatsapp.other_account'))[0];
  assert.equal(handed.state, 'done');
  assert.deepEqual((await hub.get(`/api/events/${handed.id}`)).data.custom, { account: SHOP, handed_to: 'shop/wa' });
  assert.match((await hub.get(`/api/requests/${handed.request}`)).body, /para a loja/);
  const [request] = await shop.all('/api/requests');
  const shown = await shop.get(`/api/requests/${request.id}`);
  assert.doesNotMatch(JSON.stringify(shown), /casa|Ana|999990001|in\/app/, 'and nothing of the app\'s own there');
  assert.equal((await shop.get('/api/stats')).last_hour.events, 2);
  assert.equal((await hub.get('/api/stats')).last_hour.handed_over, 1);
  assert.equal((await hub.get('/in/app/stats')).since_start.handed_over, 1);
  assert.equal(await hub.metric('malote_events_handed_total'), 1);

  // What the shop sends, and its fate, which comes in by the same app.
  const sent = await shop.post('/api/messages', { to: '+5511999990002', type: 'text', text: 'Oi, Bruno' });
  await until('it to be delivered', async () => (await shop.get(`/api/deliveries/${sent.delivery}`)).state === 'delivered');
  const id = wa.events()[0].id;
  await app(hub, [change(SHOP, { statuses: [{ id, status: 'read', timestamp: String(Math.floor(Date.now() / 1000)), recipient_id: '5511999990002',
    biz_opaque_callback_data: sent.delivery }] })]);
  await until('the status', async () => (await shop.get(`/api/messages/${sent.message}`)).status === 'read');
  // A status of another workspace's number proves nothing here.
  await app(hub, [change(OWN, { statuses: [{ id, status: 'failed', timestamp: '1750000000', recipient_id: '5511999990002', biz_opaque_callback_data: sent.delivery }] })]);
  await quiet(hub, shop);
  assert.deepEqual((await shop.get(`/api/messages/${sent.message}`)).statuses.map((s) => s.status), ['read']);

  // Again and again: Meta's repeat, with another time, a replay of the event and of everything, a kill.
  const count = async () => [(await shop.all('/api/events')).length, (await shop.all('/api/messages')).length, (await shop.all('/api/deliveries')).length, (await hub.all('/api/messages')).length];
  const before = await count();
  await app(hub, both);
  await app(hub, both, { time: 1_750_000_001 });
  await hub.post(`/api/events/${handed.id}/retry`);
  await hub.post('/api/events/replay', { all: true });
  await quiet(hub, shop);
  await hub.kill();
  await hub.start();
  await app(hub, both, { time: 1_750_000_002 });
  await hub.post('/api/events/replay', { all: true });
  await shop.post('/api/events/replay', { all: true });
  await quiet(hub, shop);
  assert.deepEqual(await count(), before);

  // Erased there: gone from the app's request, too; what is of others in it stays.
  const [person] = await shop.all('/api/contacts');
  const erased = await shop.call('DELETE', `/api/contacts/${person.id}`);
  assert.equal(erased.status, 200, erased.text);
  const left = (await hub.get(`/api/requests/${handed.request}`)).body;
  assert.doesNotMatch(left, /loja|Marcante|999990002/);
  assert.match(left, /para a casa/);
  assert.doesNotMatch(JSON.stringify(await shop.all('/api/messages')), /para a loja/);
  await hub.post(`/api/events/${handed.id}/retry`);
  await quiet(hub, shop);
  assert.match((await hub.get(`/api/events/${handed.id}`)).problem, /erased/);
});

test('an unknown number is kept, counted and shown, and goes where it belongs once somebody says where', async (t) => {
  const hub = await startHub(t), shop = await workspace(hub, 'shop');
  await hub.apply({ sources: [receiver()] });
  await shop.apply({ sources: [taker()] });
  const news = change(NEW, { messages: [say('wamid.N1', '5511999990003', 'quem é?'), say('wamid.N2', '5511999990003', 'alô')] });
  for (let i = 0; i < 3; i++) await app(hub, [news, change(OWN, { messages: [say('wamid.O', '5511999990001', 'nossa')] })]);
  await quiet(hub, shop);
  const [dead] = await hub.all('/api/dead-letters');
  assert.match(dead.reason ?? dead.problem, new RegExp(`account ${NEW} belongs to no source here`));
  assert.doesNotMatch(JSON.stringify(dead), /999990003|wamid/);
  assert.match((await hub.call('GET', '/api/dead-letters/stats')).text, new RegExp(`account ${NEW}`));
  assert.equal((await hub.get('/api/stats')).last_hour.unclaimed, 1);
  assert.equal(await hub.metric('malote_events_unclaimed_total'), 1);
  assert.deepEqual(texts(await hub.all('/api/messages')), ['nossa'], 'the rest of the body is understood');
  assert.equal((await shop.all('/api/events')).length, 0);
  await hub.kill();
  await hub.start();
  await hub.patch('/api/sources/app', { accounts: { [SHOP]: 'shop/wa', [NEW]: 'shop/wa' } });
  await hub.post('/api/dead-letters/retry', {});
  await quiet(hub, shop);
  await until('the messages', async () => (await shop.all('/api/messages')).length === 2);
  assert.deepEqual(texts(await shop.all('/api/messages')), ['alô', 'quem é?']);
  assert.equal((await hub.all('/api/dead-letters')).length, 0);
  assert.equal((await hub.all('/api/messages')).length, 1);
});

test('who does not agree is not handed anything: nobody pulls, nobody pushes', async (t) => {
  const hub = await startHub(t), shop = await workspace(hub, 'shop'), thief = await workspace(hub, 'thief');
  await hub.apply({ sources: [receiver()] });
  // The thief names the shop's number in every way there is.
  await thief.apply({ sources: [taker({ numbers: [SHOP], name: 'wa' }), { name: 'app', kind: 'whatsapp-cloud', app_secret: 'of-the-thief', accounts: { [SHOP]: 'thief/wa', [OWN]: 'thief/wa' },
    accept_from: ['default/app', 'shop/wa'] }] });
  await app(hub, [change(SHOP, { messages: [say('wamid.1', '5511999990002', 'segredo')] })]);
  await quiet(hub, shop, thief);
  assert.equal((await thief.all('/api/events')).length, 0);
  assert.match((await hub.all('/api/dead-letters'))[0].reason ?? '', /shop\/wa is no whatsapp-cloud source that accepts from default\/app/);
  // The shop agrees: then it gets it, and the thief still nothing.
  await shop.apply({ sources: [taker()] });
  await hub.post('/api/dead-letters/retry', {});
  await until('the message', async () => (await shop.all('/api/messages')).length === 1);
  assert.equal((await thief.all('/api/events')).length, 0);
  // The thief pushes: by its own app, signed by its own secret.
  await thief.call('PATCH', '/api/sources/app', { accounts: { [SHOP]: 'shop/wa', [OWN]: 'default/app' } });
  const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes: [change(SHOP, { messages: [say('wamid.F', '5511999990009', 'falso')] }),
    change(OWN, { messages: [say('wamid.G', '5511999990009', 'falso')] })] }] });
  const pushed = await hub.call('POST', '/in/thief/app', body, { key: null, headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', 'of-the-thief').update(body).digest('hex')}` } });
  assert.equal(pushed.status, 200, pushed.text);
  await quiet(hub, shop, thief);
  assert.equal((await thief.all('/api/dead-letters')).length, 2);
  assert.deepEqual(texts([...await shop.all('/api/messages'), ...await hub.all('/api/messages')]), ['segredo']);
  // A source that only takes what is handed to it takes nothing at its path, signed or not.
  for (const secret of ['', 'x', WA_SECRET]) assert.equal((await hub.call('POST', '/in/shop/wa', body, { key: null,
    headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` } })).status, 401);
  // Disabled: kept until it is enabled.
  await hub.post('/api/workspaces/shop/disable');
  await app(hub, [change(SHOP, { messages: [say('wamid.2', '5511999990002', 'enquanto isso')] })]);
  await until('it to be kept', async () => /is disabled/.test((await hub.all('/api/dead-letters'))[0]?.reason ?? ''));
  await hub.post('/api/workspaces/shop/enable');
  await hub.post('/api/dead-letters/retry', {});
  await until('it to be there', async () => (await shop.all('/api/messages')).length === 2);
});

test('killed while it hands over: every message is there afterwards, once', async (t) => {
  const data = folder(t), hub = await startHub(t, { data }), shop = await workspace(hub, 'shop');
  await hub.apply({ sources: [receiver()] });
  await shop.apply({ sources: [taker()] });
  const ids = [];
  for (let round = 0; round < 4; round++) {
    const posts = Array.from({ length: 40 }, () => {
      const own = `wamid.${randomUUID()}`, other = `wamid.${randomUUID()}`;
      return app(hub, [change(OWN, { messages: [say(own, '5511999990001', own)] }), change(SHOP, { messages: [say(other, '5511999990002', other)] })])
        .then(() => ids.push([own, other]), () => {}); // not acknowledged: no promise
    });
    await Promise.all(posts.slice(0, 10 + round * 8));
    await hub.kill();
    await Promise.all(posts);
    await hub.start();
  }
  await quiet(hub, shop);
  const [ours, theirs] = [await hub.all('/api/messages'), await shop.all('/api/messages')].map((list) => list.map((m) => m.external_id));
  for (const [own, other] of ids) {
    assert.ok(ours.includes(own) && !ours.includes(other), own);
    assert.ok(theirs.includes(other) && !theirs.includes(own), other);
  }
  assert.ok(ids.length >= 40);
  assert.equal(new Set(theirs).size, theirs.length);
  assert.equal((await shop.all('/api/events')).length, theirs.length);
  assert.equal((await hub.all('/api/dead-letters')).length, 0);
});
