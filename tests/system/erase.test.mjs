// erase.test.mjs: after a person was erased, nothing that names them is left in the bytes of the database or its log.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { OWN, SHOP, app, change, quiet, receiver, say, taker, workspace } from './tenants.mjs';
import { NEEDS_SQLITE, accepted, caktoSource, crm, holdStore, paidOrder, pause, postWhatsapp, startHub, startSink, startWhatsApp, toCrm, until, waMessage, waSource, zap } from './hub.mjs';

const NUMBER = '5511977776666', NAME = 'Zuleica Xerimbabo', WORD = 'xilofagia', TEXT = `Quero saber da ${WORD} amanhã`;
const needles = { number: '977776666', name: 'Zuleica', surname: 'Xerimbabo', word: WORD, answer: 'ornitorrinco', key: 'lembrete-de' };

// Where each needle stands: { needle: [file:offset…] }.
function found(hub, needles) {
  const hits = {};
  for (const file of ['malote.db', 'malote.db-wal']) {
    const path = join(hub.data, file);
    if (!existsSync(path)) continue;
    const bytes = readFileSync(path);
    for (const [name, needle] of Object.entries(needles))
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) (hits[name] ??= []).push(`${file}:${at} …${bytes.subarray(Math.max(0, at - 40), at + 40).toString('latin1').replace(/[^ -~]/g, '.')}…`);
  }
  return hits;
}
const now = () => String(Math.floor(Date.now() / 1000));
const contacts = (number, name) => ({ contacts: [{ profile: { name }, wa_id: number }] });
const status = (e, word) => ({ id: e.id, status: word, timestamp: now(), recipient_id: e.body.to.replace('+', ''), biz_opaque_callback_data: e.body.biz_opaque_callback_data });

// One person's life here: writes, is written to by the API and a campaign, is read, answers, reacts; statuses of it all.
async function live(hub, wa, number, name, word) {
  const inbound = waMessage('text', { body: `Quero saber da ${word} amanhã` }, { from: number });
  await postWhatsapp(hub, [inbound], contacts(number, name));
  await hub.quiet();
  const before = wa.events().length;
  await hub.post('/api/messages', { type: 'read', message_id: inbound.id, idempotency_key: `lido:lembrete-de-${number}` });
  await hub.post('/api/messages', { to: `+${number}`, type: 'text', text: `Olá ${name}, a ${word} e o ornitorrinco`, idempotency_key: `lembrete-de-${number}` });
  await until('them to go out', () => wa.events().length === before + 2);
  const e = wa.events().find(({ body }) => body.to === `+${number}` && body.type === 'text');
  await postWhatsapp(hub, [], { statuses: [status(e, 'sent'), status(e, 'delivered'), status(e, 'read')] });
  await postWhatsapp(hub, [], { statuses: [status({ id: `wamid.${randomUUID()}`, body: e.body }, 'sent')].map((s) => ({ ...s, biz_opaque_callback_data: undefined, id: e.id, status: 'played' })) });
  await postWhatsapp(hub, [waMessage('reaction', { message_id: e.id, emoji: '👍' }, { from: number }),
    waMessage('text', { body: `${word}!` }, { from: number, context: { id: e.id, from: '15550783881' } })], contacts(number, name));
  await postWhatsapp(hub, [waMessage('edit', { original_message_id: inbound.id, message: { type: 'text', text: { body: `${word}, ${word}` } } }, { from: number })], contacts(number, name));
  await hub.quiet();
}

