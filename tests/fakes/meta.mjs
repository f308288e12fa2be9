// meta.mjs: a fake Graph API that takes Conversions API events only when everything about them is as Meta's pages ask.
//
//   node tests/fakes/meta.mjs --port 0 [--token T] [--app-secret S]
//
// Batches are all or nothing, as Meta's are. Modes of POST /_control besides those of lib.mjs: 429, rate, unauthorised,
// blocked, transient, "usage:<percent>" (taken, and so much of the limit is used up), "bad-event:<prefix of event_id>" (that event is refused, and with it its batch).
import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import { pathToFileURL } from 'node:url';
import { Faults, Recent, main, parseArgs, reply } from './lib.mjs';

const DAY = 86400;
const SKEW_SECONDS = 60;
const EVENT_KEYS = new Set(['event_name', 'event_time', 'event_id', 'event_source_url', 'action_source', 'user_data', 'custom_data',
  'referrer_url', 'opt_out', 'original_event_data', 'data_processing_options', 'data_processing_options_country',
  'data_processing_options_state', 'app_data', 'messaging_channel', 'attribution_data', 'advanced_measurement_table',
  'messaging_outcome_data']);
const TOP_KEYS = new Set(['data', 'test_event_code', 'appsecret_proof', 'partner_agent', 'namespace_id', 'upload_id', 'upload_tag',
  'upload_source']);
const ACTION_SOURCES = new Set(['website', 'app', 'email', 'phone_call', 'chat', 'physical_store', 'system_generated',
  'business_messaging', 'other']);
const MESSAGING_NAMES = new Set(['Purchase', 'LeadSubmitted', 'QualifiedLead', 'InitiateCheckout', 'AddToCart', 'ViewContent',
  'OrderCreated', 'OrderShipped', 'OrderDelivered', 'OrderCanceled', 'OrderReturned', 'CartAbandoned', 'RatingProvided',
  'ReviewProvided']);
const HASHED = new Set(['em', 'ph', 'fn', 'ln', 'ge', 'db', 'ct', 'st', 'zp', 'country', 'external_id', 'f5first', 'f5last', 'fi',
  'dobd', 'dobm', 'doby']);
const PLAIN = new Set(['client_ip_address', 'client_user_agent', 'fbc', 'fbp', 'subscription_id', 'fb_login_id', 'lead_id',
  'anon_id', 'madid', 'page_id', 'page_scoped_user_id', 'ctwa_clid', 'ig_account_id', 'ig_sid', 'whatsapp_business_account_id']);
const REFUSED_ALONE = [['ct', 'country', 'st', 'zp', 'ge', 'client_user_agent'], ['db', 'client_user_agent'], ['fn', 'ge'],
  ['ln', 'ge']].map((keys) => new Set(keys));
const DIGEST = /^[0-9a-f]{64}(\.(\w{2}|\w{8}))?$/;
const COOKIE = /^fb\.\d+\.\d+\.[^.]+(\.([\w-]{2}|[\w-]{8}))?$/;
const PRIVATE_IP = /^(10\.|127\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|0\.|::1$|::$|f[cd]|fe[89ab])/i;

class Refusal extends Error {
  constructor(message, { code = 100, subcode, status = 400, transient = false } = {}) {
    super(message);
    Object.assign(this, { code, subcode, status, transient });
  }
}
const refuse = (message, subcode) => { throw new Refusal(message, { subcode }); };
const isEmpty = (v) => v === null || v === '' || (typeof v === 'object' && Object.keys(v).length === 0);

// null, "", [] and {} are refused anywhere, but for data_processing_options and extinfo.
function checkNothingEmpty(value, name, path) {
  if (name === 'data_processing_options' || name === 'extinfo') return;
  if (isEmpty(value)) refuse(`Empty value on ${path}`);
  if (typeof value === 'object') for (const [key, v] of Object.entries(value)) checkNothingEmpty(v, key, `${path}.${key}`);
}

function checkPlain(key, value) {
  const text = String(value);
  if (DIGEST.test(text)) refuse(`${key} must not be hashed`, 2804017);
  if (key === 'client_ip_address' && (isIP(text) === 0 || PRIVATE_IP.test(text))) refuse('client_ip_address is not valid', 2804007);
  if ((key === 'fbc' || key === 'fbp') && !COOKIE.test(text)) refuse(`${key} is not valid`, 2804016);
  if (key === 'lead_id' && !/^\d{15,17}$/.test(text)) refuse('lead_id is not valid', 2804017);
}

