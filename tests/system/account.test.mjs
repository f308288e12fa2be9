// account.test.mjs: Meta says that an account may not send any more: its destinations are held, with an alert, and no others.
import assert from 'node:assert/strict';
import test from 'node:test';
import { pause, postChange, postWhatsapp, startHub, startSink, startWhatsApp, crm, until, waMessage, waSource, zap } from './hub.mjs';

const now = () => Math.floor(Date.now() / 1000);
const update = (hub, account, value, time = now()) => postChange(hub, 'account_update', value, { id: account, time });
const state = async (hub, name) => (await hub.get(`/api/destinations/${name}`)).state;
const becomes = (hub, name, want) => until(`${name} to be ${want}`, async () => (await state(hub, name)) === want);
const told = (hub) => hub.all('/api/events?source=malote&type=malote.alert');
const alerts = async (hub, name = 'destination_held') => (await told(hub)).filter((e) => e.name === name);
const becomesTold = (hub, name, count) => until(`${count} of ${name}`, async () => { const all = await alerts(hub, name); return all.length === count && all; });
// A message to one of our numbers: from then on the hub knows whose it is.
const heard = (hub, account, phone_number_id, display_phone_number) =>
  postWhatsapp(hub, [waMessage('text', { body: 'Oi' })], { metadata: { display_phone_number, phone_number_id } }, account);

async function started(t) {
  const wa = await startWhatsApp(t), hub = await startHub(t);
  await hub.apply({ sources: [waSource()], destinations: [zap(wa, { name: 'one', phone_number_id: '101' }),
    zap(wa, { name: 'two', phone_number_id: '102' }), zap(wa, { name: 'other', phone_number_id: '201' })] });
  return { wa, hub };
}
const learned = async (hub) => {
  await heard(hub, '9001', '101', '5511955550101');
  await heard(hub, '9001', '102', '5511955550102');
  await heard(hub, '9002', '201', '5511955550201');
  await hub.quiet();
};

test('an offboarded account holds its own numbers, says so once, and a person ends it', async (t) => {
  const { wa, hub } = await started(t);
  await learned(hub);
  await pause(1100); // Meta's times are whole seconds; one before the last change of a destination is old
  const word = { event: 'ACCOUNT_OFFBOARDED' }, time = now();
  await update(hub, '9001', word, time);
  await becomes(hub, 'one', 'held');
  await becomes(hub, 'two', 'held');
  assert.equal(await state(hub, 'other'), 'ok');
  assert.equal((await hub.get('/api/destinations/one')).hold, 'account: the account was offboarded (ACCOUNT_OFFBOARDED)');
  const list = await until('two alerts', async () => { const all = await alerts(hub); return all.length === 2 && all; });
  assert.deepEqual(new Set(list.map((e) => e.name)), new Set(['destination_held']));
  await hub.quiet();
  const { custom } = (await hub.get(`/api/events/${list[0].id}`)).data;
  assert.deepEqual([custom.alert, custom.reason], ['destination_held', 'account: the account was offboarded (ACCOUNT_OFFBOARDED)']);
  await hub.post('/api/messages', { destination: 'one', to: '+5511999990005', type: 'template', template: { name: 'oi', language: 'pt_BR' } });
  await hub.deliveries('one', 'held', 1);
  await hub.kill();
  await hub.start();
  assert.deepEqual([await state(hub, 'one'), (await alerts(hub)).length], ['held', 2]);
  await pause(1100);
  await hub.post('/api/destinations/one/resume');
  await hub.deliveries('one', 'delivered', 1);
  await update(hub, '9001', { ...word, late: 'told again under another key' }, time); // old: a person knew better since
  await hub.quiet();
  await pause(300);
  assert.deepEqual([await state(hub, 'one'), await state(hub, 'two'), (await alerts(hub)).length], ['ok', 'held', 2]);
  assert.equal(wa.stats().messages, 1);
});

