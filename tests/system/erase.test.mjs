// erase.test.mjs: after a person was erased, nothing that names them is left in the bytes of the database or its log.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { OWN, SHOP, app, change, quiet, receiver, say, taker, workspace } from './tenants.mjs';
import { pause, postWhatsapp, startHub, startWhatsApp, until, waMessage, waSource, zap } from './hub.mjs';

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
  await quiet(hub, shop);
  const words = { number: '977776666', name: 'Zuleica', surname: 'Xerimbabo', word: WORD, answer: 'ornitorrinco', key: 'lembrete-de' };
  assert.deepEqual(Object.keys(found(hub, words)).sort(), Object.keys(words).sort(), 'the search finds what is there');
  const [{ id }] = await shop.all('/api/contacts');
  const gone = await shop.call('DELETE', `/api/contacts/${id}`);
  assert.equal(gone.status, 200, gone.text);
  assert.deepEqual(found(hub, words), {});
  assert.deepEqual((await hub.all('/api/messages')).map((m) => m.text), ['fica aqui']);
  for (const { id: request } of await hub.all('/api/requests')) await hub.get(`/api/requests/${request}`);
});
