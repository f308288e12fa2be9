-- Of a message that its channel refused in its very answer no status ever tells: it has failed when its delivery was given up (3), or was
-- deleted after that. Asked for at each reading, so that a retry shows at once; as campaign_follow sees it.
-- part: message_lost
t.status = 0 AND t.delivery_id > 0 AND (d.id IS NULL OR d.state = 3)

-- part: message_delivery
LEFT JOIN deliveries d ON t.status = 0 AND t.delivery_id > 0 AND d.id = t.delivery_id AND d.workspace_id = t.workspace_id

-- $1: the workspace. The last four: what the latest status that says "failed" (6) said beside it; why it never went out; the person; is it a group's.
-- part: message_row
SELECT t.id, t.contact_id, t.conversation_id, t.ticket_id, t.media_id, t.delivery_id, t.campaign_id, t.channel, t.account, t.external_id,
  t.direction, t.origin, t.type, t.at_ms, CASE WHEN @message_lost@ THEN 6 ELSE t.status END,
  CASE WHEN @message_lost@ THEN COALESCE((SELECT MAX(a.at_ms) FROM attempts a WHERE a.workspace_id = d.workspace_id
    AND a.delivery_id = d.id), d.updated_ms, 0) ELSE t.status_ms END,
  t.edited_ms, t.revoked_ms, t.reply_to, t.text, t.data,
  CASE WHEN t.status = 6 THEN COALESCE((SELECT s.data FROM message_statuses s WHERE s.external_id = t.external_id
    AND s.workspace_id = t.workspace_id AND s.rank = 6 ORDER BY s.at_ms DESC LIMIT 1), '') ELSE '' END,
  CASE WHEN @message_lost@ THEN COALESCE(d.reason, 'its delivery was deleted') ELSE '' END, COALESCE(k.fields, ''), t.in_group
FROM messages t @message_delivery@
LEFT JOIN contacts k ON k.id = t.contact_id AND k.workspace_id = t.workspace_id
WHERE t.workspace_id = $1

-- part: message_narrowed
AND t.id < $2 AND (CAST($3 AS BIGINT) = 0 OR t.direction = $3) AND (CAST($4 AS TEXT) = '' OR t.type = $4)
  AND t.at_ms >= $5 AND t.at_ms <= $6

-- name: messages_list
@message_row@
  @message_narrowed@ ORDER BY t.id DESC LIMIT $7;

-- These two sort all that a person ever wrote: ids alone, and the rest for what is shown.
-- name: messages_of_conversation
@message_row@
  AND t.id IN (SELECT t.id FROM messages t WHERE t.workspace_id = $1
    @message_narrowed@ AND t.conversation_id = $8 ORDER BY t.id DESC LIMIT $7) ORDER BY t.id DESC;

-- name: messages_of_contact
@message_row@
  AND t.id IN (SELECT t.id FROM messages t WHERE t.workspace_id = $1
    @message_narrowed@
    AND (t.conversation_id IN (SELECT c.id FROM conversations c WHERE c.contact_id = $8 AND c.workspace_id = $1)
      OR (t.in_group = 1 AND t.contact_id = $8))
    ORDER BY t.id DESC LIMIT $7) ORDER BY t.id DESC;

-- name: messages_get
@message_row@
  AND t.id = $2;

-- name: messages_get_external
@message_row@
  AND t.external_id = $2;

-- $2: ids from this one on, i.e. what became known since a moment.
-- name: messages_states
SELECT CASE WHEN @message_lost@ THEN 6 ELSE t.status END, COUNT(*) FROM messages t @message_delivery@
WHERE t.workspace_id = $1 AND t.id >= $2 AND t.direction = 2 GROUP BY 1 ORDER BY 1;

-- name: messages_statuses
SELECT status, at_ms, recipient, data FROM message_statuses WHERE external_id = $2 AND workspace_id = $1
ORDER BY at_ms, rank LIMIT 200;

-- How many of a group it has come to, each counted by the furthest word about them. 2 sent, 3 delivered, 4 read, 5 played. Who could not
-- be reached has no rank (whatsapp_other.c), and is not counted if it came through after all.
-- name: messages_recipients
SELECT COUNT(*), COALESCE(SUM(CASE WHEN best >= 2 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN best >= 3 THEN 1 ELSE 0 END), 0),
  COALESCE(SUM(CASE WHEN best >= 4 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN best >= 5 THEN 1 ELSE 0 END), 0),
  COALESCE(SUM(CASE WHEN failed = 1 AND best < 3 THEN 1 ELSE 0 END), 0)
