// hub.mjs: what the system tests share: a hub of their own on a free port, the fakes, Cakto's way of signing, raw sockets.
//
// Every test starts its own hub on a temporary folder. When the test ends the hub is told to stop; the test fails if it did not
// end with 0 or if a sanitizer had something to say. The program under test: MALOTE_BIN, else build-asan/malote.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '../fakes/lib.mjs';
import { FakeMedia } from '../fakes/media.mjs';
import { FakeMeta } from '../fakes/meta.mjs';
import { FakeS3 } from '../fakes/s3.mjs';
import { Sink } from '../fakes/sink.mjs';
import { FakeWhatsApp } from '../fakes/whatsapp.mjs';

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
export const BIN = resolve(process.env.MALOTE_BIN ?? join(ROOT, 'build-asan/malote'));
export const ADMIN_KEY = 'admin-key-of-the-system-tests-0001';
export const CAKTO_SECRET = '7d0c5a1e-0000-4000-8000-00000000ca01';
export const WHATSAPP_TOKEN = 'EAAB-whatsapp-token-of-the-system-tests';
export const META_TOKEN = 'EAAB-token-of-the-system-tests';
export const SINK_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SANITIZER = /AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|UndefinedBehavior/;
const START_MS = 20_000, STOP_MS = 40_000, WAIT_MS = 20_000, POLL_MS = 20;

