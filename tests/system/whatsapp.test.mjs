// whatsapp.test.mjs: WhatsApp through the real program: handshake, signed bodies, records over the API and the commands.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { NEEDS_SQLITE, accepted, caktoSource, crm, paidOrder, people as allPeople, pixel, startHub, startMeta, startSink, startWhatsApp, toCrm, toPixel, until, zap } from './hub.mjs';

const SECRET = '5f4dcc3b5aa765d61d8327deb882cf99', NEXT = 'the-secret-after-it', PATH = '/in/whatsapp', NUMBER = '106540352242922';
const source = (more) => ({ name: 'whatsapp', kind: 'whatsapp-cloud', path: PATH, app_secret: SECRET, verify_token: 'meatyhamhock', ...more });
const golden = (name) => readFileSync(new URL(`../golden/whatsapp-cloud/${name}.json`, import.meta.url), 'utf8');
const sign = (body, secret = SECRET) => ({ 'content-type': 'application/json',
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` });
const post = (hub, body, headers = sign(body)) => hub.call('POST', PATH, body, { key: null, headers });
const envelope = (value, field = 'messages') => JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes: [{ field,
  value: { messaging_product: 'whatsapp', metadata: { display_phone_number: '5511955550100', phone_number_id: NUMBER }, ...value } }] }] });
const text = (id, body, more = {}) => ({ from: '5511999990001', id, timestamp: String(Math.floor(Date.now() / 1000)), type: 'text', text: { body }, ...more });

// Meta escapes slashes and everything outside ASCII: the proof is over those bytes.
const asMeta = (json) => json.replace(/\//g, '\\/').replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

async function received(hub, body, events, headers) {
  const answer = await post(hub, body, headers);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.events + answer.json.duplicates, events, answer.text);
  await hub.quiet();
  return answer.json;
}

test('the handshake: the challenge as it is, 403 else', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source(), source({ name: 'mute', path: '/in/mute', verify_token: undefined })] });
  const get = (query, path = PATH) => hub.call('GET', `${path}?${query}`, undefined, { key: null });
  const good = await get('hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock');
  assert.deepEqual([good.status, good.text], [200, '1158201444']);
  assert.match(good.headers.get('content-type'), /^text\/plain/);
  for (const query of ['hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong', 'hub.challenge=1&hub.verify_token=meatyhamhock', ''])
    assert.equal((await get(query)).status, 403, query);
  assert.equal((await get('hub.mode=subscribe&hub.challenge=1&hub.verify_token=', '/in/mute')).status, 403);
  // What is missing is told, in the same words whether the token is right, wrong or not there at all.
  const told = async (query, path) => { const { status, json } = await get(query, path); assert.equal(status, 403, query); return json.error.message; };
  for (const [rest, says] of [['', /`hub\.mode`/], ['hub.mode=subscribe&', /`hub\.challenge`/], ['hub.mode=subscribe&hub.challenge=&', /`hub\.challenge`/]]) {
    const words = new Set([await told(`${rest}hub.verify_token=meatyhamhock`), await told(`${rest}hub.verify_token=wrong`), await told(rest),
      await told(`${rest}hub.verify_token=wrong`, '/in/mute')]);
    assert.equal(words.size, 1, rest);
    assert.match([...words][0], says);
  }
  const whole = 'hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong';
  assert.equal(await told(whole), await told(whole, '/in/mute'));
  assert.match(await told(whole), /token does not match/);
  await until('the log to say which it was', () => /handshake\.denied.*wrong_token/.test(hub.err) && /handshake\.denied.*no_token_configured/.test(hub.err));
  assert.doesNotMatch(hub.err, /meatyhamhock/);
  const put = await hub.call('PUT', PATH, {});
  assert.deepEqual([put.status, put.headers.get('allow'), put.json.error.message], [405, 'GET, POST', 'this path takes GET, POST']);
});

test('a setting that is empty is none: refused for a secret, whoever asks', async (t) => {
  const hub = await startHub(t);
  const refused = async (config, says) => {
    const answer = await hub.call('POST', '/api/apply', config);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.json.error.message, says);
  };
  await refused({ destinations: [{ name: 'z2', kind: 'whatsapp-cloud', phone_number_id: '1', access_token: '' }] }, /`access_token`: is required and must not be empty/);
  await refused({ sources: [source({ verify_token: ' ' })] }, /`verify_token`: is empty/);
  await refused({ sources: [source({ numbers: ['+5511999990000'] })] }, /`numbers`: digits only/);
  await refused({ sources: [source({ accounts: { 7: 'shop' } })] }, /`accounts`: write workspace\/source/);
  await hub.apply({ sources: [source()] });
  assert.equal((await hub.call('PATCH', '/api/sources/whatsapp', { verify_token: '' })).status, 400);
  await hub.patch('/api/sources/whatsapp', { verify_token: null }); // the way to have none
});

test('one broken character costs its message that character, and its neighbours nothing', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source()] });
  for (const [name, broken] of [['half', Buffer.from('oi \\ud83d')], ['byte', Buffer.from([0x6f, 0x69, 0x20, 0xff])]]) {
    const whole = envelope({ messages: ['XX', 'segunda', 'terceira'].map((body, i) => text(`wamid.${name}.${i}`, body)) }), at = whole.indexOf('XX');
    const body = Buffer.concat([Buffer.from(whole.slice(0, at)), broken, Buffer.from(whole.slice(at + 2))]);
    const answer = await fetch(hub.base + PATH, { method: 'POST', body, headers: sign(body) });
    assert.deepEqual([answer.status, (await answer.json()).events], [200, 3]);
    await hub.quiet();
    const messages = (await hub.all('/api/messages')).filter((m) => m.external_id.startsWith(`wamid.${name}.`)).reverse();
    assert.deepEqual(messages.map((m) => m.text), ['oi \ufffd', 'segunda', 'terceira']);
  }
  // Replayed, they are found where they were.
  assert.equal((await hub.call('POST', '/api/events/replay', { all: true })).status, 202);
  await hub.quiet();
  assert.deepEqual([(await hub.all('/api/requests?problem=true')).length, (await hub.all('/api/events?state=failed')).length, (await hub.all('/api/messages')).length], [0, 0, 6]);
});

test('an event nested deeper than is parsed again is masked whole, in valid JSON', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source()] });
  const nest = (n) => `${'{"d":'.repeat(n)}1${'}'.repeat(n)}`;
  for (let n = 54; n <= 64; n++)
    await received(hub, envelope({ messages: [text(`wamid.deep.${n}`, '', { type: 'interactive', interactive: { type: 'nfm_reply', nfm_reply: { name: 'flow', body: 'Sent', response_json: nest(n) } } })] }), 1);
  const { key } = await hub.post('/api/keys', { name: 'blind', role: 'reader' });
  const data = [];
  for (const { id } of await hub.all('/api/events')) {
    const answer = await hub.call('GET', `/api/events/${id}`, undefined, { key });
    assert.ok(answer.json, answer.text.slice(-300));
    data.push(answer.json.data);
  }
  assert.ok(data.includes('***') && data.some((d) => d?.message), 'some can be looked into, some cannot');
});

test('from a signed body to conversation, ticket and message', async (t) => {
  const sink = await startSink(t);
  const hub = await startHub(t);
  await hub.apply({ sources: [source({ app_secret: [SECRET, NEXT] })], destinations: [crm(sink)], routes: [toCrm()] });
  const body = asMeta(envelope({ contacts: [{ wa_id: '5511999990001', profile: { name: 'João' } }], messages: [text('wamid.1', 'Olá/oi 🙂')] }));
  assert.equal((await post(hub, body, sign(body, 'wrong'))).status, 401);
  assert.equal((await post(hub, body, { 'content-type': 'application/json' })).status, 401);
  await received(hub, body, 1);
  assert.equal((await received(hub, body, 1, sign(body, NEXT))).duplicates, 1); // Meta repeats; the secret is being changed

  const [message] = await hub.all('/api/messages');
  assert.equal(message.text, 'Olá/oi 🙂');
  assert.deepEqual([message.direction, message.type, message.account, message.external_id], ['in', 'text', NUMBER, 'wamid.1']);
  const [conversation] = await hub.all('/api/conversations');
  assert.equal(Date.parse(conversation.window_until) - Date.parse(message.at), 24 * 3600 * 1000);
  assert.equal(conversation.id, message.conversation);
  const [ticket] = await hub.all('/api/tickets?state=open');
  assert.equal(ticket.id, message.ticket);
  assert.equal((await hub.deliveries('crm', 'delivered', 1)).length, 1);

  // A reply written in the app, its fate, a reaction, an edit; the status comes first.
  const at = String(Math.floor(Date.now() / 1000) + 1);
  await received(hub, envelope({ statuses: [{ id: 'wamid.2', status: 'read', timestamp: at, recipient_id: '5511999990001' },
    { id: 'wamid.2', status: 'sent', timestamp: at }] }), 2);
  await received(hub, envelope({ message_echoes: [{ ...text('wamid.2', 'Sim'), from: '5511955550100', to: '551199990001' }] }, 'smb_message_echoes'), 1);
  await received(hub, envelope({ messages: [text('wamid.3', '', { type: 'reaction', reaction: { message_id: 'wamid.2', emoji: '👍' } }),
    text('wamid.4', '', { type: 'edit', edit: { original_message_id: 'wamid.1', message: { type: 'text', text: { body: 'Olá de novo' } } } })] }), 2);
  const all = await hub.all(`/api/messages?conversation=${conversation.id}`);
  assert.deepEqual(all.map((m) => [m.external_id, m.text, m.status, m.ticket]), [['wamid.2', 'Sim', 'read', ticket.id], ['wamid.1', 'Olá de novo', undefined, ticket.id]]);
  const reply = await hub.get(`/api/messages/${all[0].id}`);
  assert.deepEqual(reply.statuses.map((s) => s.status).sort(), ['read', 'sent']);
  assert.deepEqual(reply.reactions.map((r) => r.emoji), ['👍']);
  assert.deepEqual((await hub.get(`/api/messages/${all[1].id}`)).edits.map((e) => [e.kind, e.text]), [['original', message.text], ['edit', 'Olá de novo']]);
  assert.equal((await hub.all('/api/contacts')).length, 1); // with and without the ninth digit: one person
  assert.equal((await hub.all(`/api/messages?contact=${message.contact}&direction=out`)).length, 1);
  assert.ok((await hub.get(`/api/tickets/${ticket.id}`)).first_reply_at);

  // Closed, the next message opens another; the first cannot be opened beside it.
  assert.equal((await hub.post(`/api/tickets/${ticket.id}/assign`, { assignee: 'ana' })).assignee, 'ana');
  const tickets = async (query) => (await hub.all(`/api/tickets?${query}`)).map((one) => one.id);
  assert.deepEqual(await tickets('assignee=ana'), [ticket.id]);
  assert.deepEqual(await tickets('assignee=eva&state=open'), []);
  assert.deepEqual(await tickets(`contact=${ticket.contact}&assignee=ana&state=open`), [ticket.id]);
  assert.deepEqual(await tickets(`contact=${ticket.contact}&state=closed`), []);
  for (const query of ['contact=x', `contact=${ticket.contact}&conversation=${ticket.conversation}`])
    assert.equal((await hub.call('GET', `/api/tickets?${query}`)).status, 400, query);
  assert.equal((await hub.post(`/api/tickets/${ticket.id}/close`)).state, 'closed');
  assert.equal((await hub.call('POST', `/api/tickets/${ticket.id}/close`, {})).status, 409);
  assert.equal((await hub.post(`/api/tickets/${ticket.id}/reopen`)).state, 'open');
  const closed = await hub.cli(['close', ticket.id]);
  assert.equal(closed.code, 0, closed.err);
  await received(hub, envelope({ messages: [text('wamid.5', 'mais uma', { timestamp: String(Math.floor(Date.now() / 1000) + 2) })] }), 1);
  assert.equal((await hub.all('/api/tickets')).length, 2);
  assert.equal((await hub.call('POST', `/api/tickets/${ticket.id}/reopen`, {})).status, 409);

  // Who may not see personal data sees no word of it.
  const { key } = await hub.post('/api/keys', { name: 'blind', role: 'reader', rate_per_min: 0 });
  for (const path of ['/api/messages', ...all.map((m) => `/api/messages/${m.id}`), '/api/conversations', '/api/tickets', '/api/contacts', '/api/events', '/api/deliveries', '/api/dead-letters',
    ...(await hub.all('/api/events')).map((e) => `/api/events/${e.id}`), ...(await hub.all('/api/deliveries')).map((d) => `/api/deliveries/${d.id}`)]) {
    const { text: seen } = await hub.call('GET', path, undefined, { key });
    assert.doesNotMatch(seen, /99990001|João|Olá|mais uma|Sim"|👍|wamid/, path);
  }
  const listed = await hub.cli(['messages', '--direction', 'in']);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, /mais uma/);
  assert.equal((await hub.cli(['tickets'])).code, 0);
  assert.equal((await hub.cli(['conversations', conversation.id])).code, 0);
  assert.doesNotMatch(hub.err + hub.out, /99990001|João|Olá/); // nor does the log
});

test('a group: how many a message has come to, and its messages are the writer\'s, whoever that turns out to be', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source()] });
  const at = Math.floor(Date.now() / 1000), group = 'grupo-1';
  const said = (status, who, more) => ({ id: 'wamid.g', status, timestamp: String(at), recipient_type: 'group', recipient_id: group, recipient_participant_id: who, ...more });
  const counts = async () => (await hub.get('/api/messages/wamid.g')).recipients;
  await received(hub, envelope({ statuses: [said('read', '5511999990003'), said('sent', '5511999990001'), said('delivered', '5511999990002'), said('failed', '5511999990004'),
    said('failed', '5511999990003')] }), 5);
  assert.deepEqual(await counts(), { known: 4, sent: 3, delivered: 2, read: 1, played: 0, failed: 1 });
  await received(hub, envelope({ statuses: [said('delivered', '5511999990001'), said('read', '5511999990001', { timestamp: String(at + 1) }), said('sent', '5511999990002')] }), 3);
  assert.deepEqual(await counts(), { known: 4, sent: 3, delivered: 3, read: 2, played: 0, failed: 1 });
  const older = (who) => ({ ...said('sent', undefined), participant_recipient_id: who }); // of the same second: two, all the same
  await received(hub, envelope({ statuses: [older('5511999990005'), older('5511999990006')] }), 2);
  assert.deepEqual(await counts(), { known: 6, sent: 5, delivered: 3, read: 2, played: 0, failed: 1 });
  await received(hub, envelope({ message_echoes: [{ ...text('wamid.g', 'a todos'), group_id: group, from: '5511955550100', to: group }] }, 'smb_message_echoes'), 1);
  const [ours] = await hub.all('/api/messages');
  assert.deepEqual([ours.status, ours.recipients], ['read', await counts()]); // as far as anyone of them

  // Known by a user id alone, then by a number: one person, and what it wrote in the group is its own.
  await received(hub, envelope({ messages: [text('wamid.h', 'no grupo', { from: undefined, from_user_id: 'BR.77', group_id: group })] }), 1);
  await received(hub, envelope({ messages: [text('wamid.i', 'oi')] }), 1);
  await received(hub, envelope({ contacts: [{ wa_id: '5511999990001', user_id: 'BR.77' }], messages: [text('wamid.j', 'sou eu', { from_user_id: 'BR.77' })] }), 1);
  const [contact, ...others] = await hub.all('/api/contacts');
  assert.equal(others.length, 0);
  // It reacts under the one and takes it back under the other: nothing is left of it.
  const reacts = (id, emoji, who, s) => text(id, '', { ...who, timestamp: String(at + s), type: 'reaction', reaction: { message_id: 'wamid.g', emoji } });
  const reactions = async () => (await hub.get('/api/messages/wamid.g')).reactions.map((r) => [r.emoji, r.contact]);
  await received(hub, envelope({ messages: [reacts('wamid.r1', '👍', {}, 1), reacts('wamid.r2', '❤️', { from: '5511999990009' }, 1)] }), 2);
  const [other] = (await hub.all('/api/contacts')).filter((c) => c.id !== contact.id);
  assert.deepEqual((await reactions()).sort(), [['❤️', other.id], ['👍', contact.id]].sort());
  await received(hub, envelope({ messages: [reacts('wamid.r3', '', { from: undefined, from_user_id: 'BR.77' }, 2)] }), 1);
  assert.deepEqual(await reactions(), [['❤️', other.id]]);
  assert.deepEqual((await hub.all(`/api/messages?contact=${contact.id}`)).map((m) => [m.external_id, m.contact]).sort(),
    ['wamid.h', 'wamid.i', 'wamid.j'].map((id) => [id, contact.id]));
});

test('lists say who: name and number beside the id, hidden from keys without sight of them, and right after two contacts became one', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source(), caktoSource()] });
  const shopper = (id, change) => accepted(hub, paidOrder(id, (d) => { delete d.customer.docNumber; Object.assign(d.customer, { name: 'Zuleica Marcante', email: 'zuleica@example.com' }, change); }));
  await shopper('w1', { phone: '5511977770000' });
  await received(hub, envelope({ contacts: [{ profile: { name: 'Zu' }, wa_id: '5511999990001' }], messages: [text('wamid.w', 'palavra')] }), 1);
  const lists = ['/api/conversations', '/api/tickets', '/api/messages', '/api/messages/search?q=palavra'];
  const rows = (options) => Promise.all(lists.map(async (path) => (await hub.all(path, options))[0]));
  const who = ({ contact, contact_name: name, contact_phone: phone }) => ({ contact, name, phone });
  const before = await until('the message to be searched', async () => { const all = await rows(); return all.every(Boolean) && all; });
  const { contact } = before[0];
  for (const row of before) assert.deepEqual(who(row), { contact, name: 'Zu', phone: '+5511999990001' });
  const { key } = await hub.post('/api/keys', { name: 'blind', role: 'reader', rate_per_min: 0 });
  for (const path of lists.slice(0, 3)) {
    const [row] = await hub.all(path, { key });
    assert.deepEqual(who(row), { contact, name: '***', phone: '***' });
  }
  for (const args of [['conversations'], ['tickets'], ['messages'], ['search', 'palavra']]) {
    const { out } = await hub.cli(args);
    assert.match(out, /contact_name\s+contact_phone/);
    assert.match(out, /Zu +\+5511999990001/);
  }
  await shopper('w2', { phone: '5511999990001' }); // the e-mail of the first, the number of the other
  await hub.quiet();
  for (const row of await rows()) {
    const whole = await hub.get(`/api/contacts/${row.contact}`);
    assert.deepEqual([row.contact_name, whole.merged_into, whole.fields.email.value], ['Zuleica Marcante', undefined, 'zuleica@example.com']);
    assert.equal(row.contact_phone, whole.fields.phone.value);
  }
  assert.equal((await hub.get(`/api/messages/${before[2].id}`)).contact_name, 'Zuleica Marcante');
  assert.equal((await hub.all('/api/contacts')).length, 1);
});

test('one person, whichever form of the number stands where; who we are, where the body does not say it', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source()] });
  const people = async () => (await allPeople(hub)).map(({ phone, wa_name, wa_user_id, wa_saved_name, name, last_name }) => ({ phone, wa_name, wa_user_id, wa_saved_name, name, last_name }));
  // Meta's own list writes the ninth digit, the message does not.
  await received(hub, envelope({ contacts: [{ wa_id: '5511988880001', user_id: 'BR.N9', profile: { name: 'Maria' } }], messages: [text('wamid.1', 'oi', { from: '551188880001' })] }), 1);
  await received(hub, envelope({ messages: [text('wamid.2', 'oi', { from: undefined, from_user_id: 'BR.N9' })] }), 1);
  assert.deepEqual(await people(), [{ phone: '+5511988880001', wa_name: 'Maria', wa_user_id: 'BR.N9', wa_saved_name: undefined, name: undefined, last_name: undefined }]);
  // The app's address book: as it is written there, the latest name whole.
  const book = (full_name, first_name, at) => envelope({ state_sync: [{ type: 'contact', action: 'add', contact: { full_name, first_name, phone_number: '+55 11 98888-0001' }, metadata: { timestamp: String(at) } }] }, 'smb_app_state_sync');
  await received(hub, book('Maria Souza', 'Maria', 1_760_000_000), 1);
  await received(hub, book('Zé', 'Zé', 1_760_000_100), 1);
  await received(hub, book('loja@bairro', 'loja@bairro', 1_760_000_200), 1);
  assert.deepEqual((await people()).map((p) => [p.wa_saved_name, p.name, p.last_name]), [['loja@bairro', 'Zé', undefined]]);
  // History whose metadata has no display_phone_number: a thread is with one person, and the other end is us.
  const bare = (messages, thread) => JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes: [{ field: 'history', value: { messaging_product: 'whatsapp',
    metadata: { phone_number_id: NUMBER }, history: [{ metadata: { phase: 0, chunk_order: 1, progress: 100 }, threads: [{ id: thread, messages }] }] } }] }] });
  await received(hub, bare([text('wamid.3', 'nossa', { from: '5511955550100', history_context: { status: 'READ' } }), text('wamid.4', 'deles', { from: '551188880001' })], '5511988880001'), 3);
  const told = Object.fromEntries((await hub.all('/api/messages')).map((m) => [m.external_id, [m.direction, m.status]]));
  assert.deepEqual([told['wamid.3'], told['wamid.4']], [['out', 'read'], ['in', undefined]]);
  assert.equal((await people()).length, 1);
});

test('what is new beside what is known is kept, what cannot be read replaces nothing, what is too large is cut', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source()] });
  const get = (id) => hub.get(`/api/messages/${id}`);
  await received(hub, envelope({ messages: [text('wamid.1', 'um', { message_secret: 'x', ephemeral: { expiration: 86400 }, text: { body: 'um', entities: [{ type: 'link' }] } }),
    { ...text('wamid.2', ''), type: undefined, text: { body: 'sem tipo' } }] }), 2);
  const first = await get('wamid.1');
  assert.deepEqual([first.text, first.data], ['um', { message_secret: 'x', ephemeral: { expiration: 86400 }, text: { entities: [{ type: 'link' }] } }]);
  assert.deepEqual([(await get('wamid.2')).type, (await get('wamid.2')).text], ['text', 'sem tipo']);
  const edit = (id, more, at = 0) => ({ ...text(id, '', { timestamp: String(1_760_000_000 + at) }), text: undefined, type: 'edit', edit: { original_message_id: 'wamid.1', ...more } });
  await received(hub, envelope({ messages: [edit('wamid.e1', { message: { type: 'text', text: { body: 'dois' } } }, 1), edit('wamid.e2', {}, 2),
    edit('wamid.e3', { message: { type: 'novo', novo: { a: 1 } } }, 3), edit('wamid.e4', { message: { type: 'unsupported', errors: [{ code: 131051 }] } }, 4)] }), 4);
  const edited = await get('wamid.1');
  assert.equal(edited.text, 'dois');
  assert.deepEqual(edited.edits.map((e) => e.kind), ['original', 'edit', 'unread', 'unread', 'unread']);
  assert.deepEqual(edited.edits[3].data.raw.edit.message, { type: 'novo', novo: { a: 1 } });
  await received(hub, envelope({ statuses: [{ id: 'wamid.out', status: 'sent', timestamp: '1760000000', recipient_id: '5511999990001', biz_opaque_callback_data: 'job-77', new_key: { a: 1 } }] }), 1);
  const { data } = (await get('wamid.out')).statuses[0];
  assert.deepEqual([data.biz_opaque_callback_data, data.new_key], ['job-77', { a: 1 }]);
  const cards = Array.from({ length: 6000 }, (_, i) => ({ name: { formatted_name: `Cartão ${i}` }, phones: [{ phone: `+55 11 9${10000000 + i}`, type: 'CELL' }] }));
  await received(hub, envelope({ messages: [{ ...text('wamid.big', ''), text: undefined, type: 'contacts', contacts: cards }] }), 1);
  const big = await get('wamid.big');
  assert.deepEqual([big.type, big.text.startsWith('Cartão 0, Cartão 1, '), big.text.length <= 4096, big.data], ['contacts', true, true, { too_large: true }]);
  await received(hub, envelope({ messages: [{ ...text('wamid.doc', ''), text: undefined, type: 'document', document: { id: '7', mime_type: 'application/pdf', filename: 'boleto março.pdf' } }] }), 1);
  await until('the words to be indexed', async () => (await hub.all('/api/messages/search?q=boleto marco')).length === 1);
  assert.equal((await hub.all('/api/messages/search?q=cartao 17')).length, 1);
  await received(hub, JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes: [{ field: 'novidade', value: { x: 'y'.repeat(1_100_000) } }] }] }), 1);
  const [{ id: large }] = await hub.all('/api/events?type=whatsapp.novidade');
  assert.deepEqual((await hub.get(`/api/events/${large}`)).data.custom, { whatsapp_business_account_id: '1', too_large: true });
  // A clock of the next century pins nothing.
  const named = (id, name, timestamp) => envelope({ contacts: [{ wa_id: '5511999990007', profile: { name } }], messages: [text(id, 'oi', { from: '5511999990007', timestamp })] });
  await received(hub, named('wamid.f1', 'Futuro', '3350000000'), 1);
  await received(hub, named('wamid.f2', 'Presente', String(Math.floor(Date.now() / 1000) + 2)), 1);
  assert.equal((await allPeople(hub)).find((c) => c.phone === '+5511999990007').wa_name, 'Presente');
});

test('a history of megabytes is taken in one request, opens no ticket and goes nowhere unasked', async (t) => {
  const sink = await startSink(t);
  const hub = await startHub(t);
  await hub.apply({ sources: [source()], destinations: [crm(sink)], routes: [toCrm({ from: 'whatsapp' })] });
  const messages = Array.from({ length: 1200 }, (_, i) => ({ ...text(`wamid.h${i}`, `${i} ${'x'.repeat(2000)}`), timestamp: String(1_700_000_000 + i),
    from: i % 2 ? '5511955550100' : '5511999990001', history_context: { status: 'READ' } }));
  const body = envelope({ history: [{ metadata: { phase: 0, chunk_order: 1, progress: 55 }, threads: [{ id: '5511999990001', messages }] }] }, 'history');
  assert.ok(body.length > 2_500_000);
  await received(hub, body, 1201);
  const [conversation] = await hub.all('/api/conversations');
  assert.deepEqual([conversation.messages_in, conversation.messages_out, conversation.window_until], [600, 600, undefined]);
  assert.equal((await hub.all('/api/tickets')).length, 0);
  assert.equal((await hub.all('/api/deliveries')).length, 0);
  assert.equal((await hub.all('/api/events?state=failed')).length, 0);

  // Read back from the store and interpreted again, it changes nothing.
  await hub.post('/api/events/replay', { source: 'whatsapp' });
  await until('the replay to end', async () => (await hub.all('/api/events?state=replaying')).length === 0, 120_000);
  assert.deepEqual(await hub.get(`/api/conversations/${conversation.id}`), conversation);
  assert.equal((await hub.all('/api/events?state=done')).length, 1201);
  assert.equal((await hub.all('/api/deliveries')).length, 0);
});

test('who came by an ad in WhatsApp and buys in the shop: a messaging Purchase with the click; who did not: none', async (t) => {
  const meta = await startMeta(t), hub = await startHub(t);
  await hub.apply({ sources: [source(), caktoSource()], destinations: [pixel(meta, { action_source: 'business_messaging' })], routes: [toPixel({ on: ['order.paid'] })] });
  const at = (days) => String(Math.floor(Date.now() / 1000) - days * 86400);
  const referral = (ctwa_clid) => ({ referral: { source_id: '1202', source_type: 'ad', source_url: 'https://fb.me/x', ...(ctwa_clid && { ctwa_clid }) } });
  const from = (phone, id, days, clid) => text(id, 'Oi', { from: phone, timestamp: at(days), ...referral(clid) });
  await received(hub, envelope({ messages: [from('5511988887777', 'wamid.2', 1, 'AfTwo'), from('5511988887777', 'wamid.1', 3, 'AfOne'),
    from('5511988887777', 'wamid.3', 0), from('5511977776666', 'wamid.4', 9, 'AfOld')] }), 4);
  const buys = (phone, order) => accepted(hub, paidOrder(order, (data) => { data.customer.phone = phone; data.customer.email = `${phone}@example.com`; data.customer.docNumber = ''; }));
  await buys('11988887777', 'o-1');
  await buys('11977776666', 'o-2'); // too long ago
  await buys('11966665555', 'o-3'); // by no ad
  await hub.delivery('pixel', 'delivered');
  await hub.quiet();
  assert.equal((await hub.all('/api/deliveries')).length, 1);
  const [{ event }] = meta.events();
  assert.deepEqual([event.event_name, event.action_source, event.messaging_channel, event.user_data.ctwa_clid, event.user_data.whatsapp_business_account_id],
    ['Purchase', 'business_messaging', 'whatsapp', 'AfTwo', '1']);
  const { fields } = (await hub.get('/api/contacts?phone=%2B5511988887777')).items[0];
  assert.deepEqual(['ctwa_clid', 'ctwa_first_clid', 'ctwa_ad'].map((name) => fields[name].value), ['AfTwo', 'AfOne', '1202']);
});

test('what Meta saw in a conversation by itself: told back to it where the map says so, once, and nowhere else', async (t) => {
  const meta = await startMeta(t), hub = await startHub(t);
  await hub.apply({ sources: [source()], destinations: [pixel(meta, { map: { 'whatsapp.automatic_event': '*' } }), pixel(meta, { name: 'other', pixel_id: '987654321' })],
    routes: [toPixel({ from: 'whatsapp', on: ['*'] }), toPixel({ name: 'all', from: 'whatsapp', on: ['*'], to: 'other' })] });
  const seen = (id, event_name, more) => ({ id, event_name, timestamp: Math.floor(Date.now() / 1000) - 60, ctwa_clid: 'AfAuto', ...more });
  const body = envelope({ automatic_events: [seen('wamid.a', 'LeadSubmitted'), seen('wamid.b', 'Purchase', { custom_data: { currency: 'BRL', value: 99.9 } }), seen('wamid.c', 'Purchase')] },
    'automatic_events');
  await received(hub, body, 3);
  assert.equal((await received(hub, body, 3)).duplicates, 3);
  await hub.deliveries('pixel', 'delivered', 2);
  const [dead] = await hub.deliveries('pixel', 'dead', 1);
  assert.match(dead.reason, /without value/);
  const got = meta.events().map((e) => e.event).sort((a, b) => a.event_name.localeCompare(b.event_name));
  const user_data = { ctwa_clid: 'AfAuto', whatsapp_business_account_id: '1' }, outcome = { outcome_type: 'automatic_events' };
  assert.deepEqual(got.map((e) => [e.event_name, e.action_source, e.messaging_channel, e.messaging_outcome_data, e.user_data, e.custom_data]), [
    ['LeadSubmitted', 'business_messaging', 'whatsapp', outcome, user_data, undefined],
    ['Purchase', 'business_messaging', 'whatsapp', outcome, user_data, { value: 99.9, currency: 'BRL' }]]);
  assert.equal((await hub.all('/api/deliveries?destination=other')).length, 0);
});

test('unread: what came in since somebody read or answered, whatever the order of arrival', async (t) => {
  const wa = await startWhatsApp(t), hub = await startHub(t);
  await hub.apply({ sources: [source()], destinations: [zap(wa)] });
  const now = Math.floor(Date.now() / 1000), at = (s) => ({ timestamp: String(now - 1000 + s) });
  const unread = async () => (await hub.all('/api/conversations'))[0].unread;
  await received(hub, envelope({ messages: [text('wamid.a', 'um', at(1)), text('wamid.b', 'dois', at(2)), text('wamid.c', 'três', at(3))] }), 3);
  assert.equal(await unread(), 3);
  await hub.post('/api/messages', { type: 'read', message_id: 'wamid.b' });
  await until('one unread', async () => (await unread()) === 1);
  await hub.post('/api/messages', { type: 'read', message_id: 'wamid.e' }); // marked before it is known here
  await hub.quiet();
  await received(hub, envelope({ messages: [text('wamid.d', 'quatro', at(4))] }), 1);
  assert.equal(await unread(), 2);
  await received(hub, envelope({ messages: [text('wamid.e', 'cinco', at(5))] }), 1);
  assert.equal(await unread(), 0);
  await received(hub, envelope({ messages: [text('wamid.f', 'seis', at(6)), text('wamid.h', 'oito', at(8))] }), 2);
  await received(hub, envelope({ message_echoes: [{ from: '5511955550100', to: '5511999990001', id: 'wamid.g', type: 'text', text: { body: 'sete' }, ...at(7) }] }, 'smb_message_echoes'), 1);
  assert.equal(await unread(), 1, 'an echo, late: what came after it is unread');
  const campaign = await hub.post('/api/campaigns', { name: 'c', template: { name: 'oi', language: 'pt_BR' } });
  await hub.post(`/api/campaigns/${campaign.id}/recipients`, { recipients: [{ to: '+5511999990001' }] });
  await hub.post(`/api/campaigns/${campaign.id}/start`);
  await until('the campaign to reach her', () => wa.events().some(({ body }) => body.type === 'template'));
  assert.equal(await unread(), 1, 'a campaign answers nobody');
  await hub.post('/api/messages', { to: '+5511999990001', type: 'text', text: 'Pois não?' });
  await until('none unread', async () => (await unread()) === 0);
  await received(hub, envelope({ history: [{ metadata: { phase: 0 }, threads: [{ id: '5511999990001', messages: [text('wamid.old', 'antes', { timestamp: String(now + 60) })] }] }] }, 'history'), 2);
  assert.equal(await unread(), 0, 'history is no news');
});

test('a number that is not listed is kept and can be replayed; what is new tomorrow is kept too', async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source({ numbers: ['999'] })] });
  await received(hub, golden('01-text'), 1, sign(golden('01-text')));
  const [failed] = await hub.all('/api/events?state=failed');
  assert.match((await hub.get(`/api/events/${failed.id}`)).problem, /106540352242922/);
  assert.equal((await hub.all('/api/messages')).length, 0);
  await hub.patch('/api/sources/whatsapp', { numbers: ['999', NUMBER] });
  await hub.post(`/api/events/${failed.id}/retry`);
  await until('the message', async () => (await hub.all('/api/messages')).length === 1);
  assert.equal((await hub.all('/api/tickets')).length, 1);
  await received(hub, envelope({ messages: [text('wamid.new', '', { type: 'hologram', hologram: { a: 1 } })], holograms: [1] }), 1);
  await received(hub, envelope({ b: 2 }, 'brand_new_field'), 1);
  assert.ok((await hub.all('/api/events')).some((e) => e.type === 'whatsapp.brand_new_field'));
  assert.equal((await hub.all('/api/messages?type=unsupported')).length, 1);
  const broken = '{"object":"whatsapp_business_account",';
  assert.equal((await received(hub, broken, 0)).events, 0); // authentic and unreadable: acknowledged and kept
  assert.equal((await hub.all('/api/requests?problem=true')).length, 1);
  const before = (await hub.all('/api/messages')).length, sample = await hub.cli(['send', 'whatsapp']);
  assert.equal(sample.code, 0, sample.err);
  await hub.quiet();
  assert.equal((await hub.all('/api/messages')).length, before + 1);
});

test('what a store of before holds loads, though it would be refused today', NEEDS_SQLITE, async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [source({ numbers: [NUMBER] })] });
  await hub.stop();
  assert.equal(spawnSync('sqlite3', [join(hub.data, 'malote.db'), `UPDATE sources SET settings = replace(settings, '${NUMBER}', '+5511999990000')`]).status, 0);
  await hub.start();
  assert.deepEqual((await hub.get('/api/sources/whatsapp')).settings?.numbers ?? (await hub.get('/api/sources/whatsapp')).numbers, ['+5511999990000']);
  assert.match((await hub.call('POST', '/api/apply', { sources: [source({ numbers: ['+5511999990000'] })] })).text, /digits only/);
});