test('erased: no byte of number, name or words is left in the database and its log; the others keep theirs', async (t) => {
  const wa = await startWhatsApp(t), hub = await startHub(t);
  await hub.apply({ sources: [waSource()], destinations: [zap(wa, { rate_per_min: 0 })] });
  const others = Array.from({ length: 12 }, (_, i) => [`55119888800${String(i).padStart(2, '0')}`, `Pessoa ${i}`]);
  for (const [number, name] of others.slice(0, 6)) await live(hub, wa, number, name, 'chuva');
  await live(hub, wa, NUMBER, NAME, WORD);
  for (const [number, name] of others.slice(6)) await live(hub, wa, number, name, 'chuva');
  const campaign = await hub.post('/api/campaigns', { name: 'c', per_minute: 6000, template: { name: 'oferta', language: 'pt_BR', parameters: ['{{nome}}'] } });
  await hub.post(`/api/campaigns/${campaign.id}/recipients`, { recipients: [{ to: `+${NUMBER}`, nome: NAME }, ...others.map(([to, nome]) => ({ to: `+${to}`, nome }))] });
  await hub.post(`/api/campaigns/${campaign.id}/start`);
  await until('the campaign', async () => (await hub.get(`/api/campaigns/${campaign.id}`)).counts.accepted === 13);
  const sent = wa.events().filter(({ body }) => body.type === 'template' && body.to === `+${NUMBER}`);
  await postWhatsapp(hub, [], { statuses: sent.map((e) => status(e, 'delivered')) });
  await hub.quiet();
  assert.deepEqual(Object.keys(found(hub, needles)).sort(), Object.keys(needles).sort(), 'the search finds what is there');
  const [{ id }] = (await hub.get(`/api/contacts?phone=%2B${NUMBER}`)).items;
  const gone = await hub.call('DELETE', `/api/contacts/${id}`);
  assert.equal(gone.status, 200, gone.text);
  delete needles.answer; // the others were told of it, too
  delete needles.key;
  needles.key = `lembrete-de-${NUMBER}`;
  assert.deepEqual(found(hub, needles), {});
  const exported = JSON.stringify(await hub.all('/api/messages'));
  assert.match(exported, /chuva/);
  assert.equal((await hub.get('/api/messages/search?q=chuva')).items.length > 0, true);
  assert.equal((await hub.get(`/api/messages/search?q=${WORD}`)).items.length, 0);
  // And the hub goes on: what comes after it is there after a kill.
  const last = await hub.post('/api/messages', { to: '+5511988880000', type: 'text', text: 'depois' });
  await until('it to go out', async () => (await hub.get(`/api/deliveries/${last.delivery}`)).state === 'delivered');
  await hub.kill();
  await hub.start();
  assert.equal((await hub.get(`/api/messages/${last.message}`)).text, 'depois');
  await pause(50);
});

// What names the person without being theirs: statuses of messages that are not kept here, or went to a group; others who quote them.
const OLD = '551177776666', USER = 'BR.SECRETO', OTHER = '5511988880000';
const named = { number: '77776666', user: USER };
const elsewhere = (id, more) => ({ id, status: 'delivered', timestamp: '1790000000', recipient_id: OLD, ...more });
const strays = () => [
  elsewhere('wamid.FOREIGN', { status: 'failed', recipient_user_id: USER, errors: [{ code: 131026, title: 'no', error_data: { details: `to ${NUMBER}` } }] }),
  elsewhere('wamid.OLDFORM'), elsewhere('wamid.NUMBERLESS', { recipient_id: undefined, recipient_user_id: USER }),
  ...['delivered', 'read'].map((word) => elsewhere('wamid.GRPOUT', { status: word, recipient_type: 'group', recipient_id: 'grupo', recipient_participant_id: word === 'read' ? NUMBER : `+${NUMBER}` })),
];
const groupOther = elsewhere('wamid.GRPOUT', { recipient_type: 'group', recipient_id: 'grupo', recipient_participant_id: OTHER });
const quote = (id) => waMessage('text', { body: 'fica isto' }, { id, from: OTHER, context: { from: NUMBER, id: 'wamid.quoted' } });

