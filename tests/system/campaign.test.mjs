// campaign.test.mjs: campaigns against a fake Graph API: everybody once, at the pace, whatever happens on the way; what became of each.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { accepted, caktoSource, folder, paidOrder, postWhatsapp, startHub, startWhatsApp, until, waMessage, waSource, zap } from './hub.mjs';

const FASTEST = 6000;
const template = { name: 'oferta', language: 'pt_BR', parameters: ['{{nome}}'] };
const number = (i) => `55119${String(90000000 + i)}`;
const lines = (count, from = 0) => Array.from({ length: count }, (_, i) => `Pessoa ${from + i},${number(from + i)}`);
const csv = (rows) => `nome,telefone\n${rows.join('\n')}\n`;
const TEXT_CSV = { headers: { 'content-type': 'text/csv' } };

async function started(t, { destination = {}, data, sources = [waSource()] } = {}) {
  const wa = await startWhatsApp(t), hub = await startHub(t, { data });
  await hub.apply({ sources, destinations: [zap(wa, destination)] });
  return { wa, hub };
}
const create = (hub, more) => hub.post('/api/campaigns', { name: `c${Math.random()}`, template, per_minute: FASTEST, ...more });
const upload = (hub, id, body) => hub.post(`/api/campaigns/${id}/recipients`, body, typeof body === 'string' ? TEXT_CSV : undefined);
async function campaign(hub, rows, more) {
  const { id } = await create(hub, more);
  await upload(hub, id, csv(rows));
  return id;
}
const start = (hub, id) => hub.post(`/api/campaigns/${id}/start`);
const show = (hub, id) => hub.get(`/api/campaigns/${id}`);
// The campaign once its counts (and state) are as said.
const counts = (hub, id, want, state) => until(`campaign ${JSON.stringify(want)}`, async () => {
  const c = await show(hub, id);
  for (const [name, n] of Object.entries(want)) assert.equal(c.counts[name], n, JSON.stringify(c));
  if (state) assert.equal(c.state, state);
  return c;
});
const reach = (wa) => wa.events().map((e) => e.body.to);
const once = (wa) => assert.equal(new Set(reach(wa)).size, reach(wa).length, 'nobody twice');
const list = (hub, id, state = '') => hub.all(`/api/campaigns/${id}/recipients${state && `?state=${state}`}`);
const now = () => String(Math.floor(Date.now() / 1000));
const status = (e, word, more) => ({ id: e.id, status: word, timestamp: now(), recipient_id: e.body.to.slice(1),
  biz_opaque_callback_data: e.body.biz_opaque_callback_data, ...more });
const say = (hub, from, text, more) => postWhatsapp(hub, [waMessage('text', { body: text }, { from, ...more })]);
async function statuses(hub, list_) {
  await postWhatsapp(hub, [], { statuses: list_ });
  await hub.quiet();
}

