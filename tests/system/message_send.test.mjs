// message_send.test.mjs: POST /api/messages against a fake Graph API: sent once, whatever happens on the way; told at once what cannot be.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ADMIN_KEY, BIN, WHATSAPP_TOKEN, accepted, caktoSource, folder, paidOrder, pause, people as allPeople, startHub, startWhatsApp, until, zap } from './hub.mjs';

const sqlite = spawnSync('sqlite3', ['--version']).status === 0;
const NUMBER = '106540352242922', TO = '+5511999990005', APP_SECRET = 'app-secret-of-the-system-tests';
const text = (more) => ({ to: TO, type: 'text', text: 'Oi, Ana', ...more });
const inbox = (more) => ({ name: 'inbox', kind: 'whatsapp-cloud', path: '/wa', app_secret: [APP_SECRET], ...more });

const template = { to: TO, type: 'template', template: { name: 'oi', language: 'pt_BR' } };

async function started(t, { destination = {}, sources = [], routes = [] } = {}) {
  const wa = await startWhatsApp(t);
  const hub = await startHub(t);
  await hub.apply({ sources, destinations: [zap(wa, destination)], routes });
  return { wa, hub };
}
async function state(hub, id, want) {
  return until(`${id} to be ${want}`, async () => {
    const d = await hub.get(`/api/deliveries/${id}`);
    assert.equal(d.state, want, JSON.stringify(d));
    return d;
  });
}
// What Meta posts.
async function webhook(hub, value) {
  const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes: [{ field: 'messages',
    value: { messaging_product: 'whatsapp', metadata: { display_phone_number: '5511888880000', phone_number_id: NUMBER }, ...value } }] }] });
  const answer = await hub.call('POST', '/wa', body, { key: null,
    headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', APP_SECRET).update(body).digest('hex')}` } });
  assert.equal(answer.status, 200, answer.text);
  await hub.quiet();
}
const now = () => String(Math.floor(Date.now() / 1000));
const status = (id, word, callback) => ({ statuses: [{ id, status: word, timestamp: now(), recipient_id: '5511999990005',
  biz_opaque_callback_data: callback }] });
const incoming = (from = '5511999990005') => ({ contacts: [{ profile: { name: 'Ana' }, wa_id: from }],
  messages: [{ from, id: `wamid.IN${Math.random()}`, timestamp: now(), type: 'text', text: { body: 'Oi' } }] });

test('a message is sent once, and delivery, message and statuses are one thing', async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()] });
  await webhook(hub, incoming());
  const answer = await hub.call('POST', '/api/messages', text({ idempotency_key: 'pedido-1' }));
  assert.equal(answer.status, 202, answer.text);
  const { delivery, message, duplicate } = answer.json;
  assert.equal(duplicate, false);
  const done = await state(hub, delivery, 'delivered');
  const [sent] = wa.events();
  assert.deepEqual(sent.body, { messaging_product: 'whatsapp', recipient_type: 'individual', to: '+5511999990005', type: 'text',
    text: { body: 'Oi, Ana' }, biz_opaque_callback_data: delivery });
  assert.equal(sent.number, NUMBER);
  assert.equal(done.remote_id, sent.id);
  assert.doesNotMatch(JSON.stringify(done), new RegExp(WHATSAPP_TOKEN));
  const seen = await hub.get(`/api/messages/${message}`);
  assert.equal(seen.external_id, sent.id);
  assert.equal(seen.status, 'accepted');
  assert.equal(seen.direction, 'out');
  assert.deepEqual(await hub.get(`/api/messages/${encodeURIComponent(sent.id)}`), seen);
  const foreign = 'wamid.HBgN/T+x==', at = `/api/messages/${encodeURIComponent(foreign)}`;
  assert.equal((await hub.call('GET', at)).status, 404);
  await webhook(hub, status(foreign, 'delivered'));
  const elsewhere = await hub.get(at);
  assert.deepEqual([elsewhere.external_id, elsewhere.id, elsewhere.statuses.map((s) => s.status)], [foreign, undefined, ['delivered']]);
  await webhook(hub, status(sent.id, 'read', delivery));
  await webhook(hub, status(sent.id, 'sent', delivery));
  assert.equal((await hub.get(`/api/messages/${message}`)).status, 'read');
  /* the same key again, in the header this time */
  const again = await hub.call('POST', '/api/messages', text(), { headers: { 'idempotency-key': 'pedido-1' } });
  assert.equal(again.status, 202);
  assert.deepEqual([again.json.delivery, again.json.message, again.json.duplicate], [delivery, message, true]);
  const other = await hub.call('POST', '/api/messages', text({ text: 'Outra', idempotency_key: 'pedido-1' }));
  assert.deepEqual([other.status, other.json.error.code], [409, 'idempotency_conflict']);
  await hub.quiet();
  assert.equal(wa.stats().messages, 1);
  /* interpreted once more, nothing goes out again and nothing is forgotten */
  assert.equal((await hub.post('/api/events/replay', { type: 'message.outgoing', since: '1h' })).events, 1);
  await until('it to be interpreted again', async () => (await hub.get('/api/events?type=message.outgoing')).items[0].state === 'done');
  assert.equal((await hub.get(`/api/messages/${message}`)).status, 'read');
  assert.equal(wa.stats().messages, 1);
  assert.equal((await hub.get('/api/events?state=failed')).items.length, 0);
});