test('one number of an account; a ban; what is no reason to stop', async (t) => {
  const { hub } = await started(t);
  await learned(hub);
  await pause(1100);
  for (const value of [{ event: 'ACCOUNT_VIOLATION', violation_info: { violation_type: 'ADULT' } }, { event: 'ACCOUNT_RECONNECTED' },
    { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'SCHEDULE_FOR_DISABLE' } },
    { event: 'ACCOUNT_RESTRICTION', restriction_info: [{ restriction_type: 'RESTRICTED_ADD_PHONE_NUMBER_ACTION' }] }]) await update(hub, '9001', value);
  await update(hub, '7', { event: 'PARTNER_REMOVED', phone_number: '5511955550102', waba_info: { waba_id: '9001' }, disconnection_info: { reason: 'PRIMARY_INACTIVITY' } });
  await becomes(hub, 'two', 'held');
  assert.match((await hub.get('/api/destinations/two')).hold, /disconnected from this app \(PARTNER_REMOVED, PRIMARY_INACTIVITY\)$/);
  assert.deepEqual([await state(hub, 'one'), await state(hub, 'other')], ['ok', 'ok']);
  await update(hub, '9002', { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'DISABLE' } });
  await becomes(hub, 'other', 'held');
  assert.equal(await state(hub, 'one'), 'ok');
  await becomesTold(hub, 'destination_held', 2);
  const [warning] = await becomesTold(hub, 'account_violation', 1);
  assert.equal((await hub.get(`/api/events/${warning.id}`)).data.custom.reason, 'account_update: ACCOUNT_VIOLATION, ADULT');
});

test('nothing was heard of any number yet: held rather than lost; of an account that has nothing to do with ours: not', async (t) => {
  const { hub } = await started(t);
  await heard(hub, '9001', '101', '5511955550101');
  await hub.quiet();
  await pause(1100);
  await update(hub, '9001', { event: 'ACCOUNT_DELETED' });
  await becomes(hub, 'one', 'held');
  assert.deepEqual([await state(hub, 'two'), await state(hub, 'other')], ['ok', 'ok']);
  await update(hub, '9003', { event: 'ACCOUNT_DELETED' });
  await becomes(hub, 'two', 'held');
  await becomes(hub, 'other', 'held');
});

const numbers = async (hub) => Object.fromEntries((await hub.all('/api/numbers')).map((n) => [n.account, n]));
const hello = (destination, language = 'pt_BR') => ({ destination, to: '+5511999990005', type: 'template', template: { name: 'oi', language } });

test('what an account\'s update held its later word releases, whatever the order of arrival; told like the hold', async (t) => {
  const { wa, hub } = await started(t);
  await learned(hub);
  await pause(1100);
  const time = now();
  await update(hub, '9001', { event: 'ACCOUNT_OFFBOARDED' }, time);
  await becomes(hub, 'one', 'held');
  await hub.post('/api/messages', hello('one'));
  await hub.deliveries('one', 'held', 1);
  await update(hub, '9001', { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'REINSTATE' } }, time + 1); // of another matter
  await update(hub, '9001', { event: 'ACCOUNT_RECONNECTED' }, time - 1); // an older word
  await hub.quiet();
  assert.equal(await state(hub, 'one'), 'held');
  await update(hub, '9001', { event: 'ACCOUNT_RECONNECTED' }, time + 2);
  await becomes(hub, 'one', 'ok');
  await hub.deliveries('one', 'delivered', 1);
  assert.equal(wa.stats().messages, 1);
  const [released] = await becomesTold(hub, 'destination_released', 2);
  const { custom } = (await hub.get(`/api/events/${released.id}`)).data;
  assert.equal(custom.reason, 'account: the channel says ACCOUNT_RECONNECTED');
  assert.match(custom.destination_id, /^dst_/);
  await update(hub, '9001', { event: 'PARTNER_REMOVED', disconnection_info: {} }, time + 1); // late: it is undone already
  await hub.quiet();
  await update(hub, '9002', { event: 'ACCOUNT_DELETED' });
  await becomes(hub, 'other', 'held');
  await becomesTold(hub, 'destination_held', 3);
  assert.deepEqual([await state(hub, 'one'), await state(hub, 'two')], ['ok', 'ok']);
  await update(hub, '9002', { event: 'ACCOUNT_RECONNECTED' }, now() + 1);
  await hub.quiet();
  await hub.kill();
  await hub.start();
  assert.deepEqual([await state(hub, 'one'), await state(hub, 'other'), (await told(hub)).length], ['ok', 'held', 5], 'deleted is for good');
});

