// Files to be sent: taken in pieces, kept by digest, uploaded to Meta once and named in messages.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { ADMIN_KEY, folder, pause, s3Env, startHub, startS3, startWhatsApp, until, zap } from './hub.mjs';

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const upload = async (hub, bytes, { type = 'image/jpeg', query = '', key = ADMIN_KEY } = {}) => {
  const res = await fetch(`${hub.base}/api/media${query}`, { method: 'POST', body: bytes, headers: { 'x-api-key': key, ...(type && { 'content-type': type }) } });
  return { status: res.status, headers: res.headers, json: await res.json() };
};
const files = (hub) => readdirSync(join(hub.data, 'media'), { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(name));
const drafts = (hub) => readdirSync(join(hub.data, 'media/drafts'));
// A request whose body is written by hand.
const open = (hub, headers, path = '/api/media') => http.request(hub.base + path, { method: 'POST', headers: { 'x-api-key': ADMIN_KEY, 'content-type': 'application/pdf', ...headers } });

test('kept whole, once, whatever its size and however it comes', async (t) => {
  const hub = await startHub(t);
  for (const size of [1, 262_143, 262_144, 262_145, 524_288, 3_000_001]) {
    const bytes = randomBytes(size);
    const { status, json } = await upload(hub, bytes, { type: 'application/pdf', query: '?filename=or%C3%A7amento.pdf' });
    assert.equal(status, 201, JSON.stringify(json));
    assert.deepEqual({ ...json, id: '' }, { id: '', mime: 'application/pdf', sha256: sha(bytes), size, filename: 'orçamento.pdf' });
    const info = await hub.get(`/api/media/${json.id}/info`);
    assert.deepEqual([info.state, info.size, info.filename], ['downloaded', size, 'orçamento.pdf']);
    const back = await fetch(`${hub.base}/api/media/${json.id}`, { headers: { 'x-api-key': ADMIN_KEY } });
    assert.ok(bytes.equals(Buffer.from(await back.arrayBuffer())), String(size));
  }
  const bytes = randomBytes(600_000), before = files(hub).length;
  assert.notEqual((await upload(hub, bytes)).json.id, (await upload(hub, bytes)).json.id);
  assert.equal(files(hub).length, before + 1);
  const chunked = open(hub, { 'transfer-encoding': 'chunked' });
  for (let at = 0; at < bytes.length; at += 70_000) chunked.write(bytes.subarray(at, at + 70_000));
  chunked.end();
  const [res] = await once(chunked, 'response');
  assert.equal(res.statusCode, 201);
  res.resume();
  assert.equal(files(hub).length, before + 1);
  assert.deepEqual(drafts(hub), []);
});

test('refused before a byte of it is taken', async (t) => {
  const hub = await startHub(t);
  const { key } = await hub.post('/api/keys', { name: 'r', role: 'reader' });
  assert.equal((await upload(hub, 'x', { key: 'wrong' })).status, 401);
  assert.equal((await upload(hub, 'x', { key })).status, 403);
  assert.equal((await upload(hub, 'x', { type: 'picture' })).status, 415);
  assert.equal((await upload(hub, 'x', { query: '?filename=a%0Ab' })).status, 400);
  assert.equal((await upload(hub, '')).status, 400);
  for (const [headers, status] of [[{ 'content-length': 104_857_601 }, 413], [{ 'content-length': 90_000_000, 'x-api-key': 'wrong', expect: '100-continue' }, 401]]) {
    const req = open(hub, headers);
    req.on('error', () => {});
    req.on('continue', () => assert.fail('asked for the body'));
    req.flushHeaders();
    const [res] = await once(req, 'response');
    assert.equal(res.statusCode, status);
    req.destroy();
  }
  assert.deepEqual([files(hub), drafts(hub)], [[], []]);
});

test('given up in the middle: nothing is left, and there is room for others', async (t) => {
  const hub = await startHub(t);
  const half = async () => {
    const req = open(hub, { 'content-length': 1_000_000 });
    req.on('error', () => {});
    req.write(randomBytes(500_000));
    return req;
  };
  const all = await Promise.all(Array.from({ length: 16 }, half));
  await until('all to be under way', () => drafts(hub).length === 16);
  const busy = await upload(hub, 'x');
  assert.equal(busy.status, 503);
  assert.ok(busy.headers.get('retry-after'));
  for (const req of all) req.destroy();
  // libmicrohttpd may not notice an end that comes together with the last bytes: then the time of a piece (30 s) is up first.
  await until('nothing to be left', () => drafts(hub).length === 0, 45_000);
  assert.equal((await upload(hub, 'x')).status, 201);
  const last = await half(); // and the hub stops beside one
  await until('it to be under way', () => drafts(hub).length === 1);
  await hub.stop();
  last.destroy();
});

test('with a bucket it is acknowledged from this disk and carried up by itself', async (t) => {
  const s3 = await startS3(t), hub = await startHub(t, { env: s3Env(s3) });
  s3.mode('PUT:500');
  const bytes = randomBytes(300_000), { json } = await upload(hub, bytes);
  await until('the bucket to refuse', async () => /^S3: 500/.test((await hub.get(`/api/media/${json.id}/info`)).problem));
  const read = await fetch(`${hub.base}/api/media/${json.id}`, { headers: { 'x-api-key': ADMIN_KEY } });
  assert.ok(bytes.equals(Buffer.from(await read.arrayBuffer())));
  await hub.kill();
  s3.mode('ok');
  await hub.start();
  await until('it to be in the bucket', async () => (await hub.get(`/api/media/${json.id}/info`)).state === 'downloaded');
  assert.ok([...s3.objects.values()][0].equals(bytes));
});

test('the command line uploads from the disk and downloads to it, whole or not at all', async (t) => {
  const hub = await startHub(t), dir = folder(t), bytes = randomBytes(3_000_001), at = (name) => join(dir, name);
  const cli = async (code, args, options) => {
    const done = await hub.cli(['media', ...args], options);
    assert.equal(done.code, code, `malote media ${args.join(' ')}: ${done.out}${done.err}`);
    return code === 0 ? done.out : done.err;
  };
  const up = async (...args) => JSON.parse(await cli(0, ['upload', ...args]));
  writeFileSync(at('Orçamento 1.PDF'), bytes);
  writeFileSync(at('no-end'), 'words');
  writeFileSync(at('empty.txt'), '');
  const paper = await up(at('Orçamento 1.PDF'));
  assert.deepEqual({ ...paper, id: '' }, { id: '', mime: 'application/pdf', sha256: sha(bytes), size: bytes.length, filename: 'Orçamento 1.PDF' });
  const words = await up(at('no-end'), '--type', 'text/plain', '--filename', 'a&b.txt');
  assert.deepEqual([words.mime, words.filename, words.size], ['text/plain', 'a&b.txt', 5]);
  const piped = JSON.parse(await cli(0, ['upload', '-', '--filename=voz.ogg'], { input: bytes }));
  assert.deepEqual([piped.mime, piped.sha256, piped.filename], ['audio/ogg', sha(bytes), 'voz.ogg']);
  assert.match(await cli(2, ['upload', at('no-end')]), /--type/);
  assert.match(await cli(2, ['upload', at('no-end'), '--type', 'a/b\nX-Evil: 1']), /--type/);
  assert.match(await cli(1, ['upload', at('absent.jpg')]), /cannot read/);
  assert.match(await cli(1, ['upload', dir, '--type', 'a/b']), /is no file/);
  assert.match(await cli(1, ['upload', at('empty.txt')]), /empty/);
  assert.match(await cli(1, ['upload', at('no-end'), '--type', 'picture']), /HTTP 415/);

  await cli(0, ['download', paper.id, '-o', at('back.pdf')]);
  assert.ok(readFileSync(at('back.pdf')).equals(bytes));
  assert.equal(statSync(at('back.pdf')).mode & 0o077, 0);
  assert.equal(await cli(0, ['download', words.id]), 'words');
  assert.equal(await cli(0, ['download', words.id, '-o', '-']), 'words');
  assert.match(await cli(1, ['download', words.id, '-o', at('back.pdf')]), /--force/);
  assert.ok(readFileSync(at('back.pdf')).equals(bytes));
  await cli(0, ['download', words.id, '-o', at('back.pdf'), '--force']);
  assert.equal(readFileSync(at('back.pdf'), 'utf8'), 'words');
  mkdirSync(at('folder'));
  symlinkSync(at('no-end'), at('link'));
  for (const name of ['folder', 'link']) assert.match(await cli(1, ['download', words.id, '-o', at(name), '--force']), /there and no file/);
  assert.match(await cli(1, ['download', words.id, '-o', at('no/such')]), /cannot write/);
  assert.match(await cli(1, ['download', 'med_0000000000001', '-o', at('x')]), /no such media/);
  for (const args of [['download', words.id, '--type', 'a/b'], ['upload', at('no-end'), '-o', 'x'], ['retry', words.id, '--force'], ['upload'], ['retry'],
    ['list', 'more'], ['frobnicate'], [words.id, 'more'], ['--force']]) await cli(2, args);
  assert.match(await cli(1, ['retry', words.id]), /failed or expired/);
  assert.equal(JSON.parse(await cli(0, [words.id])).id, words.id);
  assert.equal(JSON.parse(await cli(0, ['show', words.id])).size, 5);
  for (const args of [[], ['list'], ['list', '--state', 'downloaded'], ['--limit', '2']]) assert.match(await cli(0, args), /id\s+kind\s+state/);

  // A hub that breaks off in the middle, and a name that it gives, which nobody asked for.
  const half = http.createServer((req, res) => {
    res.writeHead(200, { 'content-length': 1000, 'content-disposition': 'attachment; filename="given.bin"' });
    res.write('half');
    setTimeout(() => res.destroy(), 50);
  }).listen(0, '127.0.0.1');
  await once(half, 'listening');
  t.after(() => half.close());
  assert.match(await cli(1, ['download', words.id, '-o', at('half.bin')], { env: { MALOTE_URL: `http://127.0.0.1:${half.address().port}` } }), /broke off/);
  assert.ok(!existsSync(at('half.bin')));
  assert.deepEqual(readdirSync(dir).sort(), ['Orçamento 1.PDF', 'back.pdf', 'empty.txt', 'folder', 'link', 'no-end']);
});

// ---- into messages ----

async function setup(t, env = {}) {
  const wa = await startWhatsApp(t), hub = await startHub(t, { env });
  await hub.apply({ destinations: [zap(wa)] });
  return { wa, hub };
}
const sent = (wa) => wa.events().map(({ body }) => body);
const image = (id, more) => ({ to: '+5511999990005', type: 'image', image: { media: id, caption: 'Olá', ...more } });

test('a message with a file: given to Meta once, named by Meta\'s id in every message', async (t) => {
  const { wa, hub } = await setup(t);
  const bytes = randomBytes(700_000), { json } = await upload(hub, bytes);
  for (const to of ['+5511999990005', '+5511999990006', '+5511999990007']) await hub.post('/api/messages', { ...image(json.id), to });
  await hub.deliveries('zap', 'delivered', 3);
  assert.equal(wa.uploads, 1);
  const [[id, file]] = [...wa.files];
  assert.ok(file.bytes.equals(bytes));
  assert.equal(file.mime, 'image/jpeg');
  for (const body of sent(wa)) assert.deepEqual(body.image, { id, caption: 'Olá' });
  assert.deepEqual(wa.stats().rejected, []);
  await hub.post('/api/messages', { to: '+5511999990005', type: 'document', document: { media: json.id, filename: 'foto.jpg' } });
  await hub.deliveries('zap', 'delivered', 4);
  assert.equal(wa.uploads, 1);
  assert.deepEqual(sent(wa)[3].document, { id, filename: 'foto.jpg' });
});

const header = (type, file) => [{ type: 'header', parameters: [{ type, [type]: file }] }];
const templated = (type, file) => ({ to: '+5511999990005', type: 'template', template: { name: 'oferta', language: 'pt_BR', components: header(type, file) } });
const buttons = (type, file) => ({ to: '+5511999990005', type: 'interactive', interactive: { type: 'button', header: { type, [type]: file },
  body: { text: 'Quer?' }, action: { buttons: [{ type: 'reply', reply: { id: 'a', title: 'Sim' } }] } } });

test('a file in the header of a template or of buttons: given once, Meta\'s id in its place', async (t) => {
  const { wa, hub } = await setup(t);
  const { json: picture } = await upload(hub, randomBytes(50_000)), { json: paper } = await upload(hub, 'nota', { type: 'application/pdf' });
  await hub.post('/api/messages', templated('image', { media: picture.id }));
  await hub.post('/api/messages', buttons('image', { media: picture.id }));
  await hub.post('/api/messages', templated('document', { media: paper.id, filename: 'nota.pdf' }));
  await hub.deliveries('zap', 'delivered', 3);
  assert.equal(wa.uploads, 2);
  const id = (mime) => [...wa.files].find(([, file]) => file.mime === mime)[0];
  const bodies = sent(wa), of = (type, name) => bodies.find((b) => b.type === type && JSON.stringify(b).includes(name));
  assert.deepEqual(of('template', 'image').template.components, header('image', { id: id('image/jpeg') }));
  assert.deepEqual(of('template', 'nota.pdf').template.components, header('document', { id: id('application/pdf'), filename: 'nota.pdf' }));
  assert.deepEqual(of('interactive', 'image').interactive.header, { type: 'image', image: { id: id('image/jpeg') } });
  assert.deepEqual(wa.stats().rejected, []);
  wa.forget(); // Meta let go of it: given anew, once
  await hub.post('/api/messages', { ...templated('image', { media: picture.id }), to: '+5511999990006' });
  await hub.deliveries('zap', 'delivered', 4);
  assert.equal(wa.uploads, 3);
  for (const [body, status, words] of [[templated('video', { media: picture.id }), 400, /no file of this type as video/],
    [buttons('document', { media: 'med_0000000000001' }), 404, /no such file/], [buttons('image', { media: paper.id }), 400, /no file of this type as image/]]) {
    const answer = await hub.call('POST', '/api/messages', body);
    assert.deepEqual([answer.status, words.test(answer.text)], [status, true], answer.text);
  }
});

test('what no channel would take is refused at once', async (t) => {
  const { wa, hub } = await setup(t);
  const { json: picture } = await upload(hub, randomBytes(6 * 1024 * 1024)), { json: text } = await upload(hub, 'hello', { type: 'text/plain' });
  const refused = async (body, status, words) => {
    const answer = await hub.call('POST', '/api/messages', body);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, words);
  };
  await refused(image(picture.id), 400, /at most 5120 KiB as image/);
  await refused(image(text.id), 400, /no file of this type as image/);
  await refused(image('med_0000000000001'), 404, /no such file/);
  await refused(image('wamid.x'), 400, /must be the id of an uploaded file/);
  await refused(image(text.id, { id: '1' }), 400, /either `media`, `id` or `link`/);
  await hub.post('/api/messages', { to: '+5511999990005', type: 'document', document: { media: text.id } });
  await hub.deliveries('zap', 'delivered', 1);
  assert.equal(wa.uploads, 1);
});