function checkUser(user, at) {
  if (typeof user !== 'object' || user === null || Array.isArray(user)) refuse(`user_data is missing on ${at}`, 2804050);
  const keys = Object.keys(user);
  for (const key of keys) {
    const values = Array.isArray(user[key]) ? user[key] : [user[key]];
    if (HASHED.has(key)) {
      for (const v of values) if (typeof v !== 'string' || !DIGEST.test(v)) refuse(`${key} is not a SHA-256 digest`, 2804001);
      if (new Set(values).size !== values.length) refuse(`${key} has duplicates`, 2804001);
    } else if (PLAIN.has(key)) {
      if (Array.isArray(user[key])) refuse(`${key} is no list`, 2804001);
      checkPlain(key, user[key]);
    } else refuse(`Unexpected key "${key}" on param "${at}['user_data']"`);
  }
  if (REFUSED_ALONE.some((set) => keys.every((key) => set.has(key))))
    refuse('This event has too little customer information', 2804050);
}

function checkCustom(event) {
  const custom = event.custom_data ?? {};
  if (event.event_name === 'Purchase') {
    if (typeof custom.value !== 'number' || custom.value < 0) refuse('Purchase needs a value of 0 or more', 2804048);
    if (!/^[A-Za-z]{3}$/.test(custom.currency ?? '')) refuse('Purchase needs a currency', 2804048);
  }
  if ('value' in custom && typeof custom.value !== 'number') refuse('value is not a number', 2804048);
  if ('currency' in custom && !/^[A-Za-z]{3}$/.test(custom.currency)) refuse('currency is not valid', 2804048);
  for (const item of custom.contents ?? []) {
    if (typeof item.id !== 'string') refuse('contents needs an id', 2804048);
    if ('quantity' in item && !(Number.isInteger(item.quantity) && item.quantity >= 1)) refuse('quantity is not valid', 2804048);
    if ('item_price' in item && typeof item.item_price !== 'number') refuse('item_price is not valid', 2804048);
  }
  if ('content_ids' in custom && !custom.content_ids.every((id) => typeof id === 'string')) refuse('content_ids is not valid', 2804048);
}

export function checkEvent(event, index, nowSeconds) {
  const at = `$['data'][${index}]`;
  if (typeof event !== 'object' || event === null || Array.isArray(event)) refuse(`${at} is no object`);
  for (const key of Object.keys(event)) if (!EVENT_KEYS.has(key)) refuse(`Unexpected key "${key}" on param "${at}"`);
  checkNothingEmpty(event, '', at);
  if (typeof event.event_name !== 'string') refuse(`event_name is missing on ${at}`);
  if (!Number.isInteger(event.event_time)) refuse(`event_time is no integer on ${at}`, 2804003);
  const days = event.action_source === 'physical_store' ? 62 : 7;
  if (event.event_time < nowSeconds - days * DAY) refuse('event_time is too far in the past', 2804003);
  if (event.event_time > nowSeconds + SKEW_SECONDS) refuse('event_time is in the future', 2804004);
  if (!ACTION_SOURCES.has(event.action_source)) refuse(`action_source is not valid on ${at}`);
  if ('event_id' in event && typeof event.event_id !== 'string') refuse(`event_id is no text on ${at}`);
  if (event.action_source === 'website' && !/^https?:\/\/[^/]/.test(event.event_source_url ?? ''))
    refuse('event_source_url is required for website events', 2804001);
  if ('opt_out' in event && typeof event.opt_out !== 'boolean') refuse('opt_out is no boolean');
  if ((event.data_processing_options ?? []).some((option) => option !== 'LDU')) refuse('data_processing_options', 2804030);
  if (event.action_source === 'business_messaging') {
    if (event.messaging_outcome_data && event.messaging_outcome_data.outcome_type !== 'automatic_events') refuse('messaging_outcome_data is wrong', 2804011);
    if (!event.messaging_channel) refuse('messaging_channel is missing', 2804063);
    if (!MESSAGING_NAMES.has(event.event_name)) refuse('event_name is not allowed for messaging', 2804066);
    if (event.messaging_channel === 'whatsapp' && !(event.user_data?.ctwa_clid && event.user_data.whatsapp_business_account_id))
      refuse('ctwa_clid and whatsapp_business_account_id are required', 2804019);
  }
  checkUser(event.user_data, at);
  checkCustom(event);
}

export class FakeMeta {
  constructor({ token, appSecret } = {}) {
    this.token = token;
    this.appSecret = appSecret;
    this.faults = new Faults();
    this.reset();
  }

  reset() {
    this.requests = 0;
    this.accepted = new Map(); // dataset \n name \n id -> times accepted
    this.eventCount = 0;
    this.rejected = new Recent(1000);
    this.recent = new Recent();
  }

