// whatsapp.mjs: a fake Graph API for WhatsApp: takes messages only when token, path and body are as Meta's pages ask.
// Files are media.mjs's.
//
//   node tests/fakes/whatsapp.mjs --port 0 [--token T]
//
// POST /{number}/media takes files as multipart/form-data, by type and size, and gives ids; a message may name such an id only while it
// lives (forget() ends it: 131053). A mode may be for one of the two paths: "media:500", "messages:429".
// Modes of POST /_control besides those of lib.mjs: "code:<n>" (refused with that code, as HTTP 400), "code5:<n>" (as HTTP 500),
// "unauthorised", "to:<prefix>:<code>" (only messages to such a number are refused), "held" (message_status), "429".
import { pathToFileURL } from 'node:url';
import { Faults, Recent, main, parseArgs, reply } from './lib.mjs';

const TYPES = new Set(['text', 'template', 'image', 'video', 'audio', 'document', 'sticker', 'interactive', 'reaction', 'location', 'contacts']);
const TOP = new Set(['messaging_product', 'recipient_type', 'to', 'recipient', 'type', 'context', 'biz_opaque_callback_data', ...TYPES]);
const READ = new Set(['messaging_product', 'status', 'message_id', 'typing_indicator']);

class Refusal extends Error {
  constructor(code, details, status = 400) { super(details); Object.assign(this, { code, details, status }); }
}
const refuse = (details, code = 100) => { throw new Refusal(code, details); };
const length = (text) => [...text].length;
function text(value, name, max) {
  if (typeof value !== 'string' || value.trim() === '') refuse(`${name} is required`, 131008);
  if (length(value) > max) refuse(`${name} is longer than ${max}`, 131009);
}
function only(object, keys, name) {
  for (const key of Object.keys(object)) if (!keys.has(key)) refuse(`Unexpected key "${key}" on param "${name}"`);
}
function file(v, name) {
  if (('id' in v) === ('link' in v)) refuse(`${name} needs id or link`, 131009);
  if ('link' in v && !/^https?:\/\/\S+$/.test(v.link)) refuse(`${name}.link is no address`, 131009);
}

const HEADER_FILES = new Set(['image', 'video', 'document']);
function headerFile(v, name) {
  if (typeof v[v.type] !== 'object') refuse(`${name}.${v.type} is required`, 131008);
  only(v[v.type], new Set(['id', 'link', 'filename']), name);
  file(v[v.type], name);
}
// Every file id that a message names: its own, its template's header's, its interactive header's.
const fileIds = (body) => [body[body.type], ...(body.template?.components ?? []).flatMap((c) => c.parameters ?? []).map((p) => p[p.type]),
  body.interactive?.header?.[body.interactive.header.type]].map((v) => v?.id).filter((id) => /^9000\d+$/.test(id ?? ''));

const INTERACTIVE = {
  button(a) {
    if (!Array.isArray(a.buttons) || a.buttons.length < 1 || a.buttons.length > 3) refuse('1 to 3 buttons', 131009);
    for (const b of a.buttons) { if (b.type !== 'reply') refuse('type of a button', 131009); text(b.reply?.id, 'id', 256); text(b.reply?.title, 'title', 20); }
  },
  list(a) {
    text(a.button, 'button', 20);
    const rows = (a.sections ?? []).flatMap((s) => s.rows ?? []);
    if (rows.length < 1 || rows.length > 10) refuse('1 to 10 rows', 131009);
    for (const r of rows) { text(r.id, 'row id', 200); text(r.title, 'row title', 24); if ('description' in r) text(r.description, 'description', 72); }
  },
  cta_url(a) { text(a.parameters?.display_text, 'display_text', 20); if (!/^https?:/.test(a.parameters?.url ?? '')) refuse('url', 131009); },
};