test('a list, in every form spreadsheets have: everybody once, what is wrong told by line and column', async (t) => {
  const { wa, hub } = await started(t);
  const { id } = await create(hub);
  const text = '\ufeffNome;Telefone;Cupom\r\n"Ana ""A""; \r\nMaria";(11) 99999-0001;X\r\n\r\nBia;+5511999990002;\r\n'
    + 'De novo;551199990001;\r\nZé;123;\r\n;11999990003;\r\nDuas;11999990004\r\n=1+1;+16505550100;{{nome}}\r\n';
  const answer = await upload(hub, id, text);
  assert.deepEqual(answer, { campaign: id, added: 3, duplicates: 1, problems: 3, lines: [
    { line: 7, column: 4, problem: 'no valid number: write it with DDD, or +country code' },
    { line: 8, column: 1, problem: 'no value for {{nome}}' },
    { line: 9, column: 6, problem: 'fewer cells than the header has' }] });
  assert.deepEqual(await upload(hub, id, text), { ...answer, added: 0, duplicates: 4 }, 'the same again adds nobody');
  const more = await upload(hub, id, { recipients: [{ to: '11 9 9999 0005', nome: 'Caio' }, { to: '+5511999990002', nome: 'Bia' }, { nome: 'x' }, 7] });
  assert.deepEqual([more.added, more.duplicates, more.problems, more.items.map((i) => i.item)], [1, 1, 2, [3, 4]]);
  await start(hub, id);
  const done = await counts(hub, id, { recipients: 4, accepted: 4, waiting: 0, queued: 0 }, 'finished');
  assert.ok(done.finished_at);
  once(wa);
  const text1 = Object.fromEntries(wa.events().map((e) => [e.body.to, e.body.template.components[0].parameters[0].text]));
  assert.deepEqual(text1, { '+5511999990001': 'Ana "A"; Maria', '+5511999990002': 'Bia', '+16505550100': '=1+1', '+5511999990005': 'Caio' });
  /* a list that cannot be read to its end is not taken at all */
  const other = await create(hub);
  for (const [body, message] of [['nome,telefone\na,11999990001\n"b', /line 3, column 1/], ['nome\nAna\n', /no column is the number/],
    ['nome,nome,telefone\n', /column 6/], ['', /no header/], [`nome,telefone\nAna,11999990001\nB\xe9,1`, null]]) {
    const bytes = message ? body : Buffer.from(body, 'latin1');
    const bad = await fetch(`${hub.base}/api/campaigns/${other.id}/recipients`, { method: 'POST', body: bytes,
      headers: { 'content-type': 'text/csv; charset=utf-8', 'x-api-key': hub.env.MALOTE_ADMIN_KEY } });
    assert.equal(bad.status, 400);
    assert.match((await bad.json()).error.message, message ?? /line 3, column 2: this is not UTF-8/);
  }
  assert.equal((await show(hub, other.id)).counts.recipients, 0);
  assert.equal((await hub.call('POST', `/api/campaigns/${id}/recipients`, csv(lines(1)), TEXT_CSV)).status, 409);
});

test('the pace holds, a pause stops it, and it goes on where it was', async (t) => {
  const { wa, hub } = await started(t);
  const id = await campaign(hub, lines(12), { per_minute: 240 });
  const from = Date.now();
  await start(hub, id);
  await until('some to be sent', () => wa.stats().messages >= 6);
  /* a second's worth may go at once, then one each quarter of a second */
  assert.ok(Date.now() - from >= 200, `six within ${Date.now() - from} ms`);
  assert.equal((await hub.post(`/api/campaigns/${id}/pause`)).state, 'paused');
  const paused = await counts(hub, id, { queued: 0 });
  assert.ok(paused.counts.waiting > 0 && paused.counts.accepted < 12, JSON.stringify(paused));
  assert.equal((await hub.call('POST', `/api/campaigns/${id}/pause`)).status, 409);
  const other = await campaign(hub, lines(40, 100)); /* all of another one goes out meanwhile */
  await start(hub, other);
  await counts(hub, other, { accepted: 40 }, 'finished');
  assert.equal(wa.stats().messages, paused.counts.accepted + 40);
  await hub.post(`/api/campaigns/${id}/resume`);
  await counts(hub, id, { accepted: 12 }, 'finished');
  assert.ok(Date.now() - from >= (12 - 5) * 250 - 1000, 'faster than it may');
  once(wa);
});

test('a whole list is never in the queue at once: what somebody waits for goes first', async (t) => {
  const { wa, hub } = await started(t, { destination: { concurrency: 1, rate_per_min: 600 } });
  const id = await campaign(hub, lines(60));
  await start(hub, id);
  await until('the first', () => wa.stats().messages > 2);
  const { counts: c } = await show(hub, id);
  assert.ok(c.queued <= 21, JSON.stringify(c)); /* two seconds of 600 a minute, and one */
  await say(hub, '5511777770000', 'Oi');
  await hub.quiet();
  const { delivery } = await hub.post('/api/messages', { to: '+5511777770000', type: 'text', text: 'Oi' });
  const before = wa.stats().messages;
  await until('the answer', async () => (await hub.get(`/api/deliveries/${delivery}`)).state === 'delivered');
  const at = reach(wa).indexOf('+5511777770000');
  assert.ok(at - before <= 4, `${at - before} of the campaign went before it`);
  await hub.post(`/api/campaigns/${id}/cancel`);
  const end = await counts(hub, id, { waiting: 0, queued: 0 }, 'cancelled');
  assert.equal(end.counts.accepted + end.counts.cancelled, 60);
  assert.equal(wa.stats().messages, end.counts.accepted + 1);
});