test("Meta's own context is an answer, and what is not known is refused by its name", async (t) => {
  const { wa, hub } = await started(t);
  const { delivery, message } = await hub.post('/api/messages', text({ context: { message_id: 'wamid.ASKED' } }));
  await state(hub, delivery, 'delivered');
  assert.deepEqual(wa.events()[0].body.context, { message_id: 'wamid.ASKED' });
  assert.equal((await hub.get(`/api/messages/${message}`)).reply_to, 'wamid.ASKED');
  const refused = await hub.call('POST', '/api/messages', text({ replyTo: 'wamid.ASKED' }));
  assert.equal(refused.status, 400, refused.text);
  assert.match(refused.json.error.message, /`replyTo`/);
  assert.equal(wa.stats().messages, 1);
});

test('a message that failed says why, in the list and by itself', async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()] });
  await webhook(hub, incoming());
  const { delivery, message } = await hub.post('/api/messages', text());
  await state(hub, delivery, 'delivered');
  assert.equal((await hub.get(`/api/messages/${message}`)).error, undefined);
  const failed = status(wa.events()[0].id, 'failed', delivery);
  failed.statuses[0].errors = [{ code: 131026, title: 'Message undeliverable', message: 'Message undeliverable', error_data: { details: 'Not on WhatsApp' } }];
  await webhook(hub, failed);
  const want = { code: 131026, title: 'Message undeliverable', details: 'Not on WhatsApp' };
  const seen = await hub.get(`/api/messages/${message}`);
  assert.deepEqual([seen.status, seen.error], ['failed', want]);
  assert.deepEqual((await hub.all('/api/messages?direction=out')).map((m) => m.error), [want]);
  assert.deepEqual((await hub.all(`/api/messages?conversation=${seen.conversation}&direction=out`)).map((m) => m.error), [want]);
  assert.deepEqual((await hub.all(`/api/messages?contact=${seen.contact}&direction=out`)).map((m) => m.error), [want]);
});

test('a reaction of ours stands at its message, and is no answer', async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()] });
  const asked = incoming();
  await webhook(hub, asked);
  const about = asked.messages[0].id;
  const react = async (emoji) => {
    const sent = await hub.post('/api/messages', { to: TO, type: 'reaction', reaction: { message_id: about, emoji } });
    await state(hub, sent.delivery, 'delivered');
    return sent.message;
  };
  const [target] = await hub.all('/api/messages?direction=in');
  const reactions = async () => (await hub.get(`/api/messages/${target.id}`)).reactions.map((r) => [r.emoji, r.reactor]);
  const first = await react('👍');
  assert.deepEqual(await reactions(), [['👍', undefined]]);
  assert.deepEqual(wa.events()[0].body.reaction, { message_id: about, emoji: '👍' });
  assert.equal(wa.events()[0].body.context, undefined);
  assert.equal((await hub.get(`/api/messages/${first}`)).status, 'accepted');
  await react('❤️');
  assert.deepEqual(await reactions(), [['❤️', undefined]]);
  await react('');
  assert.deepEqual(await reactions(), []);
  wa.mode('code:131026', 1);
  const refused = await hub.post('/api/messages', { to: TO, type: 'reaction', reaction: { message_id: about, emoji: '😮' } });
  await state(hub, refused.delivery, 'dead');
  assert.deepEqual(await reactions(), []);
  const [conversation] = await hub.all('/api/conversations');
  assert.deepEqual([conversation.messages_in, conversation.messages_out, conversation.unread, conversation.last_out_at], [1, 0, 1, undefined]);
  assert.equal((await hub.all('/api/tickets'))[0].first_reply_at, undefined);
});

test('two at once under one key are one message', async (t) => {
  const { wa, hub } = await started(t);
  const answers = await Promise.all(Array.from({ length: 8 }, () => hub.post('/api/messages', text({ idempotency_key: 'k' }))));
  assert.equal(new Set(answers.map((a) => a.delivery)).size, 1);
  assert.equal(answers.filter((a) => !a.duplicate).length, 1);
  await state(hub, answers[0].delivery, 'delivered');
  assert.equal(wa.stats().messages, 1);
});