test('a restriction with an end ends by itself, once, also when the hub was down', async (t) => {
  const { hub } = await started(t);
  await learned(hub);
  await pause(1100);
  const restricted = (expiration) => ({ event: 'ACCOUNT_RESTRICTION', restriction_info: [{ restriction_type: 'RESTRICTED_BIZ_INITIATED_MESSAGING', expiration }] });
  const expiration = now() + 4;
  await update(hub, '9001', restricted(expiration));
  await update(hub, '9002', restricted(expiration + 3600));
  await becomes(hub, 'one', 'held');
  await becomes(hub, 'other', 'held');
  assert.equal((await numbers(hub))['101'].destinations[0].hold_until, new Date(expiration * 1000).toISOString());
  await becomes(hub, 'one', 'ok');
  assert.ok(Date.now() >= expiration * 1000, 'not before its time');
  await becomesTold(hub, 'destination_released', 2);
  const again = now() + 4;
  await update(hub, '9001', restricted(again));
  await becomes(hub, 'one', 'held');
  await hub.kill();
  await until('its time', () => Date.now() > again * 1000);
  await hub.start();
  await becomes(hub, 'one', 'ok');
  await becomesTold(hub, 'destination_released', 4);
  assert.equal(await state(hub, 'other'), 'held');
});

test('a hold of another kind is no affair of the account\'s words', async (t) => {
  const { wa, hub } = await started(t);
  await learned(hub);
  wa.mode('unauthorised');
  await hub.post('/api/messages', hello('one'));
  await becomes(hub, 'one', 'held');
  await update(hub, '9001', { event: 'ACCOUNT_OFFBOARDED' }, now() + 1);
  await becomes(hub, 'two', 'held');
  await update(hub, '9001', { event: 'ACCOUNT_RECONNECTED' }, now() + 2);
  await becomes(hub, 'two', 'ok');
  assert.match((await hub.get('/api/destinations/one')).hold, /^unauthorised/);
});