test('kill -9 in the middle, again and again: nobody twice, nobody missing', async (t) => {
  const wa = await startWhatsApp(t), data = folder(t), COUNT = 150;
  let hub = await startHub(t, { data }), id;
  await hub.apply({ sources: [waSource()], destinations: [zap(wa, { concurrency: 1 })] });
  id = await campaign(hub, lines(COUNT));
  await start(hub, id);
  let kills = 0;
  for (const mark of [10, 40, 41, 90, 130]) {
    await until(`${mark} to be sent`, () => wa.stats().messages >= mark);
    await hub.kill();
    kills++;
    hub = await startHub(t, { data });
  }
  const end = await until('the end', async () => {
    const c = await show(hub, id);
    return c.state === 'finished' && c.counts.queued === 0 && c;
  });
  once(wa);
  /* what was on its way at a kill is not repeated, and is told; a status proves what arrived */
  const failed = await list(hub, id, 'failed');
  assert.equal(end.counts.accepted + failed.length, COUNT);
  /* one under way, and one whose answer was not on disk yet */
  assert.ok(failed.length <= 2 * kills, `${failed.length} unknown after ${kills} kills`);
  for (const r of failed) assert.match(r.reason, /outcome unknown/);
  const lost = failed.filter((r) => !reach(wa).includes(r.to));
  assert.equal(reach(wa).length + lost.length, COUNT, 'nobody missing');
  await statuses(hub, wa.events().filter((e) => failed.some((r) => r.to === e.body.to)).map((e) => status(e, 'delivered')));
  await counts(hub, id, { failed: lost.length, accepted: COUNT - lost.length, delivered: failed.length - lost.length });
});

test('statuses in any order, each several times: the counts are right', async (t) => {
  const { wa, hub } = await started(t);
  const id = await campaign(hub, lines(8));
  await start(hub, id);
  await counts(hub, id, { accepted: 8 }, 'finished');
  const said = wa.events().flatMap((e, i) => ['sent', 'delivered', 'read'].slice(0, i < 3 ? 3 : i < 6 ? 2 : 1).map((word) => status(e, word)));
  said.push(status(wa.events()[7], 'failed', { errors: [{ code: 131026, title: 'undeliverable 5511' }] }));
  const shuffled = [...said, ...said].map((s) => [Math.random(), s]).sort((a, b) => a[0] - b[0]).map(([, s]) => s);
  while (shuffled.length > 0) await statuses(hub, shuffled.splice(0, 5));
  await counts(hub, id, { recipients: 8, accepted: 7, sent: 7, delivered: 6, read: 3, failed: 1 });
  await statuses(hub, said.filter((s) => s.status !== 'failed').reverse());
  await counts(hub, id, { accepted: 7, sent: 7, delivered: 6, read: 3, failed: 1 });
  const [failed] = await list(hub, id, 'failed');
  assert.equal(failed.reason, 'failed after it was sent, code 131026');
  assert.equal((await list(hub, id, 'read')).length, 3);
  const { campaign: of } = await hub.get(`/api/messages/${failed.message}`);
  assert.equal(of, id);
});