test('what may have arrived is not sent again by itself; a status proves it', async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()] });
  await webhook(hub, incoming());
  for (const mode of ['lost', 'timeout', 'garbage', '500']) {
    wa.reset();
    wa.mode(mode, 1);
    const { delivery, message } = await hub.post('/api/messages', text());
    const dead = await state(hub, delivery, 'dead');
    assert.match(dead.reason, /outcome unknown/, mode);
    await pause(700);
    assert.equal(wa.stats().requests, mode === 'lost' ? 1 : 0, mode);
    if (mode !== 'lost') continue;
    await webhook(hub, status('wamid.LOST', 'delivered', delivery));
    assert.equal((await state(hub, delivery, 'delivered')).remote_id, 'wamid.LOST');
    assert.equal((await hub.get(`/api/messages/${message}`)).status, 'delivered');
  }
  /* the status may be faster than the time-out */
  wa.mode('timeout', 1);
  const early = await hub.post('/api/messages', text());
  await state(hub, early.delivery, 'leased');
  await webhook(hub, status('wamid.EARLY', 'sent', early.delivery));
  assert.equal((await state(hub, early.delivery, 'delivered')).remote_id, 'wamid.EARLY');
  /* a person who knows may have it sent again */
  wa.mode('ok');
  const [last] = await hub.all('/api/deliveries?state=dead');
  await hub.post(`/api/deliveries/${last.id}/retry`);
  await state(hub, last.id, 'delivered');
  assert.equal(wa.stats().messages, 1);
});

test('a throttle waits and is sent, a refusal of one person stops nobody else', async (t) => {
  const { wa, hub } = await started(t);
  wa.mode('code5:131000', 1);
  await state(hub, (await hub.post('/api/messages', text())).delivery, 'delivered');
  wa.mode('to:5521:131026');
  const bad = await hub.post('/api/messages', text({ to: '+5521999990005' }));
  const good = await hub.post('/api/messages', text());
  assert.match((await state(hub, bad.delivery, 'dead')).reason, /131026/);
  await state(hub, good.delivery, 'delivered');
  wa.mode('code:131047');
  assert.match((await state(hub, (await hub.post('/api/messages', text())).delivery, 'dead')).reason, /131047/);
  wa.mode('code:130429', 1);
  const start = Date.now();
  await state(hub, (await hub.post('/api/messages', text())).delivery, 'delivered');
  assert.ok(Date.now() - start > 4000, 'it waited');
  assert.equal(wa.stats().messages, 4 - 1);
});

test('too many to one person: what waits for them waits as long and keeps its order, others go on', async (t) => {
  const { wa, hub } = await started(t);
  const send = async (body, more) => (await hub.post('/api/messages', text({ text: body, ...more }))).delivery;
  wa.mode('code:131056', 1);
  const first = await send('um'), start = Date.now();
  await until('the refusal', async () => (await hub.get(`/api/deliveries/${first}`)).attempts === 1);
  const second = await send('dois'), third = await send('tres');
  const other = await send('outra pessoa', { to: '+5521999990005' });
  await state(hub, other, 'delivered');
  assert.ok(Date.now() - start < 5000, 'the other person did not wait');
  assert.match((await state(hub, second, 'waiting')).reason, /too many messages to this recipient/);
  for (const id of [first, second, third]) await state(hub, id, 'delivered');
  assert.ok(Date.now() - start >= 6000, 'it waited');
  assert.deepEqual(wa.events().map((m) => m.body.text.body), ['outra pessoa', 'um', 'dois', 'tres']);
  assert.equal((await hub.get(`/api/deliveries/${second}`)).attempts, 1);
});

test('a refused token holds the destination, nothing is lost', async (t) => {
  const { wa, hub } = await started(t);
  wa.mode('unauthorised');
  const { delivery } = await hub.post('/api/messages', text());
  await until('the hold', async () => (await hub.get('/api/destinations/zap')).state === 'held');
  wa.mode('ok');
  await hub.post('/api/destinations/zap/resume');
  await state(hub, delivery, 'delivered');
  assert.equal(wa.stats().messages, 1);
  assert.equal((await hub.post('/api/destinations/zap/probe')).verdict, 'delivered');
});

