// api.test.mjs: the API and the commands: who may what, what is hidden from whom, and that no secret comes out anywhere.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { ADMIN_KEY, BIN, accepted, cakto, caktoSource, crm, folder, freePort, paidOrder, pixel, postWhatsapp, run,
  send, startHub, startMeta, startSink, startWhatsApp, toCrm, toPixel, until, waMessage, waSource, zap } from './hub.mjs';

const INGEST = 'ingest', READER = 'reader', OPERATOR = 'operator', ADMIN = 'admin', OPEN = 'open', PUBLIC = 'public';
// Every route and the least role that may call it; open: also without a key from this machine. A route that is missing here fails.
const ROUTES = {
  'GET /health': PUBLIC, 'GET /api/openapi.json': PUBLIC,
  'GET /health/detailed': OPEN, 'GET /status': OPEN, 'GET /metrics': OPEN,
  'GET /api/kinds': READER,
  'GET /api/sources': READER, 'POST /api/sources': ADMIN, 'GET /api/sources/{name}': READER, 'PUT /api/sources/{name}': ADMIN,
  'PATCH /api/sources/{name}': ADMIN, 'DELETE /api/sources/{name}': ADMIN, 'POST /api/sources/{name}/send': OPERATOR,
  'GET /api/destinations': READER, 'POST /api/destinations': ADMIN, 'GET /api/destinations/{name}': READER,
  'PUT /api/destinations/{name}': ADMIN, 'PATCH /api/destinations/{name}': ADMIN, 'DELETE /api/destinations/{name}': ADMIN,
  'POST /api/destinations/{name}/probe': OPERATOR, 'POST /api/destinations/{name}/pause': OPERATOR,
  'POST /api/destinations/{name}/resume': OPERATOR,
  'GET /api/routes': READER, 'POST /api/routes': ADMIN, 'GET /api/routes/{name}': READER, 'PUT /api/routes/{name}': ADMIN,
  'PATCH /api/routes/{name}': ADMIN, 'DELETE /api/routes/{name}': ADMIN, 'POST /api/apply': ADMIN, 'GET /api/export': ADMIN,
  'GET /api/events': READER, 'POST /api/events': INGEST, 'GET /api/events/stats': READER, 'GET /api/events/{id}': READER, 'POST /api/events/{id}/retry': OPERATOR,
  'POST /api/events/replay': OPERATOR, 'GET /api/requests': READER, 'GET /api/requests/{id}': READER, 'POST /api/requests/{id}/retry': OPERATOR, 'POST /api/requests/retry': OPERATOR,
  'GET /api/deliveries': READER, 'GET /api/deliveries/{id}': READER, 'POST /api/deliveries/{id}/retry': OPERATOR,
  'POST /api/deliveries/{id}/resend': OPERATOR, 'POST /api/deliveries/{id}/cancel': OPERATOR,
  'GET /api/dead-letters': READER, 'GET /api/dead-letters/stats': READER, 'POST /api/dead-letters/retry': OPERATOR,
  'POST /api/dead-letters/{id}/retry': OPERATOR, 'POST /api/dead-letters/{id}/archive': OPERATOR, 'DELETE /api/dead-letters/{id}': ADMIN,
  'GET /api/contacts': READER, 'GET /api/contacts/{id}': READER, 'GET /api/orders': READER, 'GET /api/orders/{number}': READER,
  'GET /api/messages': READER, 'POST /api/messages': OPERATOR, 'GET /api/messages/{id}': READER, 'GET /api/conversations': READER,
  'GET /api/conversations/{id}': READER, 'GET /api/tickets': READER, 'GET /api/tickets/{id}': READER,
  'POST /api/tickets/{id}/close': OPERATOR, 'POST /api/tickets/{id}/reopen': OPERATOR, 'POST /api/tickets/{id}/assign': OPERATOR,
  'GET /api/messages/search': READER, 'GET /api/messages/stats': READER,
  'GET /api/media': READER, 'POST /api/media': OPERATOR, 'GET /api/media/{id}': READER, 'GET /api/media/{id}/info': READER, 'POST /api/media/{id}/retry': OPERATOR,
  'POST /api/media/prune': ADMIN, 'GET /api/contacts/{id}/export': ADMIN, 'DELETE /api/contacts/{id}': ADMIN,
  'GET /api/numbers': READER, 'GET /api/templates': READER,
  'GET /api/campaigns': READER, 'POST /api/campaigns': OPERATOR, 'GET /api/campaigns/{id}': READER, 'DELETE /api/campaigns/{id}': OPERATOR,
  'GET /api/campaigns/{id}/recipients': READER, 'POST /api/campaigns/{id}/recipients': OPERATOR,
  'POST /api/campaigns/{id}/start': OPERATOR, 'POST /api/campaigns/{id}/resume': OPERATOR,
  'POST /api/campaigns/{id}/pause': OPERATOR, 'POST /api/campaigns/{id}/cancel': OPERATOR,
  'GET /api/workspaces': ADMIN, 'POST /api/workspaces': ADMIN, 'GET /api/workspaces/{name}': ADMIN, 'DELETE /api/workspaces/{name}': ADMIN,
  'POST /api/workspaces/{name}/disable': ADMIN, 'POST /api/workspaces/{name}/enable': ADMIN, 'POST /api/workspaces/{name}/key': ADMIN,
  'GET /api/stats': READER, 'GET /api/keys': ADMIN, 'POST /api/keys': ADMIN, 'DELETE /api/keys/{name}': ADMIN,
};
const RANK = { [INGEST]: 0, [READER]: 1, [OPERATOR]: 2, [ADMIN]: 3 };
// These are personal data throughout: whatever the role, a key without sight of it is told so.
const PERSONAL = ['GET /api/messages/search', 'GET /api/media/{id}', 'GET /api/contacts/{id}/export', 'DELETE /api/contacts/{id}'];
// A key for handing over requests can do nothing else, and who only reads may not hand over.
const may = (role, least) => (least === INGEST ? role !== READER : RANK[role] >= (RANK[least] ?? 1));
const plain = (path) => path.replace(/\{\w+\}/, 'nothing-of-that-name');
const withBody = (method) => (method === 'GET' || method === 'DELETE' ? undefined : {});