test('who answered, who asked for no more: counted once each, and the next campaign leaves them out', async (t) => {
  const { wa, hub } = await started(t);
  const id = await campaign(hub, lines(6));
  await say(hub, number(5), 'Antes', { timestamp: String(Number(now()) - 5) }); /* before it: no reply */
  await start(hub, id);
  await counts(hub, id, { accepted: 6 }, 'finished');
  const wamid = Object.fromEntries(wa.events().map((e) => [e.body.to.slice(1), e.id]));
  await say(hub, number(0), 'Quero!');
  await say(hub, number(0), 'Quanto custa?');
  await say(hub, number(1), 'Sim', { context: { from: 'x', id: wamid[number(1)] } });
  await say(hub, number(2), ' Parar. ');
  await say(hub, number(2), 'PARAR');
  await postWhatsapp(hub, [waMessage('button', { payload: 'STOP', text: 'Parar promoções' }, { from: number(3), context: { from: 'x', id: wamid[number(3)] } })]);
  await postWhatsapp(hub, [], { contacts: [{ profile: { name: 'x' }, wa_id: number(4) }],
    user_preferences: [{ wa_id: number(4), category: 'marketing_messages', value: 'stop', timestamp: Number(now()) }] });
  await say(hub, '5511777770001', 'De ninguém');
  await hub.quiet();
  await counts(hub, id, { replied: 4, opted_out: 3 });
  /* told once more, as Meta does */
  assert.equal((await hub.post('/api/events/replay', { source: 'wa', since: '1h' })).events > 0, true);
  await until('the replay', async () => (await hub.get('/api/events?state=replaying')).items.length === 0);
  await counts(hub, id, { replied: 4, opted_out: 3 });
  /* the next one: three are left out, and one who stops between upload and start */
  const next = await campaign(hub, lines(6));
  await say(hub, number(5), 'sair');
  /* and one who comes back; within one second the stop counts */
  await say(hub, number(3), 'quero receber', { timestamp: String(Number(now()) + 2) });
  await hub.quiet();
  await start(hub, next);
  await counts(hub, next, { accepted: 3, skipped: 3 }, 'finished');
  for (const r of await list(hub, next, 'skipped')) assert.equal(r.reason, 'asked for no marketing');
  assert.deepEqual(reach(wa).slice(6).sort(), [0, 1, 3].map((i) => `+${number(i)}`));
  /* what is no advertising still goes to them */
  const utility = await campaign(hub, lines(6), { category: 'utility' });
  await start(hub, utility);
  await counts(hub, utility, { accepted: 6 }, 'finished');
  /* an old word, told late by the history, undoes no newer one */
  const old = String(Math.floor(Date.now() / 1000) - 90 * 86400);
  await postWhatsapp(hub, [], { messages: undefined, contacts: undefined, history: [{ metadata: { phase: 1, chunk_order: 1, progress: 50 },
    threads: [{ id: number(3), messages: [waMessage('text', { body: 'PARAR' }, { from: number(3), timestamp: old })] }] }] });
  await hub.quiet();
  const [contact] = (await hub.get(`/api/contacts?phone=%2B${number(3)}`)).items;
  assert.equal(contact.fields.wa_marketing.value, 'resume');
  assert.equal(contact.fields.wa_marketing.origin, 'wa');
});

test('refusals: of one person, of the pace, of the token; a campaign waits and says why', async (t) => {
  const { wa, hub } = await started(t, { destination: { concurrency: 1 } });
  wa.mode(`to:${number(1)}:131026`);
  const id = await campaign(hub, lines(4));
  await start(hub, id);
  await counts(hub, id, { accepted: 3, failed: 1 }, 'finished');
  assert.match((await list(hub, id, 'failed'))[0].reason, /131026/);
  /* Meta's limit on marketing: tried again tomorrow, and nobody waits for that */
  wa.mode(`to:55119900001:131049`);
  const many = await campaign(hub, [...lines(5, 100), ...lines(30)], { per_minute: 120 });
  await start(hub, many);
  await until('those behind them', () => wa.stats().messages > 6);
  await until('the first to be put off', async () => (await list(hub, many, 'retrying')).length === 5);
  assert.match((await list(hub, many, 'retrying'))[0].reason, /131049/);
  await hub.post(`/api/campaigns/${many}/cancel`);
  await counts(hub, many, { waiting: 0, queued: 0 }, 'cancelled');
  /* a throttle costs nobody the message */
  wa.mode('429', 1);
  const slow = await campaign(hub, lines(1, 200));
  await start(hub, slow);
  await until('the pause', async () => /is paused$/.test((await show(hub, slow)).waits_for ?? '') || (await show(hub, slow)).state === 'finished');
  await hub.post('/api/destinations/zap/pause'); /* a person ends the wait */
  await hub.post('/api/destinations/zap/resume');
  await counts(hub, slow, { accepted: 1 }, 'finished');
  /* a refused token: on hold, nobody is lost */
  wa.mode('unauthorised');
  const held = await campaign(hub, lines(30, 300), { per_minute: 600 });
  await start(hub, held);
  const waits = await until('the hold', async () => { const c = await show(hub, held); return c.waits_for === 'its destination is on hold' && c; });
  assert.match(waits.hold, /190/);
  assert.ok(waits.counts.waiting > 0 && waits.state === 'running');
  wa.mode('ok');
  await hub.post('/api/destinations/zap/resume');
  await counts(hub, held, { accepted: 30 }, 'finished');
  /* disabled: the same */
  await hub.post('/api/destinations/zap/pause');
  const off = await campaign(hub, lines(3, 400));
  await start(hub, off);
  assert.equal((await show(hub, off)).waits_for, 'its destination is paused');
  assert.equal((await show(hub, off)).counts.waiting, 3);
  await hub.post('/api/destinations/zap/resume');
  await counts(hub, off, { accepted: 3 }, 'finished');
  once({ events: () => wa.events().slice(-33) });
});

