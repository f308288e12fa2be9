// s3.mjs: a bucket of an S3-compatible store that believes nobody: every request's signature (AWS Signature Version 4, in the header)
// is computed anew from what arrived, by AWS's document, and the body's digest is compared with the one that was signed.
//
//   node tests/fakes/s3.mjs --port 0 [--key K] [--secret S] [--region R] [--bucket B]
//
// By path (/bucket/key) or by host (bucket.localhost). Modes besides those of lib.mjs: "403", "no-bucket", "truncated" (half of the
// bytes, with a matching length), "broken-off" (the connection ends in the middle), "other" (other bytes of the same length), "lost-key"
// (404 NoSuchKey), "stall" (no answer until the mode changes), "no-etag" (a page with 200 that no store wrote; nothing is kept). A mode may be for one method: "PUT:500".
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { Faults, Recent, main, parseArgs, sleep } from './lib.mjs';

const EMPTY = createHash('sha256').digest('hex'), SKEW_MAX_MS = 15 * 60_000;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

class Refusal extends Error {
  constructor(status, code, message = code, more = '') { super(message); Object.assign(this, { status, code, more }); }
}

// UriEncode() of AWS's document: every byte but the unreserved ones, hex digits in capitals.
const uriEncode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const canonicalPath = (path) => path.split('/').map((part) => uriEncode(decodeURIComponent(part))).join('/') || '/';
const canonicalQuery = (query) => query.split('&').filter(Boolean).map((pair) => {
  const at = pair.indexOf('='), name = at < 0 ? pair : pair.slice(0, at), value = at < 0 ? '' : pair.slice(at + 1);
  return [uriEncode(decodeURIComponent(name)), uriEncode(decodeURIComponent(value))];
}).sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1)).map(([name, value]) => `${name}=${value}`).join('&');

// The signature that `request` ({ method, path, query, headers: [[name, value]...] }) must carry, with its steps for the error.
export function signature({ method, path, query, headers }, { signed, scope, date, secret }) {
  const lines = signed.map((name) => {
    const values = headers.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value.trim().replace(/ +/g, ' '));
    if (values.length === 0) throw new Refusal(403, 'SignatureDoesNotMatch', `signed header ${name} is not there`);
    return `${name}:${values.join(',')}\n`;
  });
  const payload = headers.find(([n]) => n.toLowerCase() === 'x-amz-content-sha256')[1];
  const canonical = [method, canonicalPath(path), canonicalQuery(query), lines.join(''), signed.join(';'), payload].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const [day, region, service, end] = scope.split('/');
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), end);
  return { canonical, toSign, signature: createHmac('sha256', key).update(toSign).digest('hex') };
}

const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

// Throws a Refusal unless the request is signed rightly, now, with our key, for this region, over these bytes.
export function verify(request, body, { key, secret, region, now = Date.now() }) {
  const header = (name) => request.headers.find(([n]) => n.toLowerCase() === name)?.[1];
  const parts = AUTHORIZATION.exec(header('authorization') ?? '');
  if (!parts) throw new Refusal(403, 'AccessDenied', `no signature in ${header('authorization')}`);
  const [, id, scope, names, given] = parts, signed = names.split(';'), date = header('x-amz-date') ?? '';
  const [day, scopeRegion, service, end] = scope.split('/');
  if (id !== key) throw new Refusal(403, 'InvalidAccessKeyId');
  if (scopeRegion !== region)
    throw new Refusal(400, 'AuthorizationHeaderMalformed', `the region '${scopeRegion}' is wrong; expecting '${region}'`, `<Region>${region}</Region>`);
  if (service !== 's3' || end !== 'aws4_request' || !date.startsWith(day)) throw new Refusal(400, 'AuthorizationHeaderMalformed', scope);
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(now - at) <= SKEW_MAX_MS)) throw new Refusal(403, 'RequestTimeTooSkewed', date);
  // S3 asks for host and every x-amz-* header to be signed.
  for (const [name] of request.headers)
    if (/^(host|x-amz-.*)$/i.test(name) && !signed.includes(name.toLowerCase())) throw new Refusal(403, 'AccessDenied', `${name} is not signed`);
  if ([...signed].sort().join(';') !== names || names !== names.toLowerCase()) throw new Refusal(400, 'AuthorizationHeaderMalformed', names);
  const payload = header('x-amz-content-sha256');
  if (!payload) throw new Refusal(400, 'InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  const wanted = signature(request, { signed, scope, date, secret });
  if (!timingSafeEqual(Buffer.from(wanted.signature), Buffer.from(given)))
    throw new Refusal(403, 'SignatureDoesNotMatch', JSON.stringify(wanted));
  if (payload !== sha256(body)) throw new Refusal(400, 'XAmzContentSHA256Mismatch');
}

