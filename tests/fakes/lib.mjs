// lib.mjs: what the fake services share: a small HTTP server, faults on demand, and the control paths.
//
// Every fake prints "listening <port>" once it serves, and understands:
//   POST /_control {"mode": "...", "times": n}   misbehave for the next n requests (without n: until told otherwise)
//   POST /_reset                                 forget everything
//   GET  /_stats, GET /_events                   what has arrived
import http from 'node:http';

export const BODY_MAX = 8 * 1024 * 1024;
const SLOW_MS = 1500;
const HANG_MS = 120_000;

export function parseArgs(argv) {
  const args = {};
  for (let i = 0; i < argv.length; i += 2) {
    if (!argv[i].startsWith('--') || argv[i + 1] === undefined) throw new Error(`bad argument ${argv[i]}`);
    (args[argv[i].slice(2)] ??= []).push(argv[i + 1]);
  }
  return args;
}

// The fault of each request: a mode for so many requests, or for ever.
export class Faults {
  constructor() { this.set({ mode: 'ok' }); }
  set({ mode = 'ok', times = Infinity }) { this.mode = String(mode); this.left = Number(times); this.seen = 0; }
  next() {
    if (this.left <= 0) return 'ok';
    this.left--;
    this.seen++;
    if (this.mode === 'alternate') return this.seen % 2 ? '500' : 'ok';
    return this.mode;
  }
}

export function reply(res, status, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  res.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json', ...headers });
  res.end(text);
}

async function readBody(req) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > BODY_MAX) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms).unref());

// Faults that every service knows. True when the request is dealt with. `lost` = taken, but the answer never arrives: the case
// that makes a sender count twice.
async function commonFault(mode, req, res, handle) {
  switch (mode) {
    case '500': reply(res, 500, 'internal error'); return true;
    case '503': reply(res, 503, 'busy', { 'retry-after': '1' }); return true;
    case 'garbage': reply(res, 200, '<html>not what you expect</html>'); return true;
    case 'reset': req.socket.destroy(); return true;
    case 'timeout': await sleep(HANG_MS); req.socket.destroy(); return true;
    case 'lost': await handle({ writeHead() {}, end() {} }); req.socket.destroy(); return true;
    case 'slow': await sleep(SLOW_MS); return false;
    default: return false;
  }
}

// service: { faults, stats(), events(), reset(), handle({req, url, body, mode, res}) }
export function serve(service, port = 0) {
  const server = http.createServer(async (req, res) => {
    try {
      const url = new URL(req.url, 'http://fake');
      const body = await readBody(req);
      if (url.pathname === '/_stats') return reply(res, 200, service.stats());
      if (url.pathname === '/_events') return reply(res, 200, service.events());
      if (url.pathname === '/_reset') { service.reset(); service.faults.set({}); return reply(res, 200, { ok: true }); }
      if (url.pathname === '/_control') { service.faults.set(JSON.parse(body)); return reply(res, 200, { ok: true }); }
      const mode = service.faults.next();
      const handle = (out) => service.handle({ req, url, body, mode, res: out });
      if (!(await commonFault(mode, req, res, handle))) await handle(res);
    } catch (error) {
      if (!res.headersSent) reply(res, 400, { error: { message: String(error.message), code: 100 } });
    }
  });
  server.keepAliveTimeout = 60_000;
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done({ server, port: server.address().port })));
}

export async function main(service, args) {
  const { port, server } = await serve(service, Number(args.port?.[0] ?? 0));
  process.stdout.write(`listening ${port}\n`);
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { server.close(); process.exit(0); });
}

// The newest `max` things, so that a long run does not fill the memory.
export class Recent {
  constructor(max = 5000) { this.max = max; this.items = []; }
  push(item) { this.items.push(item); if (this.items.length > 2 * this.max) this.items = this.items.slice(-this.max); }
  list() { return this.items.slice(-this.max); }
}
