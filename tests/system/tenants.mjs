// tenants.mjs: what tests of several workspaces share, and of several numbers behind one WhatsApp app.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { WA_SECRET, until, waMessage, waSource } from './hub.mjs';

export const OWN = '111', SHOP = '222', NEW = '333', WABA = '900';

// A workspace, its admin's key, and calls made with it.
export async function workspace(hub, name) {
  const made = await hub.post('/api/workspaces', { name });
  const key = made.admin_key.key, as = { key };
  return { ...made, key, as, apply: (config) => hub.post('/api/apply', config, as), get: (path) => hub.get(path, as), all: (path) => hub.all(path, as),
    call: (method, path, body) => hub.call(method, path, body, as), post: (path, body) => hub.post(path, body, as) };
}
export const quiet = (hub, ...spaces) => until('every event to be interpreted', async () => {
  for (const options of [undefined, ...spaces.map((s) => s.as)])
    for (const state of ['pending', 'replaying']) assert.equal((await hub.get(`/api/events?state=${state}`, options)).items.length, 0);
  return true;
});

// The source of a workspace that has a number of another's app.
export const taker = (more) => ({ name: 'wa', kind: 'whatsapp-cloud', accept_from: ['default/app'], ...more });
export const say = (id, from, body, more) => waMessage('text', { body }, { id, from, ...more });
export const change = (number, value) => ({ field: 'messages', value: { messaging_product: 'whatsapp',
  metadata: { display_phone_number: `5511${number}`, phone_number_id: number }, ...value } });
export async function app(hub, changes, entry = {}) {
  const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: WABA, changes, ...entry }] });
  const answer = await hub.call('POST', '/in/app', body, { key: null,
    headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', WA_SECRET).update(body).digest('hex')}` } });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}
export const receiver = (more) => waSource({ name: 'app', path: '/in/app', numbers: [OWN], accounts: { [SHOP]: 'shop/wa' }, ...more });