test('every route: without a key, with a wrong one, and with each role', async (t) => {
  const hub = await startHub(t);
  const described = await hub.get('/api/openapi.json', { key: null }), listed = [];
  assert.match(described.openapi, /^3\./);
  for (const [path, methods] of Object.entries(described.paths)) for (const [method, about] of Object.entries(methods)) {
    const name = `${method.toUpperCase()} ${path}`, role = ROUTES[name];
    listed.push(name);
    assert.ok(about.summary);
    if (!(role in RANK)) continue;
    assert.equal(about['x-role'], role, name);
    assert.deepEqual(about['x-roles'], Object.keys(RANK).filter((r) => may(r, role)), name);
  }
  assert.deepEqual(listed.sort(), Object.keys(ROUTES).sort());

  const keys = {};
  for (const role of Object.keys(RANK))
    keys[role] = (await hub.post('/api/keys', { name: `k-${role}`, role, rate_per_min: 0 })).key;
  for (const [name, least] of Object.entries(ROUTES)) {
    const [method, path] = name.split(' '), body = withBody(method);
    const status = async (options) => (await hub.call(method, plain(path), body, options)).status;
    const away = { key: null, headers: { 'x-forwarded-for': '203.0.113.9' } };
    assert.equal(await status({ key: null }) === 401, ![OPEN, PUBLIC].includes(least), `${name} without a key`);
    assert.equal(await status(away) === 401, least !== PUBLIC, `${name} without a key from elsewhere`);
    for (const role of Object.keys(RANK)) {
      const got = await status({ key: keys[role] });
      const allowed = least === PUBLIC || (may(role, least) && !PERSONAL.includes(name));
      assert.equal(got === 403, !allowed, `${name} as ${role}: ${got}`);
      assert.ok(got !== 401 && got !== 500, `${name} as ${role}: ${got}`);
    }
    // From an address of its own each: there are more routes than guesses that one address has.
    const guess = { key: 'wrong-key', headers: { 'x-forwarded-for': `198.51.100.${listed.indexOf(name) + 1}` } };
    if (least !== PUBLIC) assert.equal(await status(guess), 401, `${name} with a wrong key`);
  }
  const bearer = await hub.call('GET', '/api/v1/sources', undefined, { key: null, headers: { authorization: `Bearer ${keys.reader}` } });
  assert.equal(bearer.status, 200);
  const nothing = await hub.call('GET', '/api/nothing');
  assert.equal(nothing.status, 404);
  assert.equal(nothing.json.error.code, 'not_found');
  for (const [method, path, takes] of [['DELETE', '/api/events', 'GET, HEAD, POST'], ['BREW', '/api/v1/sources/x', 'GET, HEAD, PUT, PATCH, DELETE'],
    ['PUT', '/api/messages/stats', 'GET, HEAD'], ['PATCH', '/api/media/prune', 'GET, HEAD, POST'], ['GET', '/api/apply', 'POST']]) {
    const wrong = await hub.call(method, path);
    assert.deepEqual([wrong.status, wrong.headers.get('allow'), wrong.json.error.message], [405, takes, `this path takes ${takes}`], path);
  }
});

test('a parameter that a path does not know is named, and nothing is answered; each known one is taken', async (t) => {
  const hub = await startHub(t);
  const { paths } = await hub.get('/api/openapi.json');
  const error = async (path) => (await hub.call('GET', path)).json?.error;
  let asked = 0;
  for (const [path, { get }] of Object.entries(paths)) {
    const known = get?.parameters.filter((p) => p.in === 'query').map((p) => p.name) ?? [];
    if (known.length === 0) continue;
    const at = path.replace(/\{\w+\}/g, 'x'), unknown = await error(`${at}?${known[0]}=1&nam%C3%A9=x`);
    assert.equal(unknown.code, 'parameter_unknown', path);
    assert.match(unknown.message, /"namé"/);
    for (const name of known) assert.notEqual((await error(`${at}?${name}=1`))?.code, 'parameter_unknown', `${path} ${name}`);
    asked++;
  }
  assert.ok(asked > 10, `${asked} paths`);
  assert.equal((await hub.call('POST', '/api/apply?dryrun=true', { sources: [] })).json.error.code, 'parameter_unknown');
});

// Everything a caller can read, as one text: each GET route with every name and id that exists.
async function everything(hub, key) {
  const texts = [];
  const take = async (path) => {
    const answer = await hub.call('GET', path, undefined, { key });
    texts.push(`${path}\n${answer.text}`);
    return answer.json?.items ?? [];
  };
  for (const name of Object.keys(ROUTES)) {
    const [method, path] = name.split(' ');
    if (method !== 'GET' || path.includes('{')) continue;
    const items = await take(path);
    for (const item of items) {
      if (ROUTES[`GET ${path}/{id}`] && item.id) await take(`${path}/${item.id}`);
      if (ROUTES[`GET ${path}/{name}`] && item.name) await take(`${path}/${item.name}`);
      if (path === '/api/orders') await take(`${path}/${encodeURIComponent(item.order?.number ?? item.number)}`);
    }
  }
  await take('/api/dead-letters?archived=true');
  for (const { listens_on: at } of (await hub.get('/api/sources', { key })).items) if (at) await take(`${at}/stats`);
  return texts.join('\n\n');
}

