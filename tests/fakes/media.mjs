// media.mjs: the part of the Graph API that hands out the files of WhatsApp messages: a link for an id, the bytes behind it, both for
// the right token alone. Modes besides those of lib.mjs: "dead-link" (the link is gone), "gone" (the id is), "truncated" (half of the
// bytes, with a matching length), "broken-off" (the connection ends in the middle), "other" (other bytes of the same length),
// "endless" (more than any limit allows), "429", "elsewhere" (a link to a host that is not Meta's).
import { createHash } from 'node:crypto';
import { Faults, Recent, reply } from './lib.mjs';

export const VERSION = 'v25.0';

export class FakeMedia {
  constructor({ token }) {
    Object.assign(this, { token, faults: new Faults() });
    this.reset();
  }
  reset() { this.files = new Map(); this.links = 0; this.seen = new Recent(); }
  // Puts a file there; what a webhook says of it.
  add(id, bytes, mime = 'image/jpeg') {
    this.files.set(id, { bytes, mime });
    return { id, mime_type: mime, sha256: createHash('sha256').update(bytes).digest('base64'), url: this.link(id) };
  }
  link(id) { return `${this.base}/file/${id}?ext=${++this.links}`; }
  stats() { return { seen: this.seen.items.length }; }
  events() { return this.seen.list(); }

  handle({ req, url, mode, res }) {
    const [, first, id] = url.pathname.split('/');
    this.seen.push(`${first === 'file' ? 'bytes' : 'link'} ${id}`);
    const error = (status, code, message) => reply(res, status, { error: { message, type: 'OAuthException', code, fbtrace_id: 'A' } });
    if (req.headers.authorization !== `Bearer ${this.token}`) return error(401, 190, `Invalid token ${req.headers.authorization}`);
    if (!req.headers['user-agent']) return error(400, 100, 'no user agent');
    if (mode === '429') return error(429, 80007, 'Rate limit hit');
    const file = this.files.get(id);
    if (first === VERSION) {
      if (!file || mode === 'gone') return error(404, 100, 'Unsupported get request');
      return reply(res, 200, { messaging_product: 'whatsapp', id, mime_type: file.mime, file_size: String(file.bytes.length),
        url: mode === 'elsewhere' ? 'https://fbsbx.com.example/steal' : this.link(id),
        sha256: createHash('sha256').update(file.bytes).digest('hex') });
    }
    if (first !== 'file' || !file) return error(404, 100, 'no such path');
    if (mode === 'dead-link') return error(404, 100, 'the link has expired');
    const bytes = { truncated: file.bytes.subarray(0, file.bytes.length / 2), other: Buffer.alloc(file.bytes.length, 'x'),
      endless: Buffer.alloc(11 * 1024 * 1024, 'y') }[mode] ?? file.bytes;
    res.writeHead(200, { 'content-type': file.mime, 'content-length': bytes.length });
    if (mode === 'broken-off') { res.write(bytes.subarray(0, bytes.length / 2)); return setTimeout(() => req.socket.destroy(), 50); }
    res.end(bytes);
  }
}