test('numbers: all that was told of them, by their own time; the app lowers the pace, and the probe knows better', async (t) => {
  const { wa, hub } = await started(t);
  await learned(hub);
  const time = now();
  await postChange(hub, 'phone_number_name_update', { display_phone_number: '5511955550101', decision: 'APPROVED', requested_verified_name: 'Loja' }, { id: '9001', time });
  await postChange(hub, 'phone_number_name_update', { display_phone_number: '5511955550101', decision: 'REJECTED', requested_verified_name: 'Banco' }, { id: '9001', time: time + 1 });
  await postChange(hub, 'phone_number_quality_update', { display_phone_number: '5511955550101', event: 'ONBOARDING', max_daily_conversations_per_business: 'TIER_2K' }, { id: '9001', time });
  await postChange(hub, 'phone_number_quality_update', { display_phone_number: '5511955550101', event: 'FLAGGED', current_limit: 'TIER_250' }, { id: '9001', time: time - 9 });
  await update(hub, '9001', { event: 'AD_ACCOUNT_LINKED' }, time);
  const history = (phase, chunk_order, progress) => postChange(hub, 'history', { metadata: { display_phone_number: '5511955550101', phone_number_id: '101' },
    history: [{ metadata: { phase, chunk_order, progress }, threads: [] }] }, { id: '9001', time });
  await history(2, 0, 100);
  await history(0, 0, 30);
  await hub.quiet();
  const one = await until('the lower pace', async () => { const n = (await numbers(hub))['101']; return n.destinations[0].rate_per_min === 1200 && n; });
  const at = new Date(time * 1000).toISOString();
  assert.match(one.id, /^num_/);
  assert.deepEqual({ ...one, id: '' }, { id: '', channel: 'whatsapp', account: '101', owner: '9001', number: '5511955550101', name: 'Loja',
    quality: { event: 'ONBOARDING', at }, limit: { people_per_day: 'TIER_2K', at }, in_app: true,
    history: { phase: 2, progress: 100, chunks: 2, at, done_at: at }, account_update: { event: 'AD_ACCOUNT_LINKED', at },
    destinations: [{ name: 'one', rate_per_min: 1200 }], sources: ['wa'] });
  const two = (await numbers(hub))['102'];
  await update(hub, '9001', { event: 'ACCOUNT_RECONNECTED', phone_number: '5511955550102' }); // told of the other number by its digits
  await until('the lower pace of the other', async () => (await numbers(hub))['102'].destinations[0].rate_per_min === 1200);
  assert.deepEqual([two.in_app, two.name, two.history, two.destinations], [false, undefined, undefined, [{ name: 'two', rate_per_min: 4800 }]]);
  await hub.patch('/api/destinations/one', { rate_per_min: 60 });
  assert.equal((await numbers(hub))['101'].destinations[0].rate_per_min, 60, 'a lower setting counts');
  await hub.patch('/api/destinations/one', { rate_per_min: 4800 });
  assert.equal((await numbers(hub))['101'].destinations[0].rate_per_min, 1200);
  for (const [onApp, rate] of [[undefined, 1200], [false, 4800], [true, 1200]]) {
    wa.onApp = onApp;
    await hub.post('/api/destinations/one/probe');
    assert.deepEqual([(await numbers(hub))['101'].destinations[0].rate_per_min, (await hub.get('/api/destinations/one')).rate_per_min], [rate, 4800]);
  }
  await hub.kill();
  await hub.start();
  assert.deepEqual((await numbers(hub))['101'], one);
  const page = await hub.get('/api/numbers?limit=2');
  assert.deepEqual([page.items.length, (await hub.get(`/api/numbers?cursor=${page.next}`)).items.length], [2, 1]);
  assert.match((await hub.cli(['numbers'])).out, /101 +5511955550101 +Loja/);
});

test('security: told once, however often it is repeated or replayed, wherever a route says', async (t) => {
  const { hub } = await started(t), watch = await startSink(t);
  await hub.apply({ destinations: [crm(watch, { name: 'ops' })], routes: [{ name: 'alerts', on: ['malote.alert'], to: 'ops' }] });
  const time = now(), pin = (at) => postChange(hub, 'security', { display_phone_number: '5511955550101', event: 'PIN_RESET_REQUEST', requester: '61555' }, { id: '9001', time: at });
  await pin(time);
  await pin(time);
  const [alert] = await becomesTold(hub, 'account_security', 1), [event] = await hub.all('/api/events?type=whatsapp.security');
  await hub.delivery('ops', 'delivered');
  await hub.post(`/api/events/${event.id}/retry`);
  await hub.kill();
  await hub.start();
  await until('the replay', async () => (await hub.get(`/api/events/${event.id}`)).state === 'done');
  await pin(time + 1);
  await becomesTold(hub, 'account_security', 2);
  assert.equal((await alerts(hub, 'account_security')).length, 2);
  const { custom } = (await hub.get(`/api/events/${alert.id}`)).data;
  assert.deepEqual(custom, { alert: 'account_security', event_id: event.id, account: '9001', number: '5511955550101',
    reason: 'security: PIN_RESET_REQUEST', at: new Date(time * 1000).toISOString() });
  assert.equal(alert.key, `account_security:${event.id}:${time * 1000}`);
});

const template = (hub, event, time, more) => postChange(hub, 'message_template_status_update',
  { event, message_template_id: 17, message_template_name: 'oi', message_template_language: 'pt-BR', reason: 'NONE', ...more }, { id: '9001', time });