export const digest = (text) => createHash('sha256').update(text).digest('hex');
export const iso = (ms = Date.now()) => new Date(ms).toISOString();
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Asks again until `ask` gives something true, and returns it; an assertion error inside counts as "not yet".
export async function until(what, ask, ms = WAIT_MS) {
  const deadline = Date.now() + ms;
  let last;
  for (;;) {
    try {
      const got = await ask();
      if (got) return got;
    } catch (error) {
      if (error.code !== 'ERR_ASSERTION') throw error;
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain for: ${what}${last ? ` (${last.message})` : ''}`);
    await pause(POLL_MS);
  }
}

export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'malote-test-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const environment = (extra) => {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MALOTE_')));
  return { ...clean, ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1', ...extra };
};

// Runs the program to its end: { code, out, err }. A sanitizer's report fails the test.
export async function run(args, { env = {}, input } = {}) {
  const child = spawn(BIN, args, { env: environment(env), stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', (bytes) => { out += bytes; });
  child.stderr.on('data', (bytes) => { err += bytes; });
  child.stdin.on('error', () => {}); // it may have ended without reading
  child.stdin.end(input ?? '');
  const [code] = await once(child, 'close');
  assert.doesNotMatch(err, SANITIZER);
  return { code, out, err };
}

export class Hub {
  constructor({ data, port, env = {}, args = [] }) {
    Object.assign(this, { data, port, args, out: '', err: '', ended: false, base: `http://127.0.0.1:${port}` });
    this.env = { MALOTE_LISTEN: `127.0.0.1:${port}`, MALOTE_DATA: data, MALOTE_ADMIN_KEY: ADMIN_KEY,
      MALOTE_ALLOW_NET: '127.0.0.0/8', ...env };
  }

  async start() {
    this.ended = false;
    this.child = spawn(BIN, ['serve', ...this.args], { env: environment(this.env), stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', (bytes) => { this.out += bytes; });
    this.child.stderr.on('data', (bytes) => { this.err += bytes; });
    this.exit = once(this.child, 'close').then(([code, signal]) => { this.ended = true; return { code, signal }; });
    await until('the hub to answer /health', async () => {
      if (this.ended) throw new Error(`the hub ended at its start: ${this.err}`);
      return (await fetch(`${this.base}/health`, { signal: AbortSignal.timeout(START_MS) }).catch(() => null))?.ok;
    }, START_MS);
    return this;
  }

  // SIGTERM; fails unless it ends with 0 and in silence.
  async stop() {
    if (!this.child || this.ended) return;
    this.child.kill('SIGTERM');
    const killer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    const { code, signal } = await this.exit;
    clearTimeout(killer);
    assert.doesNotMatch(this.err, SANITIZER);
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `the hub did not end well: ${this.err.slice(-2000)}`);
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exit;
    assert.doesNotMatch(this.err, SANITIZER);
  }

  async fetch(url, options) {
    try {
      return await fetch(url, options);
    } catch (error) {
      if (!this.ended) await Promise.race([this.exit, pause(3000)]);
      throw this.ended ? new Error(`the hub is gone: ${this.err.slice(-6000)}`) : error;
    }
  }

  // One API call: { status, headers, json, text }.
  async call(method, path, body, { key = ADMIN_KEY, headers = {} } = {}) {
    const res = await this.fetch(this.base + path, { method, redirect: 'manual',
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      headers: { ...(key && { 'x-api-key': key }), ...(body !== undefined && { 'content-type': 'application/json' }), ...headers } });
    const text = await res.text();
    let json = null;
    try { json = JSON.parse(text); } catch { /* not every answer is JSON */ }
    return { status: res.status, headers: res.headers, json, text };
  }

  async get(path, options) {
    const answer = await this.call('GET', path, undefined, options);
    assert.equal(answer.status, 200, `GET ${path}: ${answer.text}`);
    return answer.json ?? answer.text;
  }

  async post(path, body = {}, options) {
    const answer = await this.call('POST', path, body, options);
    assert.ok(answer.status >= 200 && answer.status < 300, `POST ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  async patch(path, body) {
    const answer = await this.call('PATCH', path, body);
    assert.equal(answer.status, 200, `PATCH ${path}: ${answer.text}`);
    return answer.json;
  }

  // Every item of a paged list.
  async all(path, options) {
    const items = [];
    for (let cursor = ''; ;) {
      const page = await this.get(`${path}${path.includes('?') ? '&' : '?'}limit=200${cursor && `&cursor=${cursor}`}`, options);
      items.push(...page.items);
      if (!page.next) return items;
      cursor = page.next;
    }
  }

  apply(config) { return this.post('/api/apply', config); }

  // The only delivery to a destination, with its attempts, once `state` is reached.
  async delivery(destination, state) {
    return until(`a delivery to ${destination} that is ${state}`, async () => {
      const { items } = await this.get(`/api/deliveries?destination=${destination}`);
      assert.ok(items.length === 1 && items[0].state === state, JSON.stringify(items));
      return this.get(`/api/deliveries/${items[0].id}`);
    });
  }

  async deliveries(destination, state, count) {
    return until(`${count} deliveries to ${destination} that are ${state}`, async () => {
      const items = await this.all(`/api/deliveries?destination=${destination}&state=${state}`);
      assert.equal(items.length, count);
      return items;
    });
  }

  // Every event is interpreted and nothing waits in memory.
  async quiet() {
    return until('every event to be interpreted', async () =>
      (await this.get('/api/events?state=pending')).items.length === 0);
  }

  async metric(name) {
    const line = (await this.get('/metrics')).split('\n').find((l) => l.startsWith(`${name} `));
    assert.ok(line, `no metric ${name}`);
    return Number(line.slice(name.length + 1));
  }

  cli(args, { env = {}, input } = {}) { return run(args, { env: { ...this.env, MALOTE_API_KEY: ADMIN_KEY, ...env }, input }); }
}

// A running hub that is stopped, and judged, when the test ends.
export async function startHub(t, options = {}) {
  const data = options.data ?? folder(t);
  for (let attempt = 0; ; attempt++) {
    const hub = new Hub({ ...options, data, port: options.port ?? await freePort() });
    try {
      await hub.start();
      t.after(() => hub.stop());
      return hub;
    } catch (error) {
      await hub.kill().catch(() => {});
      if (attempt === 3 || !/is taken/.test(hub.err)) throw error;
    }
  }
}

// ---- fakes ----

async function fake(t, service) {
  const { server, port } = await serve(service);
  t.after(() => { server.closeAllConnections(); server.close(); });
  service.base = `http://127.0.0.1:${port}`;
  service.mode = (mode, times = Infinity) => service.faults.set({ mode, times });
  return service;
}
export const startMeta = (t, options = { token: META_TOKEN }) => fake(t, new FakeMeta(options));
export const startMedia = (t, options) => fake(t, new FakeMedia(options));
export const startS3 = (t, options) => fake(t, new FakeS3(options));
export const startWhatsApp = (t, options = { token: WHATSAPP_TOKEN }) => fake(t, new FakeWhatsApp(options));
export const startSink = (t, options = { secrets: [SINK_SECRET] }) => fake(t, new Sink(options));

export const purchases = (meta) => meta.events().map((e) => e.event).filter((e) => e.event_name === 'Purchase');

// A hub's environment for a bucket.
export const s3Env = (s3, more) => ({ MALOTE_MEDIA: `s3://${s3.bucket}/zap/files`, MALOTE_S3_ENDPOINT: s3.base, MALOTE_S3_REGION: s3.region,
  MALOTE_S3_KEY: s3.key, MALOTE_S3_SECRET: s3.secret, ...more });

// ---- configurations ----

const FAST = ['100ms', '100ms', '200ms', '200ms', '500ms', '500ms', '1s', '1s', '2s', '2s'];
export const caktoSource = (more) => ({ name: 'cakto', kind: 'cakto', path: '/api/webhook-cakto', secret: CAKTO_SECRET, ...more });
export const pixel = (meta, more) => ({ name: 'pixel', kind: 'meta-capi', pixel_id: '123456789', access_token: META_TOKEN,
  base_url: meta.base, linger_ms: 10, retries: FAST, timeout: '1s', ...more });
export const zap = (wa, more) => ({ name: 'zap', kind: 'whatsapp-cloud', phone_number_id: '106540352242922', access_token: WHATSAPP_TOKEN,
  base_url: wa.base, retries: FAST, timeout: '1s', ...more });
export const crm = (sink, more) => ({ name: 'crm', kind: 'http', url: `${sink.base}/hooks`, secret: SINK_SECRET, retries: FAST,
  timeout: '1s', ...more });
export const toPixel = (more) => ({ name: 'purchases', from: 'cakto', on: ['order.paid', 'checkout.abandoned', 'order.refused'],
  to: 'pixel', ...more });
export const toCrm = (more) => ({ name: 'all-to-crm', on: ['*'], to: 'crm', ...more });

// ---- Cakto ----

const golden = new Map();
// A recorded message, as an object that may be changed; its dates are moved to now, so that Meta would still take it.
export function cakto(name, change = () => {}) {
  if (!golden.has(name)) golden.set(name, readFileSync(join(ROOT, 'tests/golden/cakto', `${name}.json`), 'utf8'));
  const message = JSON.parse(golden.get(name));
  for (const data of Array.isArray(message.data) ? message.data : [message.data])
    for (const key of ['paidAt', 'createdAt', 'refundedAt', 'chargedbackAt']) if (data[key]) data[key] = iso(Date.now() - 60_000);
  change(message.data, message);
  return message;
}
// A paid order with an id of its own.
export const paidOrder = (id = randomUUID(), change = () => {}) => cakto('constructed-pix-approved-after-gerado', (data, message) => {
  data.id = id;
  change(data, message);
});

export function caktoHeaders(body, { secret = CAKTO_SECRET, timestamp = Math.floor(Date.now() / 1000) } = {}) {
  const mac = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
  return { 'x-cakto-timestamp': String(timestamp), 'x-cakto-signature': `v1=${mac}` };
}

// Posts a message signed by header; `plain`: with the secret in the body only, as older webhooks are.
export async function send(hub, message, { plain = false, path = '/api/webhook-cakto', headers = {}, ...signing } = {}) {
  let body = message;
  if (!Buffer.isBuffer(message) && typeof message !== 'string') body = JSON.stringify(plain ? message : { ...message, secret: undefined });
  return hub.call('POST', path, body.toString(), { key: null,
    headers: { 'content-type': 'application/json', ...(plain ? {} : caktoHeaders(body, signing)), ...headers } });
}
export async function accepted(hub, message, options) {
  const answer = await send(hub, message, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

// ---- WhatsApp ----

export const WA_SECRET = 'app-secret-of-the-system-tests', WA_NUMBER = '106540352242922';
export const waSource = (more) => ({ name: 'wa', kind: 'whatsapp-cloud', path: '/api/whatsapp', app_secret: WA_SECRET, ...more });
// A message of a customer, new each time.
export const waMessage = (type, part, more) => ({ from: '5511999990005', id: `wamid.${randomUUID()}`,
  timestamp: String(Math.floor(Date.now() / 1000)), type, [type]: part, ...more });

// Posts one change, signed as Meta does.
export async function postWhatsapp(hub, messages, value = {}, account = '1') {
  return postChange(hub, 'messages', {
    messaging_product: 'whatsapp', metadata: { display_phone_number: '15550783881', phone_number_id: WA_NUMBER },
    contacts: [...new Set(messages.map((m) => m.from))].map((wa_id) => ({ profile: { name: 'Cliente' }, wa_id })), messages,
    ...value }, { id: account });
}
export async function postChange(hub, field, value, entry = { id: '1' }) {
  const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [{ ...entry, changes: [{ field, value }] }] });
  const answer = await hub.call('POST', '/api/whatsapp', body, { key: null,
    headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', WA_SECRET).update(body).digest('hex')}` } });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

// Every contact's fields, as plain values.
export const people = async (hub) => (await hub.all('/api/contacts')).map((c) => Object.fromEntries(Object.entries(c.fields).map(([name, f]) => [name, f.value])));

// ---- the store, from outside ----

export const NEEDS_SQLITE = { skip: spawnSync('sqlite3', ['--version']).status !== 0 && 'needs the sqlite3 tool' };

// Another program holds the database's lock: the writer is stuck in its turn until the function that comes back is called.
export async function holdStore(t, hub, how = 'IMMEDIATE') {
  const holder = spawn('sqlite3', [join(hub.data, 'malote.db')], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.after(() => holder.kill());
  holder.stdin.write(`BEGIN ${how};\nSELECT 'held';\n`);
  await once(holder.stdout, 'data');
  return async () => { holder.stdin.end(); await once(holder, 'close'); };
}

// ---- raw HTTP ----

// Writes `parts` (texts or bytes) as they are and reads until `done(text)` or the other side closes.
export function raw(port, parts, { done = () => false, ms = WAIT_MS } = {}) {
  return new Promise((fulfil, refuse) => {
    let text = '', closed = false;
    const socket = net.connect(port, '127.0.0.1');
    const timer = setTimeout(() => { socket.destroy(); refuse(new Error(`no end of the answer: ${text}`)); }, ms);
    const end = () => { clearTimeout(timer); socket.destroy(); fulfil({ text, closed, status: Number(/^HTTP\/1\.\d (\d+)/.exec(text)?.[1] ?? 0) }); };
    socket.on('connect', () => { for (const part of [parts].flat()) socket.write(part); });
    socket.on('data', (bytes) => { text += bytes.toString('latin1'); if (done(text)) end(); });
    socket.on('error', () => { closed = true; end(); });
    socket.on('close', () => { closed = true; end(); });
  });
}
// Has a whole answer with Content-Length arrived?
export const whole = (text, count = 1) => {
  let rest = text, seen = 0;
  for (let head; (head = rest.indexOf('\r\n\r\n')) >= 0;) {
    if (/^HTTP\/1\.1 100/.test(rest)) { rest = rest.slice(head + 4); continue; }
    const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, head))?.[1] ?? 0);
    if (rest.length < head + 4 + length) break;
    seen++;
    rest = rest.slice(head + 4 + length);
  }
  return seen >= count;
};

// Waits until so many files of messages are in that state.
export const mediaSettled = (hub, state, count = 1) => until(`${count} files that are ${state}`, async () => {
  const { items } = await hub.get(`/api/media?state=${state}`);
  assert.equal(items.length, count, JSON.stringify((await hub.get('/api/media')).items));
  return items;
});
export const mediaBytes = (hub, id, headers = {}) =>
  fetch(`${hub.base}/api/media/${id}`, { headers: { 'x-api-key': hub.env.MALOTE_ADMIN_KEY, ...headers } });