export class FakeS3 {
  constructor({ key = 'AKIAFAKE', secret = 'secret/of+the-fake', region = 'sa-east-1', bucket = 'malote-files' } = {}) {
    Object.assign(this, { key, secret, region, bucket, faults: new Faults() });
    this.reset();
  }
  reset() { this.objects = new Map(); this.seen = new Recent(); this.rejected = new Recent(1000); this.hosts = new Set(); }
  stats() { return { objects: [...this.objects.keys()], rejected: this.rejected.list() }; }
  events() { return this.seen.list(); }
  count(method) { return this.seen.list().filter((line) => line.startsWith(`${method} `)).length; }

  // The object's key, whichever way the bucket is named.
  keyOf(host, path) {
    if (host.startsWith(`${this.bucket}.`)) return decodeURIComponent(path.slice(1));
    const [, bucket, ...rest] = path.split('/');
    if (bucket !== this.bucket) throw new Refusal(404, 'NoSuchBucket');
    return decodeURIComponent(rest.join('/'));
  }

  async handle({ req, url, body, mode, res }) {
    const headers = [];
    for (let i = 0; i < req.rawHeaders.length; i += 2) headers.push([req.rawHeaders[i], req.rawHeaders[i + 1]]);
    const fault = mode.startsWith(`${req.method}:`) ? mode.slice(req.method.length + 1) : /^[A-Z]+:/.test(mode) ? 'ok' : mode;
    const [path, query = ''] = req.url.split('?');
    this.seen.push(`${req.method} ${path}`);
    this.hosts.add(req.headers.host);
    try {
      if (fault === '403') throw new Refusal(403, 'AccessDenied', 'Access Denied');
      if (fault === 'no-bucket') throw new Refusal(404, 'NoSuchBucket');
      if (fault === 'no-etag') { res.writeHead(200, { 'content-type': 'text/html' }); return res.end('<html>Welcome to the Wi-Fi</html>'); }
      if (fault === '500') throw new Refusal(500, 'InternalError');
      if (fault === 'reset') return req.socket.destroy();
      verify({ method: req.method, path, query, headers }, body, this);
      while (fault === 'stall' && this.faults.mode === mode) await sleep(20);
      this.answer(req, this.keyOf(req.headers.host, url.pathname), body, fault, res);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.rejected.push(`${error.code}: ${error.message}`);
      res.writeHead(error.status, { 'content-type': 'application/xml' });
      res.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>refused</Message>${error.more}</Error>`);
    }
  }

  answer(req, key, body, fault, res) {
    const etag = (bytes) => `"${createHash('md5').update(bytes).digest('hex')}"`;
    if (req.method === 'PUT') {
      if (!req.headers['content-length']) throw new Refusal(411, 'MissingContentLength');
      this.objects.set(key, body);
      res.writeHead(200, { etag: etag(body) });
      return res.end();
    }
    if (req.method === 'DELETE') {
      this.objects.delete(key);
      res.writeHead(204);
      return res.end();
    }
    const bytes = this.objects.get(key);
    if (!bytes || fault === 'lost-key') throw new Refusal(404, 'NoSuchKey');
    if (req.method !== 'GET' && req.method !== 'HEAD') throw new Refusal(405, 'MethodNotAllowed');
    const sent = { truncated: bytes.subarray(0, bytes.length / 2), other: Buffer.alloc(bytes.length, 'x') }[fault] ?? bytes;
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': sent.length, etag: etag(bytes) });
    if (req.method === 'HEAD') return res.end();
    if (fault === 'broken-off') { res.write(sent.subarray(0, sent.length / 2)); return setTimeout(() => req.socket.destroy(), 50); }
    res.end(sent);
  }
}
export { EMPTY as EMPTY_SHA256 };

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = parseArgs(process.argv.slice(2)), one = (name) => args[name]?.[0];
  await main(new FakeS3({ key: one('key'), secret: one('secret'), region: one('region'), bucket: one('bucket') }), args);
}