test('twenty refused in a row for one reason: it pauses, and the list is not used up', async (t) => {
  const { wa, hub } = await started(t, { destination: { concurrency: 1 } });
  const id = await campaign(hub, lines(90), { per_minute: 600 });
  wa.mode('code:132001');
  await start(hub, id);
  const paused = await counts(hub, id, { accepted: 0, queued: 0 }, 'paused');
  assert.match(paused.reason, /^20 in a row failed: code 132001/);
  assert.ok(paused.counts.failed >= 20 && paused.counts.waiting > 0, JSON.stringify(paused));
  await hub.quiet();
  const [alert, ...others] = await hub.all('/api/events?source=malote&type=malote.alert');
  assert.deepEqual([alert.name, others], ['campaign_paused', []]);
  const { custom } = (await hub.get(`/api/events/${alert.id}`)).data;
  assert.deepEqual({ ...custom, at: '', destination_id: '' }, { alert: 'campaign_paused', campaign: paused.name, campaign_id: id, destination: 'zap',
    destination_id: '', reason: paused.reason, at: '' });
  wa.mode('ok');
  const on = await hub.post(`/api/campaigns/${id}/resume`);
  assert.deepEqual([on.state, on.reason], ['running', undefined]);
  await counts(hub, id, { waiting: 0, accepted: 90 - paused.counts.failed }, 'finished');
  await hub.post('/api/dead-letters/retry', { destination: 'zap', reason: '132001' });
  await counts(hub, id, { accepted: 90, failed: 0, queued: 0 });
  once(wa);
});

test('Meta takes a message and then says that the number may send no more for now: nobody is used up, it pauses and tells', async (t) => {
  const { wa, hub } = await started(t);
  const id = await campaign(hub, lines(6));
  await start(hub, id);
  await counts(hub, id, { accepted: 6 }, 'finished');
  const [a, b, c, ...rest] = wa.events(), failed = (e, code) => status(e, 'failed', { errors: [{ code, title: 'limit' }] });
  await statuses(hub, [...rest.map((e) => status(e, 'delivered')), failed(a, 131048), failed(b, 130429), failed(c, 131049)]);
  await hub.patch('/api/destinations/zap', { timeout: '1100ms' }); // wakes the campaigns
  const paused = await counts(hub, id, { waiting: 2, failed: 1, delivered: 3 }, 'paused');
  assert.match(paused.reason, /^failed after it was sent, code 13(1048|0429)$/);
  await statuses(hub, [failed(a, 131048)]); // told again: nothing
  assert.deepEqual((await hub.all('/api/events?source=malote&type=malote.alert')).map((e) => e.name), ['campaign_paused']);
  await hub.post(`/api/campaigns/${id}/resume`);
  await counts(hub, id, { waiting: 0, accepted: 5, failed: 1 }, 'finished');
  const tos = reach(wa);
  assert.deepEqual([tos.length, new Set(tos).size], [8, 6], 'the two once more, and nobody else');
  await statuses(hub, wa.events().slice(6).map((e) => status(e, 'read')));
  await statuses(hub, [failed(a, 131048)]);
  assert.equal((await counts(hub, id, { read: 2, failed: 1 }, 'finished')).reason, undefined);
});

test('more campaigns that cannot go on than are looked at in one turn: a later one goes all the same', async (t) => {
  const { wa, hub } = await started(t);
  await hub.apply({ destinations: [zap(wa), zap(wa, { name: 'shut', enabled: false })] });
  for (let i = 0; i < 70; i++) await start(hub, await campaign(hub, lines(1, i), { destination: 'shut' }));
  const id = await campaign(hub, lines(3, 500), { destination: 'zap' });
  await start(hub, id);
  await counts(hub, id, { accepted: 3 }, 'finished');
  assert.equal(wa.events().length, 3);
});