test('outside the 24 hours only a template; no marketing for who asked for none', async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()], destination: { marketing: ['oferta'] } });
  const refused = await hub.call('POST', '/api/messages', text());
  assert.deepEqual([refused.status, refused.json.error.code], [422, 'window_closed']);
  const template = (name) => ({ to: TO, type: 'template', template: { name, language: 'pt_BR', parameters: ['Ana'] } });
  const first = await hub.post('/api/messages', { ...template('oferta'), idempotency_key: 'k1' });
  await state(hub, first.delivery, 'delivered');
  assert.deepEqual(wa.events()[0].body.template, { name: 'oferta', language: { code: 'pt_BR' },
    components: [{ type: 'body', parameters: [{ type: 'text', text: 'Ana' }] }] });
  await webhook(hub, incoming());
  await state(hub, (await hub.post('/api/messages', text())).delivery, 'delivered');
  /* the person's number without its ninth digit is the same person */
  await state(hub, (await hub.post('/api/messages', text({ to: '+551199990005' }))).delivery, 'delivered');
  await webhook(hub, { contacts: [{ profile: { name: 'Ana' }, wa_id: '5511999990005' }],
    user_preferences: [{ wa_id: '5511999990005', detail: 'stop', category: 'marketing_messages', value: 'stop', timestamp: Number(now()) }] });
  const stopped = await hub.call('POST', '/api/messages', template('oferta'));
  assert.deepEqual([stopped.status, stopped.json.error.code], [422, 'opted_out']);
  /* who lost the answer of before is given it, whatever would be refused by now */
  assert.deepEqual(await hub.post('/api/messages', { ...template('oferta'), idempotency_key: 'k1' }), { ...first, duplicate: true });
  const reused = await hub.call('POST', '/api/messages', { ...template('oferta'), category: 'marketing', idempotency_key: 'k1' });
  assert.deepEqual([reused.status, reused.json.error.code], [409, 'idempotency_conflict']);
  await state(hub, (await hub.post('/api/messages', template('pedido_pago'))).delivery, 'delivered');
  assert.equal(wa.stats().messages, 4);
});

test('mistakes are told before anything is stored', async (t) => {
  const { wa, hub } = await started(t);
  const bad = [[{ type: 'text', text: 'x' }, /to whom/], [text({ to: 'ana' }), /`to`/], [text({ type: 'fax' }), /`type`/],
    [text({ text: '' }), /empty/], [text({ text: 'x'.repeat(4097) }), /longer than 4096/], [text({ contact: 'con_x' }), /one of/],
    [{ to: TO, type: 'image', image: { id: '1', link: 'https://x/y' } }, /either/],
    [{ to: TO, type: 'image', image: { link: 'file:///etc/passwd' } }, /http/],
    [{ to: TO, type: 'template', template: { name: 'Oi', language: 'pt_BR' } }, /a-z/],
    [text({ idempotency_key: 'a b' }), /visible/]];
  for (const [body, message] of bad) {
    const answer = await hub.call('POST', '/api/messages', body);
    assert.deepEqual([answer.status, answer.json.error.code], [400, 'invalid'], answer.text);
    assert.match(answer.json.error.message, message);
  }
  assert.equal((await hub.call('POST', '/api/messages', text({ destination: 'nobody' }))).status, 404);
  assert.equal((await hub.call('POST', '/api/messages', text({ text: 'x'.repeat(40_000) }))).status, 413);
  for (const role of ['reader', 'ingest']) {
    const { key } = await hub.post('/api/keys', { name: role, role });
    assert.equal((await hub.call('POST', '/api/messages', text(), { key })).status, 403, role);
  }
  assert.equal((await hub.get('/api/events')).items.length, 0);
  assert.equal(wa.stats().requests, 0);
});

test('content and numbers: in no log, and hidden from keys without personal data', async (t) => {
  const { hub } = await started(t);
  const { key } = await hub.post('/api/keys', { name: 'plain', role: 'operator' });
  const { delivery } = await hub.post('/api/messages', text({ text: 'segredo-da-ana' }), { key });
  await state(hub, delivery, 'delivered');
  const events = await hub.get('/api/events');
  const shown = [`/api/events/${events.items[0].id}`, `/api/deliveries/${delivery}`, '/api/messages'];
  for (const path of shown) assert.doesNotMatch(JSON.stringify(await hub.get(path, { key })), /segredo-da-ana|99999\D?0005/, path);
  assert.doesNotMatch(hub.out + hub.err, /segredo-da-ana|99999\D?0005|EAAB-whatsapp/);
});

