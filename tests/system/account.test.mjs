// account.test.mjs: Meta says that an account may not send any more: its destinations are held, with an alert, and no others.
import assert from 'node:assert/strict';
import test from 'node:test';
import { pause, postChange, postWhatsapp, startHub, startWhatsApp, until, waMessage, waSource, zap } from './hub.mjs';

const now = () => Math.floor(Date.now() / 1000);
const update = (hub, account, value, time = now()) => postChange(hub, 'account_update', value, { id: account, time });
const state = async (hub, name) => (await hub.get(`/api/destinations/${name}`)).state;
const becomes = (hub, name, want) => until(`${name} to be ${want}`, async () => (await state(hub, name)) === want);
const alerts = (hub) => hub.all('/api/events?source=malote&type=malote.alert');
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
  const told = { event: 'ACCOUNT_OFFBOARDED' }, time = now();
  await update(hub, '9001', told, time);
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
  await update(hub, '9001', { ...told, late: 'told again under another key' }, time); // old: a person knew better since
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
  await until('two alerts', async () => (await alerts(hub)).length === 2);
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