test('personal data: masked for a key that may not see it, shown to the admin, never in the log', async (t) => {
  const sink = await startSink(t), meta = await startMeta(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource(), { name: 'site', kind: 'lead', path: '/api/lead', write_key: 'wk_site', origins: ['*'] }],
    destinations: [crm(sink), pixel(meta)], routes: [toCrm(), toPixel({ on: ['*'], from: undefined })] });
  const person = ['Zuleica', 'Marcante', 'zuleica.marcante@example.com', '11988887777', '52998224725', 'Itapecerica', '8.8.4.4', 'Agente-Marcante',
    'fb.1.1700000000000.IwMarcante'];
  await accepted(hub, paidOrder('pessoa-1', (data) => Object.assign(data.customer, { name: 'Zuleica Marcante',
    email: 'Zuleica.Marcante@Example.com', phone: '5511988887777', docNumber: '52998224725' })));
  const lead = await hub.call('POST', '/api/lead', { id: '17', name: 'Zuleica Marcante', email: 'zuleica.marcante@example.com', city: 'Itapecerica',
    phone: '5511988887777', fbc: 'fb.1.1700000000000.IwMarcante', note: 'Marcante was here' }, { key: null,
    headers: { 'x-write-key': 'wk_site', 'x-forwarded-for': '8.8.4.4', 'user-agent': 'Agente-Marcante/1.0' } });
  assert.equal(lead.status, 200, lead.text);
  await accepted(hub, cakto('constructed-checkout-abandonment', (data) => Object.assign(data, { customerName: 'Zuleica Marcante',
    customerEmail: 'zuleica.marcante@example.com', customerCellphone: '5511988887777' })));
  await send(hub, '{"customer":"zuleica.marcante@example.com", broken');
  await hub.deliveries('crm', 'delivered', 3);
  await hub.deliveries('pixel', 'delivered', 3);

  const { key } = await hub.post('/api/keys', { name: 'eyes', role: 'reader', rate_per_min: 0 });
  const { key: trusted } = await hub.post('/api/keys', { name: 'trusted', role: 'reader', rate_per_min: 0, personal_data: true });
  const masked = await everything(hub, key), open = await everything(hub, ADMIN_KEY), eyes = await everything(hub, trusted);
  for (const word of person) {
    const at = masked.toLowerCase().indexOf(word.toLowerCase());
    assert.ok(at < 0, `${word} is shown: …${masked.slice(Math.max(0, at - 300), at + 60)}…`);
    assert.ok(open.toLowerCase().includes(word.toLowerCase()), `${word} is hidden from the admin`);
    assert.ok(eyes.toLowerCase().includes(word.toLowerCase()), `${word} is hidden from a key that may see it`);
    assert.ok(!(hub.err + hub.out).toLowerCase().includes(word.toLowerCase()), `${word} is in the log`);
  }
  assert.match(masked, /\*\*\*/);
  assert.match(masked, /pessoa-1/, 'orders are no secret');
});

// A hub whose `default` holds one of everything, by the names and ids under which it is asked for.
async function filled(t) {
  const sink = await startSink(t), wa = await startWhatsApp(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource(), waSource()], destinations: [crm(sink), zap(wa),
    { name: 'nowhere', kind: 'http', url: 'http://127.0.0.1:1/', secret: 'a-secret-of-nowhere-0123456789', retries: ['50ms'] }],
  routes: [toCrm({ from: 'cakto' }), { name: 'to-nowhere', from: 'cakto', on: ['order.*'], to: 'nowhere' }] });
  await accepted(hub, paidOrder('pedido-1', (d) => Object.assign(d.customer, { name: 'Zuleica Marcante', email: 'zuleica@example.com' })));
  await postWhatsapp(hub, [waMessage('image', { id: '1001', mime_type: 'image/jpeg', sha256: 'x' }, { from: '5511988887777' })]);
  await hub.post('/api/keys', { name: 'eyes', role: 'reader' });
  const campaign = await hub.post('/api/campaigns', { name: 'inverno', template: { name: 'oferta', language: 'pt_BR', parameters: ['{{nome}}'] } });
  await hub.post(`/api/campaigns/${campaign.id}/recipients`, { recipients: [{ to: '+5511988887777', nome: 'Zuleica' }] });
  await hub.deliveries('nowhere', 'dead', 1);
  await hub.deliveries('crm', 'delivered', 1);
  await until('the file to be given up', async () => (await hub.get('/api/media')).items[0]?.state === 'failed');
  return { sink, wa, hub };
}