test('erased: also in statuses of messages that are not here, and where others quote the person', async (t) => {
  const sink = await startSink(t), hub = await startHub(t);
  await hub.apply({ sources: [waSource()], destinations: [crm(sink)], routes: [toCrm()] });
  await postWhatsapp(hub, [waMessage('text', { body: 'oi' }, { from: NUMBER })], { contacts: [{ profile: { name: NAME }, wa_id: NUMBER, user_id: USER }] });
  for (const s of strays()) await postWhatsapp(hub, [], { contacts: undefined, statuses: [s] });
  await postWhatsapp(hub, [], { contacts: undefined, statuses: [groupOther, elsewhere('wamid.THEIRS', { recipient_id: OTHER })] });
  await postWhatsapp(hub, [quote('wamid.quote'), waMessage('text', { body: 'ao lado' }, { id: 'wamid.beside', from: OTHER })]);
  await postWhatsapp(hub, [waMessage('edit', { original_message_id: 'wamid.beside', message: { type: 'text', text: { body: 'ao lado, editado' }, context: { from: NUMBER, id: 'wamid.quoted' } } }, { id: 'wamid.edit', from: OTHER })]);
  await until('the receiver to have all', () => sink.stats().requests >= 11);
  await hub.quiet();
  await until('every delivery to be settled', async () => (await hub.all('/api/deliveries')).every((d) => d.state === 'delivered'));
  assert.deepEqual(Object.keys(found(hub, named)).sort(), Object.keys(named).sort(), 'the search finds what is there');
  const [{ id }] = (await hub.get(`/api/contacts?phone=%2B${NUMBER}`)).items;
  const exported = await hub.get(`/api/contacts/${id}/export`);
  assert.deepEqual(exported.statuses.map((s) => `${s.message} ${s.status}`).sort(), ['wamid.FOREIGN failed', 'wamid.GRPOUT delivered', 'wamid.GRPOUT read', 'wamid.NUMBERLESS delivered', 'wamid.OLDFORM delivered']);
  const gone = await hub.call('DELETE', `/api/contacts/${id}`);
  assert.equal(gone.status, 200, gone.text);
  assert.equal(gone.json.statuses, 5);
  assert.deepEqual(found(hub, named), {});
  assert.deepEqual((await hub.get(`/api/contacts/${id}/export`)).statuses, []);
  // What is of others stays: their statuses, the quoting message with its text, the rest of its request.
  const [failed] = (await hub.get('/api/messages/wamid.FOREIGN')).statuses;
  assert.deepEqual([failed.status, failed.data], ['failed', undefined]);
  const group = (await hub.get('/api/messages/wamid.GRPOUT')).statuses.map((s) => `${s.status} ${s.recipient}`).sort();
  assert.deepEqual(group, [`delivered +${OTHER}`, `delivered ${id}`, `read ${id}`]);
  assert.equal((await hub.get('/api/messages/wamid.THEIRS')).statuses[0].data.recipient_id, OTHER);
  const message = await hub.get('/api/messages/wamid.quote');
  assert.deepEqual([message.text, message.data.context], ['fica isto', { from: 'erased', id: 'wamid.quoted' }]);
  const event = (await hub.all('/api/events')).find((e) => e.key === 'wamid.quote'), told = await hub.get(`/api/events/${event.id}`);
  assert.deepEqual([told.state, told.data.message.data.context.from], ['done', 'erased']);
  const kept = JSON.parse((await hub.get(`/api/requests/${event.request}`)).body).entry[0].changes[0].value.messages;
  assert.deepEqual(kept.map((m) => [m.text.body, m.from]), [['fica isto', OTHER], ['ao lado', OTHER]]);
  assert.equal((await hub.call('POST', `/api/events/${event.id}/retry`)).status, 202);
  await hub.quiet();
  assert.equal((await hub.get(`/api/events/${event.id}`)).state, 'done');
  const { text, edits } = await hub.get('/api/messages/wamid.beside');
  assert.deepEqual([text, edits.map((e) => e.text)], ['ao lado, editado', ['ao lado', 'ao lado, editado']]);
  // The platform's copies of it all are known still, after a start too.
  await hub.kill();
  await hub.start();
  for (const s of strays()) assert.equal((await postWhatsapp(hub, [], { contacts: undefined, statuses: [s] })).duplicates, 1, s.id);
  assert.deepEqual(found(hub, named), {});
});