test('a message that was refused at once shows as failed, with the reason, wherever it is shown; retried, as what it is then', async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()] });
  await webhook(hub, incoming());
  const { key } = await hub.post('/api/keys', { name: 'blind', role: 'reader', rate_per_min: 0 });
  const shown = async (id, options) => {
    const one = await hub.get(`/api/messages/${id}`, options), listed = (await hub.all('/api/messages', options)).find((m) => m.id === id);
    for (const m of [listed, (await hub.all(`/api/messages?conversation=${one.conversation}`, options)).find((m) => m.id === id),
      (await hub.all(`/api/messages?contact=${one.contact}`, options)).find((m) => m.id === id)])
      assert.deepEqual([m.status, m.status_at, m.error], [one.status, one.status_at, one.error]);
    return one;
  };
  const sent = async () => (await hub.get('/api/messages/stats')).sent;
  wa.mode('code:131026');
  const { delivery, message } = await hub.post('/api/messages', text());
  const dead = await state(hub, delivery, 'dead');
  const failed = await shown(message);
  assert.deepEqual([failed.status, failed.error], ['failed', { code: 131026, details: dead.reason }]);
  assert.equal(failed.status_at, dead.attempts_made[0].at);
  assert.deepEqual((await shown(message, { key })).error, failed.error, 'our own words name nobody');
  assert.deepEqual(await sent(), { failed: 1 });
  await hub.post(`/api/dead-letters/${delivery}/archive`);
  assert.deepEqual(await shown(message), failed);

  wa.mode('ok');
  await hub.post(`/api/deliveries/${delivery}/retry`);
  await state(hub, delivery, 'delivered');
  const out = await shown(message);
  assert.deepEqual([out.status, out.error], ['accepted', undefined]);
  assert.deepEqual(await sent(), { accepted: 1 });

  wa.mode('code:131047');
  const gone = await hub.post('/api/messages', text());
  await state(hub, gone.delivery, 'dead');
  assert.equal((await hub.call('DELETE', `/api/dead-letters/${gone.delivery}`)).status, 200);
  assert.deepEqual(((m) => [m.status, m.status_at, m.error])(await shown(gone.message)), ['failed', undefined, { details: 'its delivery was deleted' }]);
  assert.deepEqual(await sent(), { accepted: 1, failed: 1 });
  await hub.post('/api/destinations/zap/pause'); // and one that only waits has not failed
  const waits = await hub.post('/api/messages', text());
  await hub.quiet();
  assert.deepEqual(((m) => [m.status, m.error])(await shown(waits.message)), [undefined, undefined]);
});

test('a routed event becomes a template, once per order; the command line sends', async (t) => {
  const { wa, hub } = await started(t, { sources: [caktoSource()], destination: { templates: { 'order.paid': 'pedido_pago pt_BR /contact/first_name' } },
    routes: [{ name: 'thanks', on: ['order.*'], to: 'zap' }] });
  const order = paidOrder();
  await accepted(hub, order);
  const done = await hub.delivery('zap', 'delivered');
  assert.match(done.key, /^order\.paid:pedido_pago:/);
  assert.equal(wa.events()[0].body.type, 'template');
  const { code, out, err } = await hub.cli(['message', 'send', '--to', TO, '--text', 'Oi', '--key', 'cli-1', '--json'],
    { env: { MALOTE_URL: hub.base, MALOTE_API_KEY: ADMIN_KEY } });
  assert.equal(code, 0, err);
  await state(hub, JSON.parse(out).delivery, 'delivered');
  assert.equal(wa.stats().messages, 2);
  const cli = async (want, ...args) => {
    const done = await hub.cli(['message', ...args]);
    assert.equal(done.code, want, `${args.join(' ')}: ${done.out}${done.err}`);
    return want === 0 ? JSON.parse(done.out) : done.err;
  };
  assert.equal((await cli(0, 'show', JSON.parse(out).message)).text, 'Oi');
  assert.equal((await cli(0, 'stats', '--since', '7d')).messages.find(({ type, direction }) => type === 'text' && direction === 'out').count, 1);
  assert.deepEqual((await cli(0, 'stats', '--since', '2050-01-01T00:00:00Z')).messages, []);
  assert.match(await cli(1, 'stats', '--since', 'soon'), /is no time/);
  await cli(1, 'show', 'msg_nothing');
  for (const args of [['show'], ['stats', 'x'], ['stats', '--to', TO], ['show', 'x', '--since', '1d'], ['send', '--to', TO, '--text', 'x', '--since', '1d'], ['receive']])
    await cli(2, ...args);
  /* in the words of who typed it; nothing of it is sent */
  const to = ['--to', TO], before = (await hub.all('/api/messages')).length;
  for (const [says, ...args] of [[/--text or --template, not both/, ...to, '--text', 'a', '--template', 'b'],
    [/--text or --template, not both/, ...to, '--text', 'a', '--template', 'b', '--language', 'pt_BR'],
    [/--template needs its --language/, ...to, '--template', 'b'], [/--template needs its --language/, ...to, '--template', 'b', '--language', ''],
    [/go with --template/, ...to, '--text', 'a', '--language', 'pt_BR'], [/go with --template/, ...to, '--text', 'a', '--parameters', 'x'],
    [/say what: --text/, ...to], [/say what: --text/, ...to, '--text', ''], [/say to whom/, '--text', 'a'], [/say to whom/, ...to, '--group', 'g', '--text', 'a'],
    [/no flags beside it/, '-', ...to]])
    assert.match(await cli(2, 'send', ...args), says);
  assert.equal((await hub.all('/api/messages')).length, before);
  /* what is no id of a delivery says so; a file has a command of its own; ages have a unit */
  for (const [says, ...args] of [[/no id of a delivery/, 'retry', 'x'], [/malote media retry med_1/, 'retry', 'med_1'], [/--source, --type, --state or --since/, 'replay'],
    [/--source, --type, --state or --since/, 'replay', '--dry-run'], [/--older-than 90d/, 'prune-media'], [/--older-than 90d/, 'prune-media', '--older-than', '90'],
    [/-o needs a value/, 'media', 'download', 'med_1', '-o'], [/see `malote help`/, 'help', 'nothing']]) {
    const done = await hub.cli(args);
    assert.equal(done.code, 2, args.join(' '));
    assert.match(done.err, says);
  }
  assert.match((await hub.cli(['media', 'upload', 'no-such-file'])).err, /cannot read no-such-file/);
  const help = (await hub.cli(['help', 'message'])).out, list = (await hub.cli(['help'])).out;
  assert.match(help, /--template pedido_pago --language pt_BR[^]*flags: --to … .*--json$/m);
  assert.doesNotMatch(list, /pedido_pago/); // one line each
  assert.match((await hub.cli(['help', 'prune-media'])).out, /flags: --older-than … --dry-run --json/);
});