test('every route: the key of another workspace finds nothing of this one, and changes nothing', async (t) => {
  const { hub, sink, wa } = await filled(t);
  const shop = (await hub.post('/api/workspaces', { name: 'shop' })).admin_key.key, as = { key: shop };
  const all = async (path) => (await hub.all(path)).map((item) => item.id ?? item.name);
  const lists = { '/api/sources': ['cakto', 'wa'], '/api/destinations': ['crm', 'zap', 'nowhere'], '/api/routes': ['all-to-crm'], '/api/keys': ['eyes'],
    '/api/orders': ['pedido-1'], '/api/workspaces': ['default', 'shop', 'nothing'] };
  for (const path of ['events', 'requests', 'deliveries', 'dead-letters', 'contacts', 'messages', 'media', 'conversations', 'tickets', 'campaigns']) {
    lists[`/api/${path}`] = await all(`/api/${path}`);
    assert.ok(lists[`/api/${path}`].length > 0, `there is one of ${path}`);
  }
  const before = await everything(hub, ADMIN_KEY), sent = sink.events().length;
  const bodies = { 'POST /api/tickets/{id}/assign': { assignee: 'eve' }, 'POST /api/campaigns/{id}/recipients': { recipients: [{ to: '+5511977776666', nome: 'Eve' }] } };
  let asked = 0;
  for (const name of Object.keys(ROUTES)) {
    const [method, path] = name.split(' ');
    if (!path.includes('{')) continue;
    for (const id of lists[path.slice(0, path.indexOf('/{'))]) {
      const answer = await hub.call(method, path.replace(/\{\w+\}/, id), bodies[name] ?? withBody(method), as);
      assert.equal(answer.status, path.startsWith('/api/workspaces') ? 403 : 404, `${name} of ${id}: ${answer.text}`);
      assert.doesNotMatch(answer.text, /Zuleica|Marcante|zuleica|988887777/, name);
      asked++;
    }
  }
  assert.ok(asked > 50, `${asked} were asked for`);
  /* ids and names of this workspace inside calls of the other */
  const [contact] = lists['/api/contacts'], [conversation] = lists['/api/conversations'], [file] = lists['/api/media'];
  await hub.post('/api/destinations', zap(wa, { name: 'own' }), as);
  const header = (media) => [{ type: 'header', parameters: [{ type: 'image', image: { media } }] }];
  for (const [method, path, body, ...statuses] of [
    ['POST', '/api/events?source=cakto', { a: 1 }, 404], ['POST', '/api/events/replay', { source: 'cakto' }, 404], ['POST', '/api/requests/retry', { source: 'cakto' }, 404],
    ['POST', '/api/messages', { contact, type: 'text', text: 'x' }, 404], ['POST', '/api/messages', { to: '+5511977776666', type: 'text', text: 'x', destination: 'zap' }, 404],
    ['POST', '/api/messages', { to: '+5511977776666', type: 'image', image: { media: file } }, 400, 404, 409],
    ['POST', '/api/messages', { to: '+5511977776666', type: 'template', template: { name: 'o', language: 'pt_BR', components: header(file) } }, 400, 404, 409],
    ['POST', '/api/messages', { to: '+5511977776666', type: 'interactive', interactive: { type: 'button', header: header(file)[0].parameters[0], body: { text: 'x' },
      action: { buttons: [{ type: 'reply', reply: { id: 'a', title: 'b' } }] } } }, 400, 404, 409],
    ['POST', '/api/campaigns', { name: 'x', template: { name: 'o', language: 'pt_BR', components: header(file) } }, 400, 404, 409],
    ['POST', '/api/routes', { name: 'r', on: ['*'], to: 'crm' }, 404], ['POST', '/api/routes', { name: 'r', from: 'cakto', on: ['*'], to: 'own' }, 404],
    ['POST', '/api/apply', { routes: [{ name: 'r', on: ['*'], to: 'crm' }] }, 404], ['POST', '/api/campaigns', { name: 'x', destination: 'zap', template: { name: 'o', language: 'pt_BR' } }, 404],
    ['GET', '/api/events?source=cakto', undefined, 404], ['GET', '/api/deliveries?destination=crm', undefined, 404],
    ['GET', '/api/webhook-cakto/stats', undefined, 404], ['GET', '/metrics', undefined, 403], ['POST', '/api/workspaces', { name: 'mine' }, 403], ['GET', '/api/workspaces', undefined, 403]]) {
    const answer = await hub.call(method, path, body, as);
    assert.ok(statuses.includes(answer.status), `${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
  }
  for (const query of [`messages?contact=${contact}`, `messages?conversation=${conversation}`, `tickets?conversation=${conversation}`, `tickets?contact=${contact}`, `conversations?contact=${contact}`,
    'contacts?email=zuleica@example.com', 'messages/search?q=a', 'dead-letters?kind=delivery'])
    assert.deepEqual((await hub.call('GET', `/api/${query}`, undefined, as)).json?.items ?? [], [], query);
  await hub.post('/api/dead-letters/retry', {}, as);
  await hub.post('/api/events/replay', { all: true }, as);
  assert.deepEqual(await hub.post('/api/requests/retry', {}, as), { dry_run: false, requests: 0, events: 0, duplicates: 0, unread: 0 });
  await hub.call('POST', '/api/media/prune', { older_than: '1s' }, as);
  await hub.post('/api/apply?prune=true', { sources: [], destinations: [], routes: [] }, as);
  /* nothing of it is seen there, by any list, figure or state; and all is here as it was */
  const parts = (text) => text.split('\n\n').filter((part) => !/^\/api\/(kinds|openapi)/.test(part));
  const seen = parts(await everything(hub, shop)).join('\n\n');
  for (const word of ['Zuleica', 'Marcante', 'zuleica', '988887777', 'pedido-1', 'cakto', 'nowhere', '"crm"', '"zap"', 'inverno', 'eyes', 'wamid', '/in/default'])
    assert.ok(!seen.includes(word), `${word}: …${seen.slice(Math.max(0, seen.indexOf(word) - 200), seen.indexOf(word) + 40)}…`);
  const figures = await hub.get('/api/stats', as);
  assert.deepEqual([figures.last_hour.requests, figures.last_hour.events, figures.since_start], [0, 0, undefined]);
  assert.equal(sink.events().length, sent);
  assert.equal(wa.events().length, 0);
  const calm = (text) => parts(text).filter((part) => !/^\/(metrics|status|health|api\/(stats|events\/stats|workspaces))|\/stats\n/.test(part));
  assert.deepEqual(calm(await everything(hub, ADMIN_KEY)), calm(before));
});

// A server that says back everything it was sent, as careless ones do.
async function startEcho(t, status) {
  const server = http.createServer((req, res) => {
    let body = '';
    req.on('data', (bytes) => { body += bytes; });
    req.on('end', () => {
      const heard = `${JSON.stringify(req.rawHeaders)} ${body}`.replace(/"/g, '\'');
      res.writeHead(status, { 'content-type': 'application/json', 'x-echo': String(req.headers.authorization ?? '') });
      res.end(JSON.stringify({ error: { message: `Malformed access token ${req.headers.authorization} heard: ${heard}`, code: 100 } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}`;
}

for (const log of ['text', 'json'])
  test(`no secret comes out: not by the API, the log (${log}), errors, probes, attempts, metrics, nor the commands`, async (t) => {
    const dir = folder(t);
    const S = Object.fromEntries(['cakto', 'cakto2', 'http', 'meta', 'app', 'sink', 'header', 'old', 'guess', 'query', 'wrong']
      .map((name) => [name, `PLANTED-${name}-5up3r/secret+x=`]));
    S.sink = `whsec_${Buffer.from('PLANTED-sink-secret-012345').toString('base64')}`;
    const admin = 'PLANTED-admin-key-0123456789abcdef', master = Buffer.from('PLANTED-master-key-0123456789abc').toString('base64');
    const hub = await startHub(t, { env: { MALOTE_ADMIN_KEY: admin, MALOTE_LOG: log, MALOTE_MASTER_KEY: master } });
    const asAdmin = { key: admin }, apply = (config) => hub.post('/api/apply', config, asAdmin);
    const good = await startEcho(t, 200), bad = await startEcho(t, 400), no = await startEcho(t, 401), sick = await startEcho(t, 500);
    const heard = [];
    const call = async (...args) => { const answer = await hub.call(...args); heard.push(answer.text, JSON.stringify([...answer.headers])); return answer; };
    const once50 = { retries: ['50ms'] };
    const destinations = Object.entries({ good, bad, no, sick }).flatMap(([name, base]) => [
      { name: `meta-${name}`, kind: 'meta-capi', pixel_id: '123456789', access_token: S.meta, app_secret: S.app, base_url: base, linger_ms: 0, ...once50 },
      { name: `http-${name}`, kind: 'http', url: `${base}/hooks`, secret: [S.sink], secret_headers: [`X-Token: ${S.header}`], ...once50 }]);
    await apply({ sources: [caktoSource({ secret: [S.cakto, S.cakto2] }), { name: 'byquery', kind: 'http', scheme: 'token', secret: S.query, query: 'token', type: 'order.paid' },
      { name: 'byheader', kind: 'http', scheme: 'token', secret: S.http, header: 'X-Key', type: 'order.paid', path: '/in/byheader' }],
    destinations, routes: destinations.map((d) => ({ name: `to-${d.name}`, on: ['order.*'], to: d.name })) });

    // what comes in with a secret in it
    await accepted(hub, paidOrder('planted-1', (d, m) => { m.secret = S.cakto; }), { plain: true });
    await accepted(hub, paidOrder('planted-2', (d, m) => { m.secret = S.cakto2; d.customer.name = `my ${S.cakto}`; }), { plain: true });
    await accepted(hub, paidOrder('planted-3'), { secret: S.cakto });
    await call('POST', '/api/webhook-cakto', { secret: S.wrong, event: 'x' }, { key: null });
    assert.equal((await call('POST', `/in/default/byquery?token=${encodeURIComponent(S.query)}&x=1`, { a: 1 }, { key: null })).status, 200);
    assert.equal((await call('POST', '/in/byheader', { b: 1 }, { key: null, headers: { 'x-key': S.http } })).status, 200);
    await call('POST', `/in/default/byquery?token=${encodeURIComponent(S.wrong)}`, { a: 1 }, { key: null });
    const ended = async (names, good) => {
      const all = await hub.all('/api/deliveries', asAdmin);
      return all.length === 40 && names.every((name) => good(all.filter((d) => d.destination === name)));
    };
    const names = destinations.map((d) => d.name);
    await until('an attempt at each destination', () => ended(names, (list) => list.some((d) => d.reason || d.state === 'delivered')));
    for (const name of names) await hub.post(`/api/destinations/${name}/pause`, {}, asAdmin); // what is tried again need not be waited for
    await until('the deliveries to end', () => ended(names, (list) => list.every((d) => !['leased', 'waiting'].includes(d.state))));
    for (const d of destinations) await call('POST', `/api/destinations/${d.name}/probe`, {}, asAdmin);
    // errors about secrets
    for (const body of [{ name: 'e1', kind: 'cakto', secret: { a: S.wrong } }, { name: 'e2', kind: 'http', url: good, secret: `whsec_${S.wrong}!` },
      { name: 'e3', kind: 'http', url: good, secret_headers: [`No colon ${S.wrong}`] }, { name: 'e4', kind: 'http', url: good, secret_headers: [`A: b\n${S.wrong}`] },
      { name: 'e5', kind: 'meta-capi', pixel_id: S.wrong, access_token: 7 }, { name: 'e6', kind: 'meta-capi', pixel_id: '1', access_token: `x ${S.wrong}\n` },
      { name: 'e7', kind: 'cakto', secret: [S.wrong, ''] }, { name: 'e8', kind: 'http', url: good, secret: S.wrong.repeat(1000) }])
      if (!('pixel_id' in body && body.pixel_id === S.wrong)) for (const at of ['/api/sources', '/api/destinations']) await call('POST', at, body, asAdmin);
    await call('GET', '/api/sources', undefined, { key: S.guess });
    await call('GET', '/api/sources', undefined, { key: null, headers: { authorization: `Basic ${S.guess}` } });
    // rotation: the old one must not come to light either
    await call('PATCH', '/api/destinations/http-good', { secret: S.old, secret_headers: [`X-Token: ${S.old}`] }, asAdmin);
    await call('PATCH', '/api/destinations/http-good', { secret_headers: [`X-Token: ${S.header}`] }, asAdmin);

    heard.push(await everything(hub, admin));
    const env = { MALOTE_API_KEY: admin };
    for (const args of [['export'], ['sources', '--json'], ['sources', 'cakto'], ['destinations', '--json'], ['destinations', 'meta-bad'], ['deliveries', '--json'],
      ['requests', '--json'], ['dead-letters'], ['health'], ['status'], ['key', 'list'], ['kinds'], ['check'], ['probe', 'http-bad'], ['send', 'cakto', '--json']]) {
      const { out, err } = await hub.cli(args, { env });
      heard.push(out, err);
    }
    const made = await hub.post('/api/keys', { name: 'fresh', role: 'reader' }, asAdmin);
    heard.push(await hub.get('/api/keys', asAdmin).then(JSON.stringify));
    await hub.stop();
    heard.push(hub.err, hub.out);
    const all = heard.join('\n');
    const forms = (secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64'),
      secret.replace(/^whsec_/, ''), secret.replaceAll('/', '\\/')];
    const leaks = [];
    for (const [name, secret] of Object.entries({ ...S, admin, master, made: made.key }))
      for (const form of new Set(forms(secret))) {
        const at = all.indexOf(form);
        if (at >= 0) leaks.push(`${name}: …${all.slice(Math.max(0, at - 200), at + form.length + 20)}…`);
      }
    assert.deepEqual(leaks, []);
    // at rest: what only the hub itself has to know is sealed
    for (const file of readdirSync(hub.data).filter((name) => name.startsWith('malote.db'))) {
      const bytes = readFileSync(join(hub.data, file)).toString('latin1');
      for (const name of ['meta', 'app', 'sink', 'header']) assert.ok(!bytes.includes(S[name]), `${name} stands in ${file}`);
      assert.ok(!bytes.includes(admin));
    }
  });

test('a secret in a kept request is masked however the platform wrote it: in JSON, in a form, one in another', async (t) => {
  const hub = await startHub(t), secret = 'PLANTED/with+odd="s1gns"', twin = 'ção-PLANTED/2';
  await hub.apply({ sources: [{ name: 'shop', kind: 'http', scheme: 'token', secret: [secret, twin], header: 'X-Key', type: 'order.paid', path: '/in/shop' }] });
  const every = (text) => [...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  for (const s of [secret, twin])
    for (const body of [JSON.stringify({ s }), JSON.stringify({ s }).replaceAll('/', '\\/'), `{"s":"${every(s)}","t":1}`,
      JSON.stringify({ inner: JSON.stringify({ s }).replaceAll('/', '\\/') }), new URLSearchParams({ s, t: 'x' }).toString(),
      `s=${encodeURIComponent(s)}&t=x`, new URLSearchParams({ payload: JSON.stringify({ s }).replaceAll('/', '\\/') }).toString()]) {
      const answer = await hub.call('POST', `/in/shop?k=${encodeURIComponent(s)}&l=2`, body, { key: null, headers: { 'x-key': secret, referer: `https://x/?${new URLSearchParams({ s })}` } });
      assert.equal(answer.status, 200, answer.text);
      const shown = await hub.get(`/api/requests/${answer.json.request}`);
      for (const part of ['body', 'query', 'headers']) {
        assert.doesNotMatch(shown[part], /PLANTED|u0050|s1gns/i, `${part} of ${body}`);
        assert.match(shown[part], /\*\*\*/, `${part} of ${body}`);
      }
      assert.equal(shown.query, 'k=***&l=2');
    }
});

test('lists are paged by cursor, newest first', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm()] });
  for (let i = 0; i < 7; i++) await accepted(hub, paidOrder(`page-${i}`, (d) => { d.customer = { email: `p${i}@example.com` }; }));
  await hub.deliveries('crm', 'delivered', 7);
  for (const path of ['/api/events', '/api/requests', '/api/deliveries', '/api/contacts', '/api/orders']) {
    const ids = [];
    let pages = 0;
    for (let cursor = ''; ; pages++) {
      const page = await hub.get(`${path}?limit=3${cursor && `&cursor=${cursor}`}`);
      ids.push(...page.items.map((i) => i.id));
      if (!page.next) break;
      cursor = page.next;
    }
    assert.equal(pages, 2, path);
    assert.equal(new Set(ids).size, 7, path);
    assert.deepEqual(ids, [...ids].sort().reverse(), path);
    for (const query of ['limit=0', 'limit=201', 'limit=x', 'cursor=nonsense']) assert.equal((await hub.call('GET', `${path}?${query}`)).status, 400, `${path}?${query}`);
  }
  const [newest] = (await hub.get('/api/events?limit=1')).items;
  assert.equal((await hub.get('/api/events?type=order.paid&source=cakto&state=done&since=1h')).items.length, 7);
  assert.equal((await hub.get(`/api/events?since=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`)).items.length, 0);
  assert.equal((await hub.call('GET', '/api/events?source=nobody')).status, 404);
  assert.equal((await hub.call('GET', '/api/events?state=odd')).status, 400);
  assert.equal((await hub.get('/api/contacts?email=p3@example.com')).items.length, 1);
  assert.equal((await hub.get('/api/orders?status=paid')).items.length, 7);
  const event = await hub.get(`/api/events/${newest.id}`);
  assert.equal(event.deliveries.length, 1);
  assert.equal(event.data.order.number, 'page-6');
});

