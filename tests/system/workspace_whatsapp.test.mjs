// workspace_whatsapp.test.mjs: what is known of one number, and done for it, stays in its workspace: holds, read marks, keys, campaigns, files.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { pause, startHub, startWhatsApp, until, zap } from './hub.mjs';
import { NEW, OWN, SHOP, app, change, quiet, receiver, say, taker, workspace } from './tenants.mjs';

const now = () => Math.floor(Date.now() / 1000);
const states = async (space) => Object.fromEntries((await space.all('/api/destinations')).map((d) => [d.name, d.state]));
const alerts = async (space) => (await space.all('/api/events?source=malote&type=malote.alert')).map((e) => e.name);
const update = (hub, account, value) => app(hub, [{ field: 'account_update', value }], { id: account, time: now() });
const template = { name: 'oferta', language: 'pt_BR' };

// An app of `default` with numbers of its own, of a shop and of another.
async function three(t, more) {
  const wa = await startWhatsApp(t), hub = await startHub(t), shop = await workspace(hub, 'shop'), other = await workspace(hub, 'other');
  await hub.apply({ sources: [receiver({ accounts: { [SHOP]: 'shop/wa', [NEW]: 'other/wa' }, ...more })],
    destinations: [zap(wa, { phone_number_id: OWN }), zap(wa, { name: 'fresh', phone_number_id: '444' })] });
  for (const [space, number] of [[shop, SHOP], [other, NEW]]) await space.apply({ sources: [taker()], destinations: [zap(wa, { phone_number_id: number }), zap(wa, { name: 'fresh', phone_number_id: `${number}4` })] });
  return { wa, hub, shop, other };
}
const heard = (hub, number, account) => app(hub, [change(number, { messages: [say(`wamid.of${number}`, '5511999990001', 'oi')] })], { id: account });
const holds = async ({ hub, shop, other }, want) => {
  await until(`holds ${JSON.stringify(want)}`, async () => {
    for (const [i, space] of [hub, shop, other].entries()) assert.deepEqual(await states(space), { zap: want[i] ? 'held' : 'ok', fresh: 'ok' }, String(i));
    return true;
  });
  await until('an alert of each, where it is', async () => {
    for (const [i, space] of [hub, shop, other].entries()) assert.deepEqual(await alerts(space), want[i] ? ['destination_held'] : [], String(i));
    return true;
  });
};

test('an account that may not send any more: its numbers are held in their own workspaces, and nobody else\'s', async (t) => {
  const all = await three(t), { hub, shop, other } = all;
  await update(hub, '901', { event: 'ACCOUNT_OFFBOARDED' }); // of whom, nobody knows yet: and nothing is guessed
  await heard(hub, OWN, '900');
  await heard(hub, SHOP, '901');
  await heard(hub, NEW, '902');
  await quiet(hub, shop, other);
  await holds(all, [false, false, false]);
  await pause(1100); // Meta's times are whole seconds; one before the last change of a destination is old
  await update(hub, '901', { event: 'ACCOUNT_OFFBOARDED' });
  await holds(all, [false, true, false]);
  assert.deepEqual((await shop.all('/api/events?type=whatsapp.account_update')).length, 1);
  await update(hub, '7', { event: 'PARTNER_REMOVED', waba_info: { waba_id: '902' } });
  await holds(all, [false, true, true]);
  await hub.kill();
  await hub.start();
  await holds(all, [false, true, true]);
  await update(hub, '900', { event: 'ACCOUNT_DELETED' });
  await holds(all, [true, true, true]);
  assert.equal((await hub.all('/api/dead-letters')).length, 0);
});

test('one account, numbers of three: all are held, whoever the account is said to be of', async (t) => {
  for (const more of [{}, { accounts: { 900: 'shop/wa', [NEW]: 'other/wa' } }]) {
    const all = await three(t, more), { hub, shop, other } = all;
    for (const number of [OWN, SHOP, NEW]) await heard(hub, number, '900');
    await quiet(hub, shop, other);
    await pause(1100);
    await update(hub, '900', { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'DISABLE' } });
    await holds(all, [true, true, true]);
  }
});

test('what is told of an account reaches all that have numbers of it: a release, a template, a warning; each sees its own numbers', async (t) => {
  const all = await three(t), { hub, shop, other } = all, spaces = [hub, shop, other];
  for (const number of [OWN, SHOP]) await heard(hub, number, '900');
  await heard(hub, NEW, '902');
  await quiet(...spaces);
  await pause(1100);
  const time = now();
  await update(hub, '900', { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'DISABLE' } });
  await holds(all, [true, true, false]);
  await app(hub, [{ field: 'account_update', value: { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'REINSTATE' } } }], { id: '900', time: time + 2 });
  for (const space of [hub, shop]) await until('the release', async () => (await states(space)).zap === 'ok' && (await alerts(space)).includes('destination_released'));
  await app(hub, [{ field: 'message_template_status_update', value: { event: 'DISABLED', message_template_name: 'oferta', message_template_language: 'pt_BR' } }], { id: '900', time });
  await app(hub, [{ field: 'security', value: { event: 'PIN_CHANGED' } }], { id: '900', time });
  await quiet(...spaces);
  for (const space of [hub, shop]) {
    assert.deepEqual((await space.all('/api/templates')).map((x) => [x.name, x.state]), [['oferta', 'DISABLED']]);
    await until('the warning', async () => (await alerts(space)).includes('account_security'));
  }
  assert.deepEqual([await other.all('/api/templates'), await alerts(other)], [[], []]);
  for (const [i, number] of [OWN, SHOP, NEW].entries()) assert.deepEqual((await spaces[i].all('/api/numbers')).map((n) => [n.account, n.destinations.map((d) => d.name)]), [[number, ['zap']]]);
});

