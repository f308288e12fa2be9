// Messages found by their words: accents folded, edits followed, erased ones gone, nothing read as an operator.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postWhatsapp, startHub, waMessage, waSource } from './hub.mjs';

const text = (body, more) => waMessage('text', { body }, more);

async function setup(t) {
  const hub = await startHub(t);
  await hub.apply({ sources: [waSource()] });
  return hub;
}

const find = async (hub, q, more = '', options) =>
  (await hub.get(`/api/messages/search?q=${encodeURIComponent(q)}${more}`, options)).items.map((m) => m.text);

test('by words, whatever the accents and the case; all of them', async (t) => {
  const hub = await setup(t);
  const first = text('Meu pedido NÃO chegou, atenção!');
  await postWhatsapp(hub, [first, text('o pedido chegou'), text('bom dia'), waMessage('image', { id: '7', mime_type: 'image/jpeg', caption: 'foto do pedido' })]);
  await hub.quiet();
  assert.deepEqual(await find(hub, 'nao chegou'), ['Meu pedido NÃO chegou, atenção!']);
  assert.deepEqual(await find(hub, 'ATENCAO'), ['Meu pedido NÃO chegou, atenção!']);
  assert.equal((await find(hub, 'pedido')).length, 3);
  assert.deepEqual(await find(hub, 'pedido', '&type=image'), ['foto do pedido']);
  assert.deepEqual(await find(hub, 'pedido', '&direction=out'), []);
  assert.equal((await find(hub, 'pedido', '&since=1h')).length, 3);
  assert.equal((await find(hub, 'pedido', '&until=1h')).length, 0);
  const stats = await hub.get('/api/messages/stats');
  assert.deepEqual(stats.messages, [{ direction: 'in', type: 'image', count: 1 }, { direction: 'in', type: 'text', count: 3 }]);
  assert.equal(stats.tickets.open, 1);
  /* by the message's own time, not by when it came to be known */
  const at = Date.now() - 90 * 86400 * 1000, day = (n) => new Date(at + n * 86400 * 1000).toISOString();
  await postWhatsapp(hub, [text('reserva antiga', { timestamp: String(Math.floor(at / 1000)) })]);
  await hub.quiet();
  assert.deepEqual(await find(hub, 'reserva', '&since=1h'), []);
  assert.deepEqual(await find(hub, 'reserva', `&since=${day(-1)}&until=${day(1)}`), ['reserva antiga']);
  assert.deepEqual(await find(hub, 'reserva', `&since=${day(-2)}&until=${day(-1)}`), []);
  for (const odd of ['"', 'a" OR "b', 'pedido*', 'NEAR(a b)', '-pedido', 'text:pedido', '(', "'; DROP TABLE messages; --"])
    assert.equal((await hub.call('GET', `/api/messages/search?q=${encodeURIComponent(odd)}`)).status, 200, odd);
  for (const bad of ['', '%20', 'a%20'.repeat(17), 'x'.repeat(513)])
    assert.equal((await hub.call('GET', `/api/messages/search?q=${bad}`)).status, 400, bad);
});

test('an erased person is found no more; keys without sight of personal data find nothing', async (t) => {
  const hub = await setup(t);
  await postWhatsapp(hub, [text('segredo de um'), text('segredo de outro', { from: '5521988880001' })]);
  await hub.quiet();
  const { key } = await hub.post('/api/keys', { name: 'reader', role: 'reader' });
  assert.equal((await hub.call('GET', '/api/messages/search?q=segredo', undefined, { key })).status, 403);
  const [first] = (await hub.get('/api/messages/search?q=um')).items;
  assert.deepEqual(await find(hub, 'segredo', `&contact=${first.contact}`), ['segredo de um']);
  assert.match((await hub.cli(['search', 'SEGREDO', 'um'])).out, /segredo de um/);
  assert.match((await hub.cli(['person', 'export', first.contact])).out, /segredo de um/);
  assert.equal((await hub.cli(['person', 'erase', first.contact])).code, 2);
  assert.equal((await hub.cli(['person', 'erase', first.contact, '--yes'])).code, 0);
  assert.deepEqual(await find(hub, 'segredo'), ['segredo de outro']);
});