test('PUT and PATCH keep secrets that are not given; names and kinds; what is in use is not deleted', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm({ from: 'cakto' })] });
  const call = async (method, path, body) => (await hub.call(method, path, body)).status;
  assert.deepEqual((await hub.get('/api/destinations/crm')).secrets_set, ['secret']);
  await hub.patch('/api/destinations/crm', { timeout: '2s' });
  const put = await hub.call('PUT', '/api/destinations/crm', { url: `${sink.base}/put`, retries: ['50ms'] });
  assert.equal(put.status, 200, put.text);
  assert.equal(put.json.timeout, undefined, 'PUT replaces what is no secret');
  assert.deepEqual(put.json.secrets_set, ['secret']);
  await hub.patch('/api/sources/cakto', { rate_per_min: 100_000 });
  await accepted(hub, paidOrder());
  await hub.delivery('crm', 'delivered');
  assert.equal(sink.stats().rejected.length, 0, 'still signed by the same secret');
  assert.equal(sink.events()[0].url, '/put');

  assert.equal(await call('POST', '/api/destinations', { name: 'crm', kind: 'http', url: sink.base }), 409);
  assert.equal(await call('PATCH', '/api/destinations/crm', { kind: 'meta-capi' }), 400);
  assert.equal(await call('PATCH', '/api/destinations/crm', { colour: 'red' }), 400);
  assert.equal(await call('PATCH', '/api/destinations/nobody', { timeout: '1s' }), 404);
  assert.equal(await call('DELETE', '/api/destinations/crm'), 409);
  assert.equal(await call('DELETE', '/api/sources/cakto'), 409);
  assert.equal(await call('DELETE', '/api/routes/all-to-crm'), 200);
  assert.equal(await call('DELETE', '/api/routes/all-to-crm'), 404);
  await hub.post('/api/destinations/crm/pause');
  assert.equal(await call('DELETE', '/api/destinations/crm'), 200);
  assert.equal(await call('DELETE', '/api/sources/cakto'), 200);
  assert.equal((await send(hub, paidOrder())).status, 404);
  assert.equal((await hub.get('/api/events')).items.length, 1, 'what it received stays');
  const [request] = (await hub.get('/api/requests')).items;
  assert.equal((await hub.get(`/api/requests/${request.id}`)).body, undefined, 'its secrets could not be masked any more');
  // renaming
  await hub.apply({ destinations: [crm(sink)] });
  assert.equal((await hub.patch('/api/destinations/crm', { name: 'crm-two' })).name, 'crm-two');
  assert.equal(await call('GET', '/api/destinations/crm'), 404);
  // a source that is switched off
  await hub.apply({ sources: [caktoSource({ enabled: false })] });
  assert.equal((await send(hub, paidOrder())).status, 404);
});