test('read marks, idempotency keys and unread counts are each workspace\'s own, though all ids are the same', async (t) => {
  const { wa, hub, shop } = await three(t);
  const unread = async (space) => (await space.all('/api/conversations')).map((c) => c.unread);
  const counts = (want) => until(`unread ${JSON.stringify(want)}`, async () => { assert.deepEqual([...await unread(hub), ...await unread(shop)], want); return true; });
  await app(hub, [OWN, SHOP].map((number) => change(number, { messages: [say('wamid.same', '5511999990001', 'oi', { timestamp: String(now() - 100) })] })));
  await quiet(hub, shop);
  await counts([1, 1]);
  await hub.post('/api/messages', { type: 'read', message_id: 'wamid.same', destination: 'zap' });
  await counts([0, 1]);
  await shop.post('/api/messages', { type: 'read', message_id: 'wamid.later', destination: 'zap' }); // before it is known
  await quiet(hub, shop);
  await app(hub, [OWN, SHOP].map((number) => change(number, { messages: [say('wamid.later', '5511999990001', 'e aí', { timestamp: String(now() - 50) })] })));
  await quiet(hub, shop);
  await counts([1, 0]);
  const send = (space, text) => space.post('/api/messages', { to: '+5511999990001', type: 'text', text, destination: 'zap', idempotency_key: 'k' });
  const [a, b] = [await send(hub, 'daqui'), await send(shop, 'da loja')];
  assert.notEqual(a.delivery, b.delivery);
  assert.deepEqual([(await send(hub, 'daqui')).delivery, (await send(shop, 'da loja')).delivery], [a.delivery, b.delivery]);
  await until('both to go out', () => wa.events().filter(({ body }) => body.type === 'text').length === 2);
  await quiet(hub, shop);
  await counts([0, 0]);
  assert.deepEqual(wa.events().filter(({ body }) => body.type === 'text').map((e) => [e.number, e.body.text.body]).sort(), [[OWN, 'daqui'], [SHOP, 'da loja']]);
});

test('a campaign that a limit pauses: by its own number\'s statuses alone, and its alert is its workspace\'s', async (t) => {
  const { wa, hub, shop } = await three(t);
  const campaign = async (space, to) => {
    const { id } = await space.post('/api/campaigns', { name: 'c', destination: 'zap', template, per_minute: 6000 });
    await space.post(`/api/campaigns/${id}/recipients`, { recipients: [{ to: `+${to}` }] });
    await space.post(`/api/campaigns/${id}/start`);
    await until('it to be sent', async () => (await space.get(`/api/campaigns/${id}`)).counts.accepted === 1);
    return id;
  };
  const [ours, theirs] = [await campaign(hub, '5511999990001'), await campaign(shop, '5511999990002')];
  const failed = (number) => wa.events().filter((e) => e.number === number).map((e) => ({ id: e.id, status: 'failed', timestamp: String(now()), recipient_id: e.body.to.slice(1),
    biz_opaque_callback_data: e.body.biz_opaque_callback_data, errors: [{ code: 131048, title: 'limit' }] }));
  await app(hub, [change(OWN, { statuses: failed(SHOP) }), change(SHOP, { statuses: failed(OWN) })]); // each of the other's: proves nothing
  await quiet(hub, shop);
  for (const [space, id] of [[hub, ours], [shop, theirs]]) assert.deepEqual((({ state, counts }) => [state, counts.accepted])(await space.get(`/api/campaigns/${id}`)), ['finished', 1]);
  await app(hub, [change(SHOP, { statuses: failed(SHOP) })]);
  await quiet(hub, shop);
  await shop.call('PATCH', '/api/destinations/zap', { timeout: '1100ms' }); // wakes the campaigns
  await until('it to pause', async () => (await shop.get(`/api/campaigns/${theirs}`)).state === 'paused');
  assert.equal((await hub.get(`/api/campaigns/${ours}`)).state, 'finished');
  assert.deepEqual([await alerts(hub), await alerts(shop)], [[], ['campaign_paused']]);
});

test('a file waits to be given to Meta when its workspace is disabled, and is given when it is enabled', async (t) => {
  const { wa, hub, shop } = await three(t);
  for (const number of [OWN, SHOP]) await heard(hub, number, '900');
  await quiet(hub, shop);
  const post = (space, key) => fetch(`${hub.base}/api/media`, { method: 'POST', body: randomBytes(3000), headers: { 'x-api-key': key, 'content-type': 'image/jpeg' } }).then((res) => res.json());
  const file = await post(shop, shop.key);
  wa.mode('media:500');
  const image = (media) => ({ to: '+5511999990001', type: 'image', image: { media }, destination: 'zap' });
  const { delivery } = await shop.post('/api/messages', image(file.id));
  await until('it to be tried', () => wa.requests > 0);
  await hub.post('/api/workspaces/shop/disable');
  wa.mode('ok');
  await pause(3500); // the next try is due after two seconds
  const tried = wa.requests;
  assert.deepEqual([wa.uploads, wa.stats().messages], [0, 0]);
  // The others' go on.
  const own = await post(hub, hub.env.MALOTE_ADMIN_KEY), ours = await hub.post('/api/messages', image(own.id));
  await until('it to go out', async () => (await hub.get(`/api/deliveries/${ours.delivery}`)).state === 'delivered');
  await hub.kill();
  await hub.start();
  await pause(500);
  assert.deepEqual([wa.uploads, wa.stats().messages, wa.requests], [1, 1, tried + 2]);
  await hub.post('/api/workspaces/shop/enable');
  await until('it to go out', async () => (await shop.get(`/api/deliveries/${delivery}`)).state === 'delivered');
  assert.deepEqual([wa.uploads, wa.stats().messages], [2, 2]);
});