const CHECK = {
  text(v) { only(v, new Set(['body', 'preview_url']), 'text'); text(v.body, 'text.body', 4096); },
  image(v) { file(v, 'image'); if ('caption' in v) text(v.caption, 'caption', 1024); },
  video(v) { CHECK.image(v); },
  document(v) { CHECK.image(v); },
  audio(v) { file(v, 'audio'); },
  sticker(v) { file(v, 'sticker'); },
  location(v) { if (Math.abs(v.latitude) > 90 || Math.abs(v.longitude) > 180 || v.latitude === undefined) refuse('location', 131009); },
  contacts(v) { if (!Array.isArray(v) || v.length === 0) refuse('contacts', 131009); for (const c of v) text(c.name?.formatted_name, 'formatted_name', 1024); },
  reaction(v) { text(v.message_id, 'message_id', 512); if (typeof v.emoji !== 'string') refuse('emoji', 131009); },
  template(v) {
    only(v, new Set(['name', 'language', 'components']), 'template');
    if (!/^[a-z0-9_]+$/.test(v.name ?? '')) refuse('template name', 131009);
    text(v.language?.code, 'template.language.code', 10);
    if (v.name === 'missing') throw new Refusal(132001, 'template name does not exist in the translation', 404);
    const cards = (v.components ?? []).flatMap((c) => c.cards ?? []);
    for (const card of cards) if (!Number.isInteger(card.card_index) || !card.components?.length) refuse('card', 131009);
    for (const c of [...(v.components ?? []), ...cards.flatMap((card) => card.components)]) for (const p of c.parameters ?? []) {
      if (p.type === 'text' && !p.text) refuse('empty parameter', 131008);
      if (HEADER_FILES.has(p.type)) headerFile(p, 'template header');
    }
  },
  interactive(v) {
    if ('body' in v) text(v.body?.text, 'interactive.body.text', v.type === 'list' ? 4096 : 1024);
    if (HEADER_FILES.has(v.header?.type)) headerFile(v.header, 'interactive.header');
    if (typeof v.action !== 'object') refuse('interactive.action', 131008);
    INTERACTIVE[v.type]?.(v.action);
  },
};

// What Meta's page on media lists; sizes in bytes.
const FILE_TYPES = { 'image/jpeg': 5, 'image/png': 5, 'audio/aac': 16, 'audio/amr': 16, 'audio/mp4': 16, 'audio/mpeg': 16, 'audio/ogg': 16,
  'video/mp4': 16, 'video/3gpp': 16, 'image/webp': 0.5, 'application/pdf': 100, 'text/plain': 100 };