test('Meta fails to take a file: tried again, and the message goes out once', async (t) => {
  const { wa, hub } = await setup(t);
  const { json } = await upload(hub, randomBytes(1000));
  wa.mode('media:500');
  await hub.post('/api/messages', image(json.id));
  await until('an upload to fail', () => wa.stats().rejected.length === 1);
  const [delivery] = await hub.deliveries('zap', 'waiting', 1);
  assert.equal((await hub.get(`/api/deliveries/${delivery.id}`)).attempts.length ?? 0, 0, 'no attempt was made');
  await hub.kill(); // nothing is doubled or taken for "may have arrived"
  wa.mode('ok');
  await hub.start();
  await hub.deliveries('zap', 'delivered', 1);
  assert.equal(sent(wa).length, 1);
});

test('Meta refuses a file for good: the message ends with the reason; a retry by hand gives it anew', async (t) => {
  const { wa, hub } = await setup(t);
  const { json } = await upload(hub, 'x', { type: 'application/x-strange' });
  await hub.post('/api/messages', { to: '+5511999990005', type: 'document', document: { media: json.id } });
  const dead = await hub.delivery('zap', 'dead');
  assert.match(dead.reason, /its file was refused: code 100/);
  assert.equal(sent(wa).length, 0);
});

test('Meta refuses the token at an upload: the destination is held, told of once, and resumed the file is given at once', async (t) => {
  const { wa, hub } = await setup(t);
  const { json } = await upload(hub, randomBytes(1000));
  wa.mode('media:unauthorised');
  for (const to of ['+5511999990005', '+5511999990006']) await hub.post('/api/messages', { ...image(json.id), to });
  const held = await until('the hold', async () => { const d = await hub.get('/api/destinations/zap'); assert.equal(d.state, 'held'); return d; });
  assert.match(held.hold, /^unauthorised: code 190/);
  await hub.deliveries('zap', 'held', 2);
  const [alert, ...more] = await until('the alert', async () => { const list = await hub.all('/api/events?source=malote&type=malote.alert'); return list.length && list; });
  assert.deepEqual([alert.name, more], ['destination_held', []]);
  const before = wa.requests;
  await pause(2500); // the first repetition of an upload that failed would be there
  assert.equal(wa.requests, before, 'nothing is given to a destination on hold');
  assert.deepEqual((await hub.get('/api/deliveries?destination=zap')).items.map((d) => d.attempts), [0, 0]);
  await hub.kill();
  await hub.start();
  wa.mode('ok');
  await hub.post('/api/destinations/zap/resume');
  await hub.deliveries('zap', 'delivered', 2);
  assert.deepEqual([wa.uploads, sent(wa).length], [1, 2]);
  assert.equal((await hub.all('/api/events?source=malote&type=malote.alert')).length, 1);
});