test('a cancelled campaign takes back what a held destination kept', async (t) => {
  const { wa, hub } = await started(t);
  wa.mode('unauthorised');
  const id = await campaign(hub, lines(20));
  await start(hub, id);
  await until('the hold', async () => (await show(hub, id)).waits_for === 'its destination is on hold');
  await hub.post(`/api/campaigns/${id}/cancel`);
  await counts(hub, id, { waiting: 0, queued: 0, cancelled: 20 }, 'cancelled');
  wa.mode('ok');
  await hub.post('/api/destinations/zap/resume');
  const { delivery } = await hub.post('/api/messages', { to: '+5511777770000', type: 'template', template: { name: 'x', language: 'pt_BR' } });
  await until('the destination to work', async () => (await hub.get(`/api/deliveries/${delivery}`)).state === 'delivered');
  assert.deepEqual(reach(wa), ['+5511777770000']);
});

test('a segment of the contacts, and one person with two numbers', async (t) => {
  const { wa, hub } = await started(t, { sources: [waSource(), caktoSource()] });
  const buyer = (id, name, phone) => accepted(hub, paidOrder(id, (d) => Object.assign(d.customer, { name, phone, email: `${id}@example.com`, docNumber: null })));
  await buyer('a', 'Ana Lima', '5511999990001');
  await buyer('b', 'Bia Reis', '5511999990002');
  await say(hub, number(7), 'Oi');
  await say(hub, '5511999990002', 'Oi');
  await hub.quiet();
  const { id } = await create(hub, { template: { ...template, parameters: ['{{first_name|cliente}}'] } });
  const answer = await hub.call('POST', `/api/campaigns/${id}/recipients`, { segment: { order: { status: 'paid', since: '1d' }, not_wrote_since: '1d' } });
  assert.equal(answer.status, 202, answer.text);
  await until('the snapshot', async () => !(await show(hub, id)).collecting);
  await start(hub, id);
  await counts(hub, id, { recipients: 1, accepted: 1 }, 'finished');
  assert.deepEqual(wa.events().map((e) => [e.body.to, e.body.template.components[0].parameters[0].text]), [['+5511999990001', 'Ana']]);
  const [bia] = (await hub.get('/api/contacts?phone=%2B5511999990002')).items;
  const people = await create(hub);
  assert.equal((await upload(hub, people.id, { recipients: [{ contact: bia.id, nome: 'B' }, { to: '+5511999990002', nome: 'B' }, { contact: 'con_0000000000000', nome: 'x' }] })).duplicates, 1);
  assert.equal((await hub.call('POST', `/api/campaigns/${people.id}/recipients`, { segment: { cidade: 'x' } })).status, 400);
  /* the same document at two numbers: one contact */
  await accepted(hub, paidOrder('c', (d) => Object.assign(d.customer, { name: 'Caio', phone: '5511999990011', email: 'c@example.com', docNumber: '52998224725' })));
  await accepted(hub, paidOrder('d', (d) => Object.assign(d.customer, { name: 'Caio', phone: '5511999990012', email: 'c@example.com', docNumber: '52998224725' })));
  await hub.quiet();
  const two = await campaign(hub, ['Caio,11999990011', 'Caio,11999990012']);
  await start(hub, two);
  await counts(hub, two, { accepted: 1, skipped: 1 }, 'finished');
  assert.equal((await list(hub, two, 'skipped'))[0].reason, 'the same person as another recipient');
  await hub.quiet();
  assert.equal((await hub.get('/api/events?type=message.outgoing')).items.length, 2, 'no event without the recipient\'s state');
  assert.equal(reach(wa).filter((to) => /99999001[12]$/.test(to)).length, 1);
});