// Meta reads the request and the connection is cut: on a new connection, and on one that was kept, where libcurl would send it once more.
for (const kept of [false, true])
  test(`cut off after the request was read, on a ${kept ? 'kept' : 'new'} connection: sent once, and not again by itself`, async (t) => {
    const { wa, hub } = await started(t, { sources: [inbox()], destination: { concurrency: 1 } });
    const before = kept ? 1 : 0;
    if (kept) await state(hub, (await hub.post('/api/messages', template)).delivery, 'delivered');
    wa.mode('lost', 1);
    const { delivery } = await hub.post('/api/messages', template);
    const dead = await state(hub, delivery, 'dead');
    assert.match(dead.reason, /^outcome unknown: .*not repeated by itself/);
    await pause(500);
    assert.equal(wa.stats().messages, before + 1);
  });

test('repeat_unknown: what may have arrived is sent once more after two minutes, unless a status proves it', { skip: !sqlite && 'needs the sqlite3 tool' }, async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()], destination: { repeat_unknown: true } });
  wa.mode('lost', 2);
  const proven = await hub.post('/api/messages', template), lost = await hub.post('/api/messages', { ...template, to: '+5511999990006' });
  for (const { delivery } of [proven, lost]) {
    const waits = await until(`${delivery} to have been tried`, async () => { const d = await hub.get(`/api/deliveries/${delivery}`); return d.attempts_made.length === 1 && d; });
    assert.deepEqual([waits.state, waits.attempts_made[0].verdict], ['waiting', 'retry']);
    assert.match(waits.reason, /^outcome unknown: no answer$/);
    const wait = Date.parse(waits.due_at) - Date.now();
    assert.ok(wait > 100_000 && wait < 150_000, `${wait} ms`);
  }
  const first = wa.events().find(({ body }) => body.to === TO);
  await webhook(hub, { statuses: [{ id: first.id, status: 'delivered', timestamp: String(Math.floor(Date.now() / 1000)), recipient_id: TO.slice(1), biz_opaque_callback_data: proven.delivery }] });
  assert.equal((await state(hub, proven.delivery, 'delivered')).reason, 'proven by a status');
  await hub.stop();
  assert.equal(spawnSync('sqlite3', [join(hub.data, 'malote.db'), 'UPDATE deliveries SET due_ms = 1 WHERE state = 0']).status, 0); // two minutes later
  await hub.start();
  const done = await state(hub, lost.delivery, 'delivered');
  assert.equal(done.attempts_made.length, 2);
  const bodies = wa.events().map(({ body }) => body), twice = bodies.filter(({ to }) => to === '+5511999990006');
  assert.deepEqual([bodies.length, twice.length], [3, 2]);
  assert.deepEqual(twice[0], twice[1], 'the same delivery\'s id: a status of either is known');
});