// The parts of a multipart/form-data body (RFC 7578): { name: { headers, bytes } }. Strict: what is not as it should be is refused.
export function multipart(contentType, body) {
  const boundary = /^multipart\/form-data; boundary=([\w'()+,./:=?-]{1,70})$/.exec(contentType ?? '')?.[1];
  if (!boundary) refuse('Content-Type is not multipart/form-data with a boundary');
  const parts = {}, close = Buffer.from(`\r\n--${boundary}`);
  let at = body.indexOf(`--${boundary}\r\n`);
  if (at !== 0) refuse('the body does not begin with the boundary');
  at += boundary.length + 4;
  for (;;) {
    const head = body.indexOf('\r\n\r\n', at), end = body.indexOf(close, head);
    if (head < 0 || end < 0) refuse('a part does not end');
    const headers = Object.fromEntries(body.subarray(at, head).toString().split('\r\n').map((line) => {
      const [, name, value] = /^([\w-]+): (.*)$/.exec(line) ?? refuse(`bad header ${line}`);
      return [name.toLowerCase(), value];
    }));
    const name = /^form-data; name="(\w+)"/.exec(headers['content-disposition'] ?? '')?.[1];
    if (!name || name in parts) refuse(`part ${name}`);
    parts[name] = { headers, bytes: body.subarray(head + 4, end) };
    at = end + close.length;
    const next = body.subarray(at, at + 4).toString();
    if (next === '--\r\n' && at + 4 === body.length) return parts;
    if (!next.startsWith('\r\n')) refuse('bytes behind a boundary');
    at += 2;
  }
}

export function checkMessage(body) {
  if (body?.messaging_product !== 'whatsapp') refuse('(#100) The parameter messaging_product is required.');
  if (body.status === 'read') {
    only(body, READ, 'read');
    text(body.message_id, 'message_id', 512);
    return;
  }
  only(body, TOP, '$');
  if (!TYPES.has(body.type)) refuse('type', 131051);
  for (const type of TYPES) if (type !== body.type && type in body) refuse(`${type} beside ${body.type}`);
  if (typeof body[body.type] !== 'object' || body[body.type] === null) refuse(`(#131008) ${body.type} is required`, 131008);
  if (!['individual', 'group'].includes(body.recipient_type ?? 'individual')) refuse('recipient_type', 131009);
  const group = body.recipient_type === 'group';
  if (group && !/^[\w.:-]{6,128}$/.test(body.to ?? '')) refuse('to of a group', 131009);
  if (!group && body.to !== undefined && !/^\+?\d{5,15}$/.test(body.to)) refuse('to', 131009);
  if (!group && body.to === undefined && !/^[A-Z]{2}\.\w+/.test(body.recipient ?? '')) refuse('to or recipient is required', 131008);
  if ('context' in body) text(body.context.message_id, 'context.message_id', 512);
  if ('biz_opaque_callback_data' in body) text(body.biz_opaque_callback_data, 'biz_opaque_callback_data', 512);
  CHECK[body.type](body[body.type]);
}

export class FakeWhatsApp {
  constructor({ token } = {}) {
    this.token = token;
    this.faults = new Faults();
    this.reset();
  }

  // people: what a number is called in the answer, { '525512345678': { wa_id, user_id } }.
  reset() { this.people = {}; this.requests = 0; this.count = 0; this.files = new Map(); this.uploads = 0; this.messages = new Recent(); this.rejected = new Recent(1000); }
  stats() { return { requests: this.requests, messages: this.count, rejected: this.rejected.list() }; }
  events() { return this.messages.list(); }

  checkToken(req, url) {
    if (/access_token|Bearer/.test(url.search)) throw new Refusal(190, 'the token is in the URL', 401);
    const token = /^Bearer (\S+)$/.exec(req.headers.authorization ?? '')?.[1];
    if (!token || (this.token && token !== this.token)) throw new Refusal(190, 'Invalid OAuth access token', 401);
  }

  forget() { this.files.clear(); }

  takeFile(number, contentType, body) {
    const parts = multipart(contentType, body), text = (name) => parts[name]?.bytes.toString();
    if (text('messaging_product') !== 'whatsapp') refuse('(#100) The parameter messaging_product is required.');
    if (!parts.file || !/; filename="[^"]+"$/.test(parts.file.headers['content-disposition'])) refuse('(#100) The parameter file is required.');
    const mime = parts.file.headers['content-type'], max = FILE_TYPES[mime?.split(';')[0]];
    if (mime !== text('type')) refuse('type differs from the file\'s Content-Type');
    if (!max) refuse(`Param file must be a file with one of the following types, not ${mime}`);
    if (parts.file.bytes.length > max * 1024 * 1024 || parts.file.bytes.length === 0) refuse('file size');
    const id = `9000${++this.uploads}`;
    this.files.set(id, { number, mime, bytes: parts.file.bytes });
    return { id };
  }

  take(number, body, mode) {
    checkMessage(body);
    if (fileIds(body).some((id) => this.files.get(id)?.number !== number)) throw new Refusal(131053, 'Media upload error');
    const to = (body.to ?? body.recipient ?? '').replace('+', '');
    const [, prefix, code] = /^to:(\d+):(\d+)$/.exec(mode) ?? [];
    if (prefix && to.startsWith(prefix)) throw new Refusal(Number(code), 'refused on demand');
    this.count++;
    const id = `wamid.FAKE${String(this.count).padStart(6, '0')}`;
    this.messages.push({ number, id, body });
    if (body.status === 'read') return { success: true };
    return { messaging_product: 'whatsapp', contacts: [{ input: body.to ?? body.recipient, wa_id: to, ...this.people[to] }],
      messages: [{ id, ...(mode === 'held' && { message_status: 'held_for_quality_assessment' }) }] };
  }

  modeFault(mode) {
    const [, five, code] = /^code(5?):(\d+)$/.exec(mode) ?? [];
    if (code) throw new Refusal(Number(code), 'refused on demand', five ? 500 : 400);
    if (mode === 'unauthorised') throw new Refusal(190, 'Error validating access token', 401);
    if (mode === '429') throw new Refusal(4, 'Application request limit reached', 429);
  }

  handle({ req, url, body, mode, res }) {
    this.requests++;
    const [, where, what] = /^(media|messages):(.*)$/.exec(mode) ?? [null, '', mode];
    mode = where && !url.pathname.endsWith(`/${where}`) ? 'ok' : what;
    try {
      if (where && mode === '500') throw new Refusal(131000, 'Something went wrong', 500);
      this.modeFault(mode);
      this.checkToken(req, url);
      const path = /^\/(v\d+\.\d+)\/(\w+)(\/messages|\/media)?$/.exec(url.pathname);
      if (!path) throw new Refusal(2500, 'Unknown path components', 404);
      if (req.method === 'GET' && !path[3] && /^\d+$/.test(path[2]))
        return reply(res, 200, { id: path[2], display_phone_number: '+55 11 99999-0000', verified_name: 'Loja', quality_rating: 'GREEN',
          throughput: { level: 'STANDARD' }, ...(this.onApp !== undefined && { is_on_biz_app: this.onApp }) });
      if (req.method !== 'POST' || !path[3]) throw new Refusal(100, 'Unsupported get request', 404);
      if (path[3] === '/media') return reply(res, 200, this.takeFile(path[2], req.headers['content-type'], body));
      if (!/^application\/json\b/.test(req.headers['content-type'] ?? '')) refuse('Content-Type is not application/json');
      let parsed;
      try { parsed = JSON.parse(body); } catch { refuse('the body is no JSON'); }
      return reply(res, 200, this.take(path[2], parsed, mode));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.rejected.push({ code: error.code, details: error.details });
      return reply(res, error.status, { error: { message: `(#${error.code}) ${error.details}`, type: 'OAuthException', code: error.code,
        error_data: { messaging_product: 'whatsapp', details: error.details }, fbtrace_id: `Fake${this.requests}` } });
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = parseArgs(process.argv.slice(2));
  await main(new FakeWhatsApp({ token: args.token?.[0] }), args);
}