test('probe, keys', async (t) => {
  const sink = await startSink(t), meta = await startMeta(t), hub = await startHub(t);
  await hub.apply({ destinations: [crm(sink), pixel(meta, { test_event_code: 'TEST1' })] });
  for (const name of ['crm', 'pixel']) {
    const probe = await hub.post(`/api/destinations/${name}/probe`);
    assert.equal(probe.ok, true, JSON.stringify(probe));
    assert.equal(probe.status, 200);
  }
  sink.mode('unauthorised');
  const no = await hub.post('/api/destinations/crm/probe');
  assert.deepEqual([no.ok, no.status, no.verdict], [false, 401, 'unauthorised']);
  assert.equal((await hub.get('/api/destinations/crm')).state, 'ok', 'a probe holds nothing');
  assert.equal((await hub.call('POST', '/api/destinations/nobody/probe', {})).status, 404);

  const { key } = await hub.post('/api/keys', { name: 'one', role: 'reader' });
  assert.match(key, /^mlt_[\w-]{43}$/);
  assert.equal((await hub.call('POST', '/api/keys', { name: 'one', role: 'reader' })).status, 409);
  for (const body of [{ role: 'reader' }, { name: 'x', role: 'king' }, { name: 'x', role: 'reader', rate_per_min: -1 }, { name: 'y'.repeat(65), role: 'reader' }])
    assert.equal((await hub.call('POST', '/api/keys', body)).status, 400, JSON.stringify(body));
  assert.equal((await hub.call('GET', '/api/events', undefined, { key })).status, 200);
  const listed = await hub.get('/api/keys');
  assert.deepEqual(listed.items.map((k) => k.name).sort(), ['admin', 'one']);
  assert.doesNotMatch(JSON.stringify(listed), /mlt_/);
  assert.equal((await hub.call('DELETE', '/api/keys/one')).status, 200);
  assert.equal((await hub.call('GET', '/api/events', undefined, { key })).status, 401);
  assert.equal((await hub.call('DELETE', '/api/keys/one')).status, 404);
});