test('an idempotency key is remembered for as long as it is set, and then forgotten', async (t) => {
  const wa = await startWhatsApp(t), hub = await startHub(t, { env: { MALOTE_MESSAGE_KEYS: '2s' } });
  await hub.apply({ destinations: [zap(wa, { rate_per_min: 0 })] });
  const send = (key, say) => hub.post('/api/messages', text({ text: say, idempotency_key: key }));
  const first = await send('k', 'um');
  assert.equal((await send('k', 'um')).delivery, first.delivery);
  for (let i = 0; i < 9; i++) await send(`other-${i}`, 'x');
  await pause(2100);
  const second = await send('k', 'dois'); // no conflict: that key is none any more
  assert.deepEqual([second.duplicate, second.delivery === first.delivery], [false, false]);
  await send('l', 'três');
  await until('all to go out', () => wa.stats().messages === 12);
  assert.equal(wa.events().filter(({ body }) => body.text.body === 'dois').length, 1);
  if (sqlite) assert.equal(spawnSync('sqlite3', [join(hub.data, 'malote.db'), 'SELECT group_concat(key) FROM message_keys']).stdout.toString().split(',').length, 2);
  const { code, err } = await hub.cli(['serve'], { env: { MALOTE_MESSAGE_KEYS: 'soon' } });
  assert.deepEqual([code, /MALOTE_MESSAGE_KEYS is 1s to 366d/.test(err)], [1, true], err);
});

test('what was accepted before a kill is sent after it, once', async (t) => {
  const wa = await startWhatsApp(t);
  const data = folder(t);
  const first = await startHub(t, { data });
  await first.apply({ destinations: [zap(wa, { enabled: false })] });
  const { delivery } = await first.post('/api/messages', text({ idempotency_key: 'k' }));
  await first.kill();
  const hub = await startHub(t, { data });
  assert.equal((await hub.post('/api/messages', text({ idempotency_key: 'k' }))).delivery, delivery);
  await hub.post('/api/destinations/zap/resume');
  await state(hub, delivery, 'delivered');
  assert.equal(wa.stats().messages, 1);
});

test('a group: sent without a window of its own, counted by participant, its conversation nobody\'s', async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()] });
  const group = 'Y2FwaV9ncm91cDoxNz', { delivery, message } = await hub.post('/api/messages', { group, type: 'text', text: 'Oi, gente' });
  const { remote_id: id } = await state(hub, delivery, 'delivered');
  assert.deepEqual([wa.events()[0].body.recipient_type, wa.events()[0].body.to], ['group', group]);
  const said = (word, recipient_participant_id) => ({ id, status: word, timestamp: now(), recipient_type: 'group', recipient_id: group, recipient_participant_id });
  await webhook(hub, { statuses: [said('sent', '5511999990001'), said('delivered', '5511999990002'), said('read', '5511999990002'), said('failed', '5511999990003')] });
  const seen = await hub.get(`/api/messages/${message}`);
  assert.deepEqual([seen.status, seen.contact, seen.data], ['read', undefined, undefined]);
  assert.deepEqual(seen.recipients, { known: 3, sent: 2, delivered: 1, read: 1, played: 0, failed: 1 });
  assert.deepEqual((await hub.all('/api/messages'))[0].recipients, seen.recipients);
  const [conversation] = await hub.all('/api/conversations');
  assert.deepEqual([conversation.id, conversation.group, conversation.messages_out], [seen.conversation, group, 1]);
  assert.equal((await hub.all('/api/contacts')).length, 0);
  for (const wrong of [{ to: TO, group }, { group, contact: 'con_0000000000001' }, {}])
    assert.equal((await hub.call('POST', '/api/messages', { type: 'text', text: 'Oi', ...wrong })).status, 400);
});