FROM (SELECT MAX(rank) AS best, MAX(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed FROM message_statuses
  WHERE external_id = $2 AND workspace_id = $1 AND recipient <> '' GROUP BY recipient) people;

-- One of each person: who is known by a number and by a user id may have reacted under either. 3, 4: the kinds of identities.
-- name: messages_reactions
WITH said AS (SELECT r.emoji, r.at_ms, r.reactor, r.reaction_id, COALESCE(i.contact_id, 0) AS contact_id FROM message_reactions r
  LEFT JOIN contact_identities i ON i.value = r.reactor AND i.kind IN (3, 4) AND i.workspace_id = r.workspace_id
  WHERE r.external_id = $2 AND r.workspace_id = $1)
SELECT s.emoji, s.at_ms, s.reactor, s.contact_id FROM said s WHERE s.emoji <> '' AND NOT EXISTS (SELECT 1 FROM said n
  WHERE n.contact_id = s.contact_id AND n.contact_id > 0 AND n.reactor <> s.reactor
    AND (n.at_ms > s.at_ms OR (n.at_ms = s.at_ms AND n.reaction_id > s.reaction_id)))
ORDER BY s.at_ms LIMIT 200;

-- The original first, whatever the clocks say.
-- name: messages_edits
SELECT kind, at_ms, text, data FROM message_edits WHERE external_id = $2 AND workspace_id = $1
ORDER BY CASE WHEN kind = 3 THEN 0 ELSE 1 END, at_ms LIMIT 200;

-- name: messages_media
SELECT id, kind, mime, CASE WHEN sha256 = '' THEN storage ELSE sha256 END, size, filename, state, problem FROM media WHERE workspace_id = $1 AND id = $2;

-- Unread, at most a thousand: counted where it is asked for, by the index. What the history tells was read long ago, or never will be.
-- part: conversation_row
SELECT t.id, t.contact_id, t.channel, t.account, t.peer, t.window_until_ms, t.last_message_ms, t.last_in_ms, t.last_out_ms, t.messages_in,
  t.messages_out, t.created_ms, (SELECT COUNT(*) FROM (SELECT 1 FROM messages m WHERE m.conversation_id = t.id
    AND m.at_ms > t.read_ms AND m.direction = 1 AND m.origin > 1 LIMIT 1000) unread), COALESCE(k.fields, '')
FROM conversations t LEFT JOIN contacts k ON k.id = t.contact_id AND k.workspace_id = t.workspace_id
WHERE t.workspace_id = $1

-- name: messages_conversations
@conversation_row@
  AND t.id < $2 AND (CAST($3 AS BIGINT) = 0 OR t.contact_id = $3) ORDER BY t.id DESC LIMIT $4;

-- name: messages_conversation
@conversation_row@
  AND t.id = $2;

-- part: ticket_row
SELECT t.id, t.conversation_id, t.contact_id, t.state, t.assignee, t.opened_ms, t.closed_ms, t.first_reply_ms, COALESCE(k.fields, '')
FROM tickets t LEFT JOIN contacts k ON k.id = t.contact_id AND k.workspace_id = t.workspace_id
WHERE t.workspace_id = $1

-- name: messages_tickets
@ticket_row@
  AND t.id < $2 AND (CAST($3 AS BIGINT) = 0 OR t.state = $3)
  AND (CAST($4 AS BIGINT) = 0 OR t.conversation_id = $4) AND (CAST($5 AS TEXT) = '' OR t.assignee = $5) ORDER BY t.id DESC LIMIT $6;

-- name: messages_tickets_of_contact
@ticket_row@
  AND t.id < $2 AND (CAST($3 AS BIGINT) = 0 OR t.state = $3)
  AND t.conversation_id IN (SELECT c.id FROM conversations c WHERE c.contact_id = $4 AND c.workspace_id = $1)
  AND (CAST($5 AS TEXT) = '' OR t.assignee = $5) ORDER BY t.id DESC LIMIT $6;

-- name: messages_tickets_open
@ticket_row@
  AND t.id < $2 AND t.state = 1 ORDER BY t.id DESC LIMIT $3;

-- name: messages_ticket
@ticket_row@
  AND t.id = $2;

-- name: messages_ticket_close
UPDATE tickets SET state = 2, closed_ms = $3, updated_ms = $3 WHERE workspace_id = $1 AND id = $2 AND state = 1;

-- Not when a later one was opened since: two would overlap.
-- name: messages_ticket_reopen
UPDATE tickets SET state = 1, closed_ms = 0, updated_ms = $3 WHERE workspace_id = $1 AND id = $2 AND state = 2
  AND NOT EXISTS (SELECT 1 FROM tickets n WHERE n.workspace_id = $1 AND n.conversation_id = tickets.conversation_id
    AND n.opened_ms > tickets.closed_ms);

-- name: messages_ticket_gather
UPDATE messages SET ticket_id = $2 WHERE workspace_id = $1 AND ticket_id = 0 AND origin <> 1
  AND conversation_id = (SELECT t.conversation_id FROM tickets t WHERE t.workspace_id = $1 AND t.id = $2)
  AND at_ms >= (SELECT t.opened_ms FROM tickets t WHERE t.workspace_id = $1 AND t.id = $2);

-- name: messages_ticket_assign
UPDATE tickets SET assignee = $4, updated_ms = $3 WHERE workspace_id = $1 AND id = $2;