test('figures: stats, a source\'s own, health, status, metrics', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm()] });
  const message = paidOrder();
  for (let i = 0; i < 3; i++) await accepted(hub, message);
  await accepted(hub, '{');
  assert.equal((await send(hub, paidOrder(), { secret: 'wrong' })).status, 401);
  await hub.delivery('crm', 'delivered');
  const { last_hour: hour, since_start: start } = await hub.get('/api/stats');
  assert.deepEqual([hour.requests, hour.events, hour.duplicates, hour.unreadable, hour.interpreted, hour.failed], [4, 1, 2, 1, 1, 0]);
  assert.deepEqual([start.deliveries_created, start.deliveries_delivered, start.attempts, start.requests_denied], [1, 1, 1, 1]);
  assert.deepEqual(Object.keys(await hub.get('/api/events/stats')), Object.keys(await hub.get('/api/stats')));
  const own = await hub.get('/api/webhook-cakto/stats', { key: null });
  assert.deepEqual([own.source, own.health, own.since_start.accepted, own.since_start.denied, own.since_start.duplicates, own.since_start.unreadable],
    ['cakto', 'ok', 4, 1, 2, 1]);
  assert.equal(own.last_events.length, 1);
  const health = await hub.get('/health/detailed');
  assert.equal(health.status, 'ok');
  for (const part of ['store', 'writer', 'disk', 'destination:crm']) assert.equal(health.parts[part].status, 'ok', part);
  const status = await hub.get('/status');
  assert.deepEqual(status.destinations.map((d) => [d.name, d.state]), [['crm', 'ok']]);
  assert.ok(status.uptime_s >= 0 && status.version);

  const seen = new Map(), types = new Map();
  for (const line of (await hub.get('/metrics')).trimEnd().split('\n')) {
    const about = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line);
    if (about) { if (about[1] === 'TYPE') { assert.ok(!types.has(about[2]), line); types.set(about[2], about[3]); } continue; }
    const sample = /^([a-z_]+)(\{[a-z_]+="[^"\n]*"(?:,[a-z_]+="[^"\n]*")*\})? (-?[\d.e+-]+|\+Inf|NaN)$/.exec(line);
    assert.ok(sample, `no sample: ${line}`);
    const family = types.has(sample[1]) ? sample[1] : sample[1].replace(/_(bucket|sum|count)$/, '');
    assert.ok(types.has(family), `no TYPE before ${line}`);
    assert.ok(!seen.has(sample[1] + (sample[2] ?? '')), `twice: ${line}`);
    seen.set(sample[1] + (sample[2] ?? ''), Number(sample[3]));
  }
  for (const [name, type] of types) if (type === 'counter') assert.match(name, /_total$/);
  assert.equal(seen.get('malote_requests_accepted_total'), 4);
  assert.equal(seen.get('malote_events_duplicate_total'), 2);
  assert.equal(seen.get('malote_deliveries_delivered_total'), 1);
});