test('a template that Meta said no to is refused at once; what is not known is Meta\'s to judge', async (t) => {
  const { wa, hub } = await started(t);
  await learned(hub);
  const time = now();
  await template(hub, 'REJECTED', time, { reason: 'INVALID_FORMAT', message_template_category: 'MARKETING' });
  await hub.quiet();
  const answer = await hub.call('POST', '/api/messages', hello('one'));
  assert.deepEqual([answer.status, answer.json.error.code], [422, 'template_refused']);
  assert.match(answer.json.error.message, /^template oi \(pt_BR\) is REJECTED, INVALID_FORMAT since \d{4}-.*: edit it at the channel and have it approved$/);
  await hub.post('/api/messages', hello('one', 'en')); // another language
  await hub.post('/api/messages', hello('other')); // another account
  await template(hub, 'APPROVED', time - 5); // late
  await hub.quiet();
  assert.equal((await hub.call('POST', '/api/messages', hello('two'))).status, 422);
  await postChange(hub, 'message_template_quality_update', { message_template_name: 'oi', message_template_language: 'pt_BR', new_quality_score: 'GREEN' }, { id: '9001', time });
  await template(hub, 'APPROVED', time + 5);
  await hub.quiet();
  await hub.post('/api/messages', hello('one'));
  await hub.deliveries('one', 'delivered', 2);
  const [known, ...others] = await hub.all('/api/templates');
  assert.deepEqual([known.name, known.language, known.state, known.sendable, known.reason, known.quality, known.category, others],
    ['oi', 'pt_BR', 'APPROVED', true, undefined, 'GREEN', 'MARKETING', []]);
  assert.deepEqual([(await hub.all('/api/templates?state=REJECTED')).length, (await hub.all('/api/templates?name=oi')).length], [0, 1]);
  assert.match((await hub.cli(['templates'])).out, /oi +pt_BR +APPROVED/);
  assert.equal(wa.stats().messages, 3);
});

test('a campaign whose template is paused pauses with an alert, and starts when it may be sent again', async (t) => {
  const { wa, hub } = await started(t);
  await learned(hub);
  const { id } = await hub.post('/api/campaigns', { name: 'natal', destination: 'one', template: { name: 'oi', language: 'pt_BR' }, per_minute: 600 });
  await hub.post(`/api/campaigns/${id}/recipients`, { recipients: Array.from({ length: 60 }, (_, i) => ({ to: `+55119999${String(10000 + i)}` })) });
  await hub.post(`/api/campaigns/${id}/start`);
  await until('some to be sent', () => wa.stats().messages > 3);
  const time = now();
  await template(hub, 'PAUSED', time, { reason: 'LOW_QUALITY' });
  const show = () => hub.get(`/api/campaigns/${id}`);
  const paused = await until('the pause', async () => { const c = await show(); return c.state === 'paused' && c; });
  assert.match(paused.reason, /^template oi \(pt_BR\) is PAUSED, LOW_QUALITY since /);
  assert.ok(paused.counts.waiting > 0);
  await becomesTold(hub, 'campaign_paused', 1);
  const refused = await hub.call('POST', `/api/campaigns/${id}/start`);
  assert.deepEqual([refused.status, refused.json.error.code, (await show()).state], [409, 'template_refused', 'paused']);
  await template(hub, 'APPROVED', time + 1);
  await hub.quiet();
  await hub.post(`/api/campaigns/${id}/start`);
  await until('the rest', async () => (await show()).state === 'finished');
  await hub.deliveries('one', 'delivered', 60);
  assert.equal(wa.stats().messages, 60);
});

test('a number of absurd length is none, and holds up nobody', async (t) => {
  const { hub } = await started(t);
  await heard(hub, '9001', '101', '5'.repeat(70_000));
  await update(hub, '9001', { event: 'PARTNER_REMOVED', phone_number: '7'.repeat(70_000) });
  await heard(hub, '9002', '201', '5511955550201');
  await hub.quiet();
  assert.equal((await hub.all('/api/messages')).length, 2);
  assert.deepEqual((await hub.all('/api/numbers')).map((n) => [n.account, n.number]).sort(), [['101', undefined], ['201', '5511955550201']]);
  assert.equal(await state(hub, 'other'), 'ok');
});