  stats() {
    const unique = {};
    let purchases = 0;
    for (const [key, count] of this.accepted) {
      const [, name, id] = key.split('\n');
      unique[name] ??= {};
      unique[name][id] = (unique[name][id] ?? 0) + count;
      if (name === 'Purchase') purchases++;
    }
    return { requests: this.requests, events: this.eventCount, unique, purchases, rejected: this.rejected.list() };
  }

  events() { return this.recent.list(); }

  checkToken(req, url) {
    if (/access_token|appsecret_proof/.test(url.search)) throw new Refusal('the token is in the URL', { code: 190 });
    const token = /^Bearer (\S+)$/.exec(req.headers.authorization ?? '')?.[1];
    if (!token || (this.token && token !== this.token))
      throw new Refusal('Invalid OAuth access token.', { code: 190, subcode: 467, status: 401 });
    return token;
  }

  accept(dataset, payload, token, mode) {
    for (const key of Object.keys(payload)) if (!TOP_KEYS.has(key)) refuse(`Unexpected key "${key}"`);
    const proof = this.appSecret && createHmac('sha256', this.appSecret).update(token).digest('hex');
    if (proof && payload.appsecret_proof !== proof) throw new Refusal('Invalid appsecret_proof', { code: 100 });
    if (!Array.isArray(payload.data) || payload.data.length < 1 || payload.data.length > 1000) refuse('data needs 1 to 1000 events');
    const now = Math.floor(Date.now() / 1000);
    const bad = mode.startsWith('bad-event:') ? mode.slice('bad-event:'.length) : null;
    payload.data.forEach((event, i) => {
      checkEvent(event, i, now);
      if (bad !== null && String(event.event_id).startsWith(bad)) refuse('Invalid parameter', 2804001);
    });
    for (const event of payload.data) {
      const key = `${dataset}\n${event.event_name}\n${event.event_id ?? `none-${this.eventCount}`}`;
      this.accepted.set(key, (this.accepted.get(key) ?? 0) + 1);
      this.eventCount++;
      this.recent.push({ dataset, test_event_code: payload.test_event_code, event });
    }
    return { events_received: payload.data.length, messages: [], fbtrace_id: `Fake${this.requests}` };
  }

  modeFault(mode) {
    switch (mode) {
      case '429': throw new Refusal('Too many calls', { code: 4, status: 429 });
      case 'rate': throw new Refusal('(#80004) There have been too many calls', { code: 80004, subcode: 2446079 });
      case 'unauthorised': throw new Refusal('Error validating access token', { code: 190, subcode: 463, status: 401 });
      case 'blocked': throw new Refusal('Temporarily blocked', { code: 368 });
      case 'transient': throw new Refusal('Service temporarily unavailable', { code: 2, transient: true, status: 500 });
      default:
    }
  }

  handle({ req, url, body, mode, res }) {
    this.requests++;
    try {
      this.modeFault(mode);
      const path = /^\/(v\d+\.\d+)\/(\d+)(\/events)?$/.exec(url.pathname);
      if (!path) throw new Refusal('Unsupported request: unknown path or version', { code: 2500, status: 404 });
      const token = this.checkToken(req, url);
      if (req.method === 'GET' && !path[3]) return reply(res, 200, { id: path[2], name: 'Fake dataset' });
      if (req.method !== 'POST' || !path[3]) throw new Refusal('Unsupported request', { code: 100, subcode: 33 });
      if (!/^application\/json\b/.test(req.headers['content-type'] ?? '')) refuse('Content-Type is not application/json');
      let payload;
      try { payload = JSON.parse(body); } catch { refuse('the body is no JSON'); }
      const taken = this.accept(path[2], payload, token, mode);
      const used = mode.startsWith('usage:') ? Number(mode.slice('usage:'.length)) : 12;
      return reply(res, 200, taken, { 'x-business-use-case-usage': JSON.stringify({ 9: [{ type: 'ads_management',
        call_count: used, total_cputime: 3, total_time: 2, estimated_time_to_regain_access: 0 }] }) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.rejected.push({ reason: error.message, code: error.code, subcode: error.subcode });
      const headers = { 'x-app-usage': JSON.stringify({ call_count: 12, total_time: 3, total_cputime: 2 }) };
      if (mode === '429') headers['retry-after'] = '1';
      return reply(res, error.status, { error: { message: error.message, type: 'OAuthException', code: error.code,
        ...(error.subcode && { error_subcode: error.subcode }), is_transient: error.transient, fbtrace_id: `Fake${this.requests}` } },
      headers);
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = parseArgs(process.argv.slice(2));
  await main(new FakeMeta({ token: args.token?.[0], appSecret: args['app-secret']?.[0] }), args);
}
