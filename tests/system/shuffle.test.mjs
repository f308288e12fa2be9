// shuffle.test.mjs: ten thousand WhatsApp webhooks in any order, each posted up to three times: the records end as if each had come once
// and in its turn. MALOTE_SHUFFLE_SEED makes another storm of them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { NEEDS_SQLITE, startHub, waSource, WA_SECRET } from './hub.mjs';
import { shuffled, storm } from './storm.mjs';

const COUNT = Number(process.env.MALOTE_SHUFFLE ?? 10_000), SEED = Number(process.env.MALOTE_SHUFFLE_SEED ?? 20261126), AT_ONCE = 8;

function post(hub, agent, body) {
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${createHmac('sha256', WA_SECRET).update(body).digest('hex')}` };
  return new Promise((fulfil, refuse) => {
    const request = http.request(`${hub.base}/api/whatsapp`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode === 200 ? fulfil() : refuse(new Error(`status ${answer.statusCode}`))));
    });
    request.on('error', refuse);
    request.end(body);
  });
}

async function postAll(hub, bodies, atOnce) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < bodies.length) await post(hub, agent, bodies[next++]);
  }));
  agent.destroy();
  await hub.quiet();
}

// Every record, one a line; what is named by an id of the hub's own is named by what it is. Times of arrival are left out, how far a file has
// come, and what the hub told of itself meanwhile.
const RECORDS = `
WITH p AS (SELECT c.id, COALESCE((SELECT group_concat(x, ' ') FROM (SELECT kind || ':' || value AS x FROM contact_identities i
    WHERE i.contact_id = c.id ORDER BY x)), '-') AS who FROM contacts c WHERE merged_into = 0 UNION ALL SELECT 0, 'nobody'),
  v AS (SELECT c.id, p.who || ' ' || c.peer || ' ' || c.account AS what FROM conversations c JOIN p ON p.id = c.contact_id)
SELECT 'contact ' || who || ' ' || fields AS line FROM contacts c JOIN p ON p.id = c.id
UNION ALL SELECT 'conversation ' || json_array(what, window_until_ms, last_message_ms, last_in_ms, last_out_ms, messages_in, messages_out, read_ms)
  FROM conversations c JOIN v ON v.id = c.id
UNION ALL SELECT 'ticket ' || json_array(what, state, assignee, opened_ms, closed_ms, first_reply_ms) FROM tickets t JOIN v ON v.id = t.conversation_id
UNION ALL SELECT 'message ' || json_array(m.external_id, who, what, t.opened_ms, f.external_id, m.channel, m.account, direction, origin, type, at_ms, status,
  status_ms, edited_ms, revoked_ms, reply_to, text, data) FROM messages m JOIN p ON p.id = m.contact_id LEFT JOIN v ON v.id = m.conversation_id
  LEFT JOIN tickets t ON t.id = m.ticket_id LEFT JOIN media f ON f.id = m.media_id
UNION ALL SELECT 'status ' || json_array(external_id, recipient, status, at_ms, rank, data) FROM message_statuses
UNION ALL SELECT 'edit ' || json_array(external_id, edit_id, kind, at_ms, text, data) FROM message_edits
UNION ALL SELECT 'reaction ' || json_array(external_id, reactor, emoji, at_ms, reaction_id) FROM message_reactions
UNION ALL SELECT 'file ' || json_array(f.external_id, m.external_id, kind, mime, sha256, size, filename) FROM media f LEFT JOIN messages m ON m.id = f.message_id
UNION ALL SELECT 'number ' || json_array(account, owner, number, in_app_ms) FROM own_numbers
UNION ALL SELECT 'fact ' || json_array(owner, number, fact, at_ms, until_ms, value) FROM own_facts
UNION ALL SELECT 'chunk ' || json_array(account, phase, chunk, progress, at_ms) FROM own_chunks
UNION ALL SELECT 'template ' || json_array(owner, name, language, state, reason, state_ms, quality, category) FROM message_templates
UNION ALL SELECT 'event ' || json_array(key, type, name, state, occurred_ms) FROM events WHERE type <> 'malote.alert'
ORDER BY 1`;

function records(hub) {
  const got = spawnSync('sqlite3', ['-readonly', join(hub.data, 'malote.db'), RECORDS], { maxBuffer: 1 << 30, encoding: 'utf8' });
  assert.equal(got.status, 0, got.stderr);
  return got.stdout.trimEnd().split('\n');
}

function sameRecords(got, want) {
  const there = new Set(got), asked = new Set(want);
  const missing = want.filter((line) => !there.has(line)), extra = got.filter((line) => !asked.has(line));
  assert.ok(missing.length + extra.length === 0 && got.length === want.length,
    `${missing.length} records are missing, ${extra.length} are wrong, of ${want.length}:\n${missing.slice(0, 8).map((l) => `- ${l}`).join('\n')}\n${extra.slice(0, 8).map((l) => `+ ${l}`).join('\n')}`);
}

test(`${COUNT} mixed webhooks, shuffled and repeated, leave the records of their order`, NEEDS_SQLITE, async (t) => {
  const bodies = storm(COUNT, SEED), hubs = [];
  for (const list of [bodies, shuffled(bodies.flatMap((body, i) => Array(1 + (i % 3)).fill(body)), SEED + 1)]) {
    const hub = await startHub(t);
    await hub.apply({ sources: [waSource()] });
    await postAll(hub, list, hubs.length ? AT_ONCE : 1);
    hubs.push(hub);
  }
  const [want, got] = hubs.map(records);
  assert.ok(want.length > COUNT * 2, `${want.length} records`);
  sameRecords(got, want);
});