test('whom Meta says a message went to is the person who was meant: one window, one word against marketing', async (t) => {
  const { wa, hub } = await started(t, { sources: [inbox()], destination: { marketing: ['oferta'] } });
  wa.people = { 525512345678: { wa_id: '5215512345678', user_id: 'MX.1' }, 5511999990005: { wa_id: '551199990005', user_id: 'BR.5' } };
  const offer = (to) => ({ to, type: 'template', template: { name: 'oferta', language: 'es_MX' } });
  const sent = await hub.post('/api/messages', offer('+525512345678'));
  const { remote_id } = await state(hub, sent.delivery, 'delivered');
  await state(hub, (await hub.post('/api/messages', offer(TO))).delivery, 'delivered');
  const people = async () => (await allPeople(hub)).map((c) => [c.phone, c.wa_id, c.wa_user_id]).sort();
  assert.deepEqual(await people(), [['+5215512345678', '5215512345678', 'MX.1'], ['+5511999990005', '551199990005', 'BR.5']]);
  // Asked again by the contact, who is reached under another number since: the same message.
  const [known] = (await hub.all('/api/contacts')).filter((c) => c.fields.phone.value === '+5511999990005');
  const { type, template } = offer(TO), byContact = { contact: known.id, type, template, idempotency_key: 'by-contact' };
  wa.people[551199990005] = { wa_id: '5511999990005' };
  const one = await hub.post('/api/messages', byContact);
  await state(hub, one.delivery, 'delivered');
  assert.deepEqual(await hub.post('/api/messages', byContact), { ...one, duplicate: true });
  wa.people[551199990005] = wa.people[5511999990005];
  await state(hub, (await hub.post('/api/messages', { ...byContact, idempotency_key: 'k3' })).delivery, 'delivered');
  await webhook(hub, incoming('5215512345678'));
  await state(hub, (await hub.post('/api/messages', text({ to: '+525512345678' }))).delivery, 'delivered');
  // By a user id alone it is the same person; who quotes what was sent to somebody else is not that person.
  const says = (body, more) => ({ messages: [{ id: `wamid.S${Math.random()}`, timestamp: now(), type: 'text', text: { body }, ...more }] });
  await webhook(hub, says('oi', { from_user_id: 'BR.5' }));
  await webhook(hub, says('PARAR', { from_user_id: 'MX.2', context: { id: remote_id } }));
  assert.equal((await people()).length, 3);
  await state(hub, (await hub.post('/api/messages', offer('+525512345678'))).delivery, 'delivered');
  await webhook(hub, says('PARAR', { from_user_id: 'MX.1', context: { id: remote_id } }));
  const stopped = await hub.call('POST', '/api/messages', offer('+525512345678'));
  assert.deepEqual([stopped.status, stopped.json.error.code], [422, 'opted_out']);
  // Meta's own word that somebody asked it for no marketing counts as theirs.
  await webhook(hub, { statuses: [{ id: 'wamid.X', status: 'failed', timestamp: now(), recipient_id: '551199990005', errors: [{ code: 131050, title: 'Opted out' }] }] });
  assert.equal((await hub.call('POST', '/api/messages', offer(TO))).json.error?.code, 'opted_out');
});

// What docs/destinations/whatsapp-cloud.md tells a newcomer to type, as it stands there: only addresses and the answer's id are filled in.
const curl = spawnSync('curl', ['--version']).status === 0;
test('the commands of the documentation do what it says', { skip: !curl && 'needs curl' }, async (t) => {
  const wa = await startWhatsApp(t), hub = await startHub(t), dir = folder(t);
  const page = (name) => readFileSync(new URL(`../../docs/${name}/whatsapp-cloud.md`, import.meta.url), 'utf8').replace(/^ {3}(?=\S| {2})/gm, '');
  const blocks = (name, language) => [...page(name).matchAll(/```(\w+)\n([^]*?)```/g)].filter((m) => m[1] === language).map((m) => m[2]);
  const env = { MALOTE_URL: hub.base, META_APP_SECRET: 'secret-of-the-app', WA_VERIFY_TOKEN: 'meatyhamhock', WA_TOKEN: WHATSAPP_TOKEN };
  for (const yaml of [blocks('sources', 'yaml')[0], blocks('destinations', 'yaml')[0]]) {
    writeFileSync(join(dir, 'hub.yaml'), yaml.replace('access_token:', `base_url: "${wa.base}", access_token:`));
    const done = await hub.cli(['apply', join(dir, 'hub.yaml')], { env });
    assert.equal(done.code, 0, done.err);
  }
  symlinkSync(BIN, join(dir, 'malote'));
  writeFileSync(join(dir, 'orcamento.pdf'), '%PDF-1.4 um orçamento');
  let media = '';
  // A person types slower than the hub reads: each command finds what those before it did.
  for (const block of blocks('destinations', 'sh').flatMap((b) => b.split(/^(?=MEDIA=)|(?<!MEDIA=.*\n)^(?=curl)/m))) {
    const text = block.replaceAll('http://127.0.0.1:7070', hub.base).replace('MEDIA=med_…', `MEDIA=${media}`);
    const run = spawn('bash', ['-ec', text], { cwd: dir, env: { ...process.env, ...env, KEY: ADMIN_KEY, MALOTE_API_KEY: ADMIN_KEY, PATH: `${dir}:${process.env.PATH}` } });
    let out = '';
    for (const stream of [run.stdout, run.stderr]) stream.on('data', (piece) => { out += piece; });
    assert.deepEqual(await once(run, 'close'), [0, null], out);
    assert.doesNotMatch(out, /"error"/, block);
    media = out.match(/"(med_[0-9a-z]+)"/)?.[1] ?? media;
    await hub.quiet();
  }
  await hub.deliveries('zap', 'delivered', 3);
  assert.deepEqual(wa.events().map((e) => e.body.type).sort(), ['document', 'template', 'text']);
});