test('mistakes, rights, and what keys may see; a person that is erased', async (t) => {
  const { wa, hub } = await started(t);
  const bad = [[{ template }, /name/], [{ name: 'x' }, /template/], [{ name: 'x', template: { name: 'Oi', language: 'pt_BR' } }, /a-z/],
    [{ name: 'x', template: { ...template, parameters: ['{{'] } }, /placeholder/], [{ name: 'x', template, per_minute: 0 }, /per_minute/],
    [{ name: 'x', template, per_minuto: 5 }, /per_minuto/], [{ name: 'x', template, category: 'ads' }, /category/]];
  for (const [body, message] of bad) {
    const answer = await hub.call('POST', '/api/campaigns', body);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.json.error.message, message);
  }
  assert.equal((await hub.call('POST', '/api/campaigns', { name: 'x', template, destination: 'nobody' })).status, 404);
  const { id } = await create(hub, { name: 'Natal' });
  assert.equal((await hub.call('POST', '/api/campaigns', { name: 'Natal', template })).status, 409);
  await upload(hub, id, csv(['Segredo da Ana,11999990001', 'Bia,11999990002']));
  const { key } = await hub.post('/api/keys', { name: 'eyes', role: 'reader' });
  const seen = JSON.stringify([await hub.get(`/api/campaigns/${id}/recipients`, { key }), await hub.get('/api/campaigns', { key }), await hub.get(`/api/campaigns/${id}`, { key })]);
  assert.doesNotMatch(seen, /Segredo|99999/);
  for (const act of ['start', 'pause', 'cancel', 'recipients']) assert.equal((await hub.call('POST', `/api/campaigns/${id}/${act}`, {}, { key })).status, 403);
  for (const wrong of ['cam_0000000000000', 'evt_0000000000000']) {
    assert.equal((await hub.call('POST', `/api/campaigns/${wrong}/start`)).status, 404);
    for (const path of ['', '/recipients']) assert.equal((await hub.call('GET', `/api/campaigns/${wrong}${path}`)).status, 404);
    assert.equal((await hub.call('POST', `/api/campaigns/${wrong}/recipients`, csv(lines(1)), TEXT_CSV)).status, 404);
  }
  /* erased: from what waits and from what was sent */
  await start(hub, id);
  await counts(hub, id, { accepted: 2 }, 'finished');
  await hub.quiet();
  const waiting = await campaign(hub, ['Segredo da Ana,11999990001', 'Bia,11999990002']);
  const [ana] = (await hub.get('/api/contacts?phone=%2B5511999990001')).items;
  const exported = await hub.get(`/api/contacts/${ana.id}/export`);
  assert.deepEqual(exported.campaigns.map((c) => [c.campaign, c.to, c.state, c.values.nome]).sort(),
    [[id, '+5511999990001', 'accepted', 'Segredo da Ana'], [waiting, '+5511999990001', 'waiting', 'Segredo da Ana']].sort());
  assert.equal((await hub.call('DELETE', `/api/contacts/${ana.id}`)).json.campaigns, 2);
  assert.doesNotMatch(JSON.stringify([await list(hub, id), await list(hub, waiting)]), /Segredo|999990001/);
  await start(hub, waiting);
  await counts(hub, waiting, { recipients: 2, accepted: 1, skipped: 1 }, 'finished');
  assert.equal(wa.stats().messages, 3);
  const draft = await campaign(hub, lines(450));
  assert.equal((await hub.call('DELETE', `/api/campaigns/${id}`)).status, 409);
  assert.equal((await hub.call('DELETE', `/api/campaigns/${draft}`)).status, 200);
  assert.equal((await hub.call('GET', `/api/campaigns/${draft}`)).status, 404);
  assert.doesNotMatch(hub.out + hub.err, /Segredo|99999\D?0001/);
  assert.equal(await hub.metric('malote_campaign_messages_total'), 3);
});