test('commands: exit codes, --json, send, check, key, export', async (t) => {
  const sink = await startSink(t), hub = await startHub(t), dir = folder(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm()] });
  const cli = async (code, ...args) => {
    const done = await hub.cli(args);
    assert.equal(done.code, code, `malote ${args.join(' ')}: ${done.out}${done.err}`);
    return code === 0 ? done.out : done.err;
  };
  assert.match(await cli(0, 'version'), /^malote \d+\.\d+\.\d+/);
  assert.match(await cli(0, 'help'), /usage: malote COMMAND/);
  assert.match(await cli(0, 'help', 'apply'), /usage: malote apply/);
  assert.match(await cli(0, 'apply', '--help'), /usage: malote apply/);
  for (const args of [['nonsense'], ['apply'], ['apply', 'a', 'b'], ['events', '--colour', 'red'], ['events', '--limit'], ['send'], ['key', 'frobnicate'],
    ['help', 'nonsense'], ['serve', '--threads', 'many']]) await cli(2, ...args);
  assert.equal((await run([])).code, 2);

  const sent = JSON.parse(await cli(0, 'send', 'cakto', 'purchase_approved', '--json'));
  assert.equal(sent.status, 200);
  assert.equal(sent.answer.events, 1);
  const delivery = await hub.delivery('crm', 'delivered');
  await cli(1, 'send', 'nobody');
  await cli(1, 'send', 'cakto', 'no_such_event_here');
  for (const args of [['sources'], ['destinations'], ['routes'], ['kinds'], ['events'], ['requests'], ['deliveries'], ['dead-letters'], ['dead-letters', 'stats'], ['contacts'],
    ['orders'], ['stats'], ['status'], ['health'], ['key', 'list'], ['events', delivery.event], ['deliveries', delivery.id], ['sources', 'cakto'], ['probe', 'crm'],
    ['pause', 'crm'], ['resume', 'crm'], ['resend', delivery.id], ['replay', '--source', 'cakto', '--dry-run'], ['replay', '--unread', '--source', 'cakto'], ['retry-dead'], ['events', '--limit', '1', '--type', 'order.paid']]) {
    assert.equal(typeof JSON.parse(await cli(0, ...args, '--json')), 'object', args.join(' '));
    assert.ok((await cli(0, ...args)).length > 0);
  }
  for (const args of [['sources', 'nobody'], ['events', 'evt_nothing'], ['retry', delivery.id.replace(/.$/, '_')], ['cancel', delivery.id], ['archive', delivery.id], ['replay', '--since', 'soon']])
    await cli(1, ...args);
  const table = (await cli(0, 'sources')).split('\n');
  assert.match(table[0], /^name\s+kind\s+listens_on/);
  assert.ok(table.some((line) => /^cakto\s+cakto\s+\/api\/webhook-cakto/.test(line)));

  const made = JSON.parse(await cli(0, 'key', 'add', 'robot', '--role', 'operator', '--rate-per-min', '5', '--json'));
  assert.equal((await hub.call('GET', '/api/events', undefined, { key: made.key })).status, 200);
  assert.match(await cli(0, 'key', 'list'), /robot\s+operator\s+5/);
  await cli(0, 'key', 'delete', 'robot');
  await cli(1, 'key', 'delete', 'robot');
  await cli(1, 'key', 'add', 'robot', '--role', 'king');

  const file = join(dir, 'export.json');
  writeFileSync(file, await cli(0, 'export'));
  const again = await cli(0, 'apply', file);
  assert.match(again, /unchanged\s+destination\s+crm/);
  assert.doesNotMatch(again, /^(create|change|delete)/m);
  const pruned = join(dir, 'pruned.yaml');
  writeFileSync(pruned, 'sources: []\n');
  assert.match(await cli(0, 'apply', pruned, '--prune', '--dry-run'), /delete\s+destination\s+crm/);
  assert.equal((await hub.get('/api/destinations')).items.length, 1);
  await cli(0, 'apply', pruned, '--prune');
  assert.deepEqual([...(await hub.get('/api/sources')).items, ...(await hub.get('/api/destinations')).items].map((s) => s.name), ['malote']);

  const elsewhere = { MALOTE_URL: `http://127.0.0.1:${await freePort()}` };
  const lost = await hub.cli(['events'], { env: elsewhere });
  assert.equal(lost.code, 1);
  assert.match(lost.err, /no hub answers/);
  const stranger = await hub.cli(['events'], { env: { MALOTE_API_KEY: 'wrong-key-altogether-000000' } });
  assert.equal(stranger.code, 1);
  const nobody = await hub.cli(['events'], { env: { MALOTE_API_KEY: '', MALOTE_ADMIN_KEY: '' } });
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /MALOTE_API_KEY/);

  const yaml = join(dir, 'ok.yaml');
  writeFileSync(yaml, 'sources: [{ name: a, kind: cakto, secret: x }]\n');
  assert.match(await cli(0, 'check', yaml), /is readable/);
  writeFileSync(yaml, 'sources: [\n');
  assert.match(await cli(1, 'check', yaml), /ok\.yaml:\d+:\d+/);
  assert.match(await cli(0, 'check'), /database ok/);
  assert.equal((await run(['check'], { env: { MALOTE_DATA: join(dir, 'nowhere') } })).code, 1);
  const wrongKey = await hub.cli(['check'], { env: { MALOTE_MASTER_KEY: Buffer.alloc(32, 9).toString('base64') } });
  assert.equal(wrongKey.code, 0, 'nothing is left that a key must open');
});

test('listen prints events as they come', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()] });
  const child = spawn(BIN, ['listen'], { env: { ...process.env, ...hub.env, MALOTE_API_KEY: ADMIN_KEY }, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', (bytes) => { out += bytes; });
  await until('the first line', async () => { // what came before it looked for the first time is not shown
    await accepted(hub, paidOrder());
    return /order\.paid/.test(out);
  });
  await hub.quiet();
  await accepted(hub, cakto('constructed-checkout-abandonment'));
  await until('the last', () => /checkout\.abandoned/.test(out));
  const shown = out.match(/evt_\w+/g), all = (await hub.all('/api/events')).map((e) => e.id).reverse();
  assert.deepEqual(shown, all.slice(-shown.length), 'each once, in order, from the first on');
});

test('a backup under load opens, and holds all that was acknowledged before it', async (t) => {
  const sink = await startSink(t), hub = await startHub(t), dir = folder(t);
  await hub.apply({ sources: [caktoSource()], destinations: [crm(sink)], routes: [toCrm()] });
  const acknowledged = [];
  let go = true;
  const client = async (n) => {
    for (let i = 0; go; i++) {
      const id = `b-${n}-${i}`;
      await accepted(hub, paidOrder(id));
      acknowledged.push(id);
    }
  };
  const clients = [0, 1, 2, 3].map(client);
  await until('some load', () => acknowledged.length > 300);
  const before = [...acknowledged], file = join(dir, 'copy.db');
  const done = await hub.cli(['backup', file]);
  assert.equal(done.code, 0, done.err);
  const during = acknowledged.length - before.length;
  go = false;
  await Promise.all(clients);
  assert.ok(during > 0, 'the hub went on meanwhile');

  mkdirSync(join(dir, 'second'));
  copyFileSync(file, join(dir, 'second', 'malote.db'));
  copyFileSync(join(hub.data, 'master.key'), join(dir, 'second', 'master.key'));
  const check = await run(['check'], { env: { MALOTE_DATA: join(dir, 'second') } });
  assert.equal(check.code, 0, check.err);
  const second = await startHub(t, { data: join(dir, 'second') });
  const there = new Set((await second.all('/api/events')).map((e) => e.key.replace('purchase_approved:', '')));
  assert.deepEqual(before.filter((id) => !there.has(id)), []);
  const over = await hub.cli(['backup', file]);
  assert.equal(over.code === 0, existsSync(file) && over.err === '', 'a second backup over the first either works or says why not');
  assert.equal((await hub.cli(['backup', join(dir, 'no', 'such', 'folder.db')])).code, 1);
});