test('a file that Meta has let go of is given anew, once, and the message sent', async (t) => {
  const { wa, hub } = await setup(t);
  const { json } = await upload(hub, randomBytes(1000));
  await hub.post('/api/messages', image(json.id));
  await hub.deliveries('zap', 'delivered', 1);
  wa.forget();
  await hub.post('/api/messages', { ...image(json.id), to: '+5511999990006' });
  await hub.deliveries('zap', 'delivered', 2);
  assert.equal(wa.uploads, 2);
  assert.equal(sent(wa).length, 2);
  assert.deepEqual(wa.stats().rejected.map(({ code }) => code), [131053]);
});

test('another number is given the file too', async (t) => {
  const { wa, hub } = await setup(t);
  const { json } = await upload(hub, randomBytes(1000));
  await hub.post('/api/messages', image(json.id));
  await hub.deliveries('zap', 'delivered', 1);
  await hub.patch('/api/destinations/zap', { phone_number_id: '77777' });
  await hub.post('/api/messages', { ...image(json.id), to: '+5511999990006' });
  await hub.deliveries('zap', 'delivered', 2);
  assert.deepEqual([...wa.files.values()].map(({ number }) => number), ['106540352242922', '77777']);
  assert.deepEqual(wa.stats().rejected, [], 'never named to the wrong number');
});

test('a file that only the bucket has is fetched for Meta', async (t) => {
  const s3 = await startS3(t), { wa, hub } = await setup(t, s3Env(s3, { MALOTE_MEDIA_CACHE: '0' }));
  const bytes = randomBytes(400_000), { json } = await upload(hub, bytes);
  await until('the file to be in the bucket alone', () => s3.objects.size === 1 && files(hub).length === 0);
  s3.mode('GET:500', 1);
  await hub.post('/api/messages', image(json.id));
  await hub.deliveries('zap', 'delivered', 1);
  assert.ok([...wa.files.values()][0].bytes.equals(bytes));
  await pause(50);
});