test('erased in the workspace that a number was handed to: no byte is left at the app that received it either', async (t) => {
  const wa = await startWhatsApp(t), hub = await startHub(t), shop = await workspace(hub, 'shop');
  await hub.apply({ sources: [receiver()] });
  await shop.apply({ sources: [taker()], destinations: [zap(wa, { phone_number_id: SHOP })] });
  const about = { contacts: [{ profile: { name: NAME }, wa_id: NUMBER }] };
  await app(hub, [change(OWN, { messages: [say('wamid.own', '5511988880000', 'fica aqui')] }), change(SHOP, { ...about, messages: [say('wamid.in', NUMBER, TEXT)] })]);
  await quiet(hub, shop);
  const sent = await shop.post('/api/messages', { to: `+${NUMBER}`, type: 'text', text: `${NAME}, o ornitorrinco`, idempotency_key: 'lembrete-de-zuleica' });
  await until('it to go out', async () => (await shop.get(`/api/deliveries/${sent.delivery}`)).state === 'delivered');
  const [e] = wa.events();
  for (const word of ['sent', 'read']) await app(hub, [change(SHOP, { statuses: [status(e, word)] })]);
  await app(hub, [change(SHOP, { ...about, messages: [waMessage('reaction', { message_id: e.id, emoji: '👍' }, { from: NUMBER })] })]);
  await app(hub, [change(SHOP, { statuses: strays() }), change(OWN, { messages: [quote('wamid.ownquote')] })]);
  await app(hub, [change(SHOP, { messages: [quote('wamid.quote')] }), change(OWN, { statuses: [elsewhere('wamid.OWNS')] })]);
  await quiet(hub, shop);
  const words = { number: '977776666', name: 'Zuleica', surname: 'Xerimbabo', word: WORD, answer: 'ornitorrinco', key: 'lembrete-de' };
  assert.deepEqual(Object.keys(found(hub, words)).sort(), Object.keys(words).sort(), 'the search finds what is there');
  const [{ id }] = (await shop.get(`/api/contacts?phone=%2B${NUMBER}`)).items;
  const gone = await shop.call('DELETE', `/api/contacts/${id}`);
  assert.equal(gone.status, 200, gone.text);
  // The app's own workspace has the number for itself: what is there is its affair, and stays until it is erased there.
  assert.deepEqual(Object.keys(found(hub, words)), ['number']);
  const bodies = (await Promise.all((await hub.all('/api/requests')).map(({ id: request }) => hub.get(`/api/requests/${request}`)))).map((r) => r.body).join('\n');
  assert.equal(bodies.split(NUMBER).length - 1, 1, 'the quote of its own alone');
  assert.equal(bodies.split(OLD).length - 1, 1, 'the status of its own alone');
  assert.match((await shop.get('/api/messages/wamid.quote')).data.context.from, /^erased$/);
  assert.deepEqual((await hub.all('/api/messages')).map((m) => m.text).sort(), ['fica aqui', 'fica isto']);
  for (const { id: request } of await hub.all('/api/requests')) await hub.get(`/api/requests/${request}`);
});

test('one call that reads everything at a time: the others are told to come back', NEEDS_SQLITE, async (t) => {
  const hub = await startHub(t);
  await hub.apply({ sources: [caktoSource()] });
  await accepted(hub, paidOrder());
  await hub.quiet();
  const [{ id }] = await hub.all('/api/contacts'), release = await holdStore(t, hub), path = `/api/contacts/${id}`;
  const erased = until('the erasure', async () => { const answer = await hub.call('DELETE', path); return answer.status !== 503 && answer; });
  const refused = await until('the second to be refused', async () => { const answer = await hub.call('GET', `${path}/export`); return answer.status === 503 && answer; });
  assert.deepEqual([refused.json.error.code, refused.headers.get('retry-after')], ['busy', '5']);
  assert.equal((await hub.call('GET', '/api/contacts')).status, 200, 'a thread is left for everybody else');
  await release();
  assert.equal((await erased).status, 200);
  assert.equal((await hub.call('GET', `${path}/export`)).status, 200);
});