test('the command line: made from a file, a long list in pieces, started', async (t) => {
  const { wa, hub } = await started(t), dir = folder(t);
  const cli = async (code, ...args) => { const done = await hub.cli(args); assert.equal(done.code, code, done.err); return done; };
  writeFileSync(join(dir, 'c.yaml'), 'name: cli\nper_minute: 6000\ntemplate: { name: oferta, language: pt_BR, parameters: ["{{nome}}"] }\n');
  const { id } = JSON.parse((await cli(0, 'campaign', 'create', join(dir, 'c.yaml'), '--json')).out);
  const long = 'x'.repeat(900);
  const rows = Array.from({ length: 1500 }, (_, i) => (i === 1200 ? '"Duas\nlinhas",nobody,' : `"Pessoa\n${i}",${number(i)},${long}`));
  writeFileSync(join(dir, 'l.csv'), `nome,telefone,x\n${rows.join('\n')}\n`);
  const up = await cli(0, 'campaign', 'recipients', id, join(dir, 'l.csv'), '--json');
  assert.deepEqual(JSON.parse(up.out), { added: 1499, duplicates: 0, problems: 1 });
  assert.match(up.err, new RegExp(`^line ${2 + 2 * 1200 + 1}, column 9: no valid number`), 'the file\'s own line, whatever piece it was in');
  assert.match((await cli(0, 'campaign', 'recipients', id, join(dir, 'l.csv'))).out, /added 0, in the campaign already 1499, not taken 1/);
  await cli(0, 'campaign', 'start', id);
  await until('some', () => wa.stats().messages > 5);
  assert.match((await cli(0, 'campaign', 'pause', id)).out, /paused/);
  await cli(1, 'campaign', 'pause', id);
  await cli(0, 'campaign', 'resume', id);
  await cli(0, 'campaign', 'cancel', id);
  await counts(hub, id, { waiting: 0, queued: 0 }, 'cancelled');
  assert.equal(JSON.parse((await cli(0, 'campaign', 'show', id, '--json')).out).name, 'cli');
  assert.match((await cli(0, 'campaigns')).out, /cli\s+cancelled/);
  assert.match((await cli(0, 'campaign', 'list', id, '--state', 'cancelled', '--limit', '2')).out, /cancelled/);
  await cli(1, 'campaign', 'delete', id);
  await cli(2, 'campaign', 'frobnicate', id);
  once(wa);
});

const picture = async (hub) => (await (await fetch(`${hub.base}/api/media`, { method: 'POST', body: Buffer.alloc(1000, 7),
  headers: { 'content-type': 'image/jpeg', 'x-api-key': hub.env.MALOTE_ADMIN_KEY } })).json()).id;
const withHeader = (type, file) => ({ name: 'oferta', language: 'pt_BR', components: [{ type: 'header', parameters: [{ type, [type]: file }] }] });

test('a message that waits for its file takes no place of a campaign; a header names its file by link', async (t) => {
  const { wa, hub } = await started(t, { destination: { concurrency: 1 }, sources: [] });
  const media = await picture(hub), to = '+5511999990005';
  wa.mode('media:500');
  await hub.post('/api/messages', { to, type: 'image', image: { media } });
  await until('the upload to fail', () => wa.stats().rejected.length >= 1);
  const [waits] = await hub.deliveries('zap', 'waiting', 1);
  assert.equal(waits.reason, 'waits for its file');
  const link = 'https://loja.example/foto.jpg', id = await campaign(hub, lines(5), { template: withHeader('image', { link }) });
  await start(hub, id);
  await counts(hub, id, { accepted: 5, queued: 0, failed: 0 }, 'finished');
  once(wa);
  for (const { body } of wa.events()) assert.deepEqual(body.template.components[0].parameters[0].image, { link });
  await hub.kill(); // it was neither leased nor tried
  wa.mode('ok');
  await hub.start();
  await hub.deliveries('zap', 'delivered', 6);
  assert.deepEqual(wa.events().filter(({ body }) => body.to === to).map(({ body }) => body.type), ['image']);
});

test('a picture of ours in the template\'s header: one upload for the whole campaign, also over a kill', async (t) => {
  const { wa, hub } = await started(t, { sources: [] });
  const media = await picture(hub);
  for (const [template_, status, words] of [[withHeader('video', { media }), 400, /no file of this type as video/],
    [withHeader('image', { media: 'med_0000000000001' }), 404, /no such file/], [withHeader('image', { media: '{{foto}}' }), 400, /uploaded file/]]) {
    const bad = await hub.call('POST', '/api/campaigns', { name: 'bad', template: template_ });
    assert.deepEqual([bad.status, words.test(bad.text)], [status, true], bad.text);
  }
  const id = await campaign(hub, lines(60), { template: withHeader('image', { media }) });
  wa.mode('media:500');
  await start(hub, id);
  await until('all to wait for the file', async () => (await hub.all('/api/deliveries?destination=zap&state=waiting'))
    .filter(({ reason }) => reason === 'waits for its file').length === 60);
  assert.deepEqual(reach(wa), []);
  await hub.kill();
  wa.mode('ok');
  await hub.start();
  await counts(hub, id, { accepted: 60, queued: 0, failed: 0 }, 'finished');
  once(wa);
  assert.equal(wa.uploads, 1);
  const [[file]] = [...wa.files];
  for (const { body } of wa.events()) assert.deepEqual(body.template.components[0].parameters[0].image, { id: file });
});
