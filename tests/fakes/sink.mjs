// sink.mjs: a fake HTTP endpoint that verifies Standard Webhooks signatures and remembers what arrived.
//
//   node tests/fakes/sink.mjs --port 0 [--secret whsec_... [--secret ...]]
//
// Modes of POST /_control besides those of lib.mjs: 429, 401, 404, 410, redirect, unauthorised, "bad-event:<prefix of webhook-id>".
import { createHmac, timingSafeEqual } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { Faults, Recent, main, parseArgs, reply } from './lib.mjs';

const TOLERANCE_SECONDS = 300;

export function keyOf(secret) {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
}

// The word "ok", or why the request is not authentic.
export function verify(headers, body, secrets, nowSeconds) {
  const id = headers['webhook-id'], timestamp = headers['webhook-timestamp'], signatures = headers['webhook-signature'];
  if (!id || id.includes('.')) return 'webhook-id is missing or has a dot';
  if (!/^\d{10}$/.test(timestamp ?? '')) return 'webhook-timestamp is not in seconds';
  if (Math.abs(nowSeconds - Number(timestamp)) > TOLERANCE_SECONDS) return 'webhook-timestamp is too old or too new';
  if (!signatures) return 'webhook-signature is missing';
  for (const secret of secrets) {
    const want = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest();
    for (const signature of signatures.split(' ')) {
      const [version, text] = signature.split(',');
      const got = Buffer.from(text ?? '', 'base64');
      if (version === 'v1' && got.length === want.length && timingSafeEqual(got, want)) return 'ok';
    }
  }
  return 'no signature fits';
}

export class Sink {
  constructor({ secrets = [] } = {}) {
    this.secrets = secrets;
    this.faults = new Faults();
    this.reset();
  }

  reset() {
    this.requests = 0;
    this.ids = {}; // webhook-id -> times accepted
    this.types = {};
    this.rejected = new Recent(1000);
    this.recent = new Recent();
  }

  stats() {
    return { requests: this.requests, events: Object.values(this.ids).reduce((sum, n) => sum + n, 0),
      unique: Object.keys(this.ids).length, ids: this.ids, types: this.types, rejected: this.rejected.list() };
  }

  events() { return this.recent.list(); }

  reject(res, status, reason, headers) {
    this.rejected.push({ status, reason });
    return reply(res, status, { error: reason }, headers);
  }

  handle({ req, body, mode, res }) {
    this.requests++;
    const id = req.headers['webhook-id'] ?? '';
    if (mode === '429') return this.reject(res, 429, 'slow down', { 'retry-after': '1' });
    if (mode === 'redirect') return this.reject(res, 307, 'elsewhere', { location: 'http://127.0.0.1:9/' });
    if (mode === 'unauthorised') return this.reject(res, 401, 'unauthorised');
    if (/^4\d\d$/.test(mode)) return this.reject(res, Number(mode), 'as told');
    if (mode.startsWith('bad-event:') && id.startsWith(mode.slice('bad-event:'.length))) return this.reject(res, 422, 'bad event');
    if (this.secrets.length) {
      const word = verify(req.headers, body, this.secrets, Math.floor(Date.now() / 1000));
      if (word !== 'ok') return this.reject(res, 401, word);
    }
    let payload;
    try { payload = JSON.parse(body); } catch { return this.reject(res, 400, 'the body is no JSON'); }
    this.ids[id] = (this.ids[id] ?? 0) + 1;
    this.types[payload.type] = (this.types[payload.type] ?? 0) + 1;
    this.recent.push({ method: req.method, url: req.url, headers: req.headers, payload });
    return reply(res, 200, { received: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = parseArgs(process.argv.slice(2));
  await main(new Sink({ secrets: args.secret ?? [] }), args);
}
