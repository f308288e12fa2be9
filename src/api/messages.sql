-- The last but one column: what the latest status that says "failed" (6) said beside it.
-- name: messages_list
SELECT id, contact_id, conversation_id, ticket_id, media_id, delivery_id, campaign_id, channel, account, external_id,
  direction, origin, type, at_ms, status, status_ms, edited_ms, revoked_ms, reply_to, text, data,
  CASE WHEN status = 6 THEN COALESCE((SELECT s.data FROM message_statuses s WHERE s.external_id = messages.external_id
    AND s.workspace_id = messages.workspace_id AND s.rank = 6 ORDER BY s.at_ms DESC LIMIT 1), '') ELSE '' END, in_group FROM messages
WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) = 0 OR direction = $3) AND (CAST($4 AS TEXT) = '' OR type = $4)
  AND at_ms >= $5 AND at_ms <= $6 ORDER BY id DESC LIMIT $7;

-- name: messages_of_conversation
SELECT id, contact_id, conversation_id, ticket_id, media_id, delivery_id, campaign_id, channel, account, external_id,
  direction, origin, type, at_ms, status, status_ms, edited_ms, revoked_ms, reply_to, text, data,
  CASE WHEN status = 6 THEN COALESCE((SELECT s.data FROM message_statuses s WHERE s.external_id = messages.external_id
    AND s.workspace_id = messages.workspace_id AND s.rank = 6 ORDER BY s.at_ms DESC LIMIT 1), '') ELSE '' END, in_group FROM messages
WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) = 0 OR direction = $3) AND (CAST($4 AS TEXT) = '' OR type = $4)
  AND at_ms >= $5 AND at_ms <= $6 AND conversation_id = $8 ORDER BY id DESC LIMIT $7;

-- name: messages_of_contact
SELECT id, contact_id, conversation_id, ticket_id, media_id, delivery_id, campaign_id, channel, account, external_id,
  direction, origin, type, at_ms, status, status_ms, edited_ms, revoked_ms, reply_to, text, data,
  CASE WHEN status = 6 THEN COALESCE((SELECT s.data FROM message_statuses s WHERE s.external_id = messages.external_id
    AND s.workspace_id = messages.workspace_id AND s.rank = 6 ORDER BY s.at_ms DESC LIMIT 1), '') ELSE '' END, in_group FROM messages
WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) = 0 OR direction = $3) AND (CAST($4 AS TEXT) = '' OR type = $4)
  AND at_ms >= $5 AND at_ms <= $6
  AND (conversation_id IN (SELECT c.id FROM conversations c WHERE c.contact_id = $8 AND c.workspace_id = $1)
    OR (in_group = 1 AND contact_id = $8)) ORDER BY id DESC LIMIT $7;

-- name: messages_get
SELECT id, contact_id, conversation_id, ticket_id, media_id, delivery_id, campaign_id, channel, account, external_id,
  direction, origin, type, at_ms, status, status_ms, edited_ms, revoked_ms, reply_to, text, data,
  CASE WHEN status = 6 THEN COALESCE((SELECT s.data FROM message_statuses s WHERE s.external_id = messages.external_id
    AND s.workspace_id = messages.workspace_id AND s.rank = 6 ORDER BY s.at_ms DESC LIMIT 1), '') ELSE '' END, in_group FROM messages
WHERE workspace_id = $1 AND id = $2;

-- name: messages_get_external
SELECT id, contact_id, conversation_id, ticket_id, media_id, delivery_id, campaign_id, channel, account, external_id,
  direction, origin, type, at_ms, status, status_ms, edited_ms, revoked_ms, reply_to, text, data,
  CASE WHEN status = 6 THEN COALESCE((SELECT s.data FROM message_statuses s WHERE s.external_id = messages.external_id
    AND s.workspace_id = messages.workspace_id AND s.rank = 6 ORDER BY s.at_ms DESC LIMIT 1), '') ELSE '' END, in_group FROM messages
WHERE workspace_id = $1 AND external_id = $2;

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

-- name: messages_reactions
SELECT emoji, at_ms, reactor FROM message_reactions WHERE external_id = $2 AND workspace_id = $1 AND emoji <> ''
ORDER BY at_ms LIMIT 200;

-- The original first, whatever the clocks say.
-- name: messages_edits
SELECT kind, at_ms, text FROM message_edits WHERE external_id = $2 AND workspace_id = $1
ORDER BY CASE WHEN kind = 3 THEN 0 ELSE 1 END, at_ms LIMIT 200;

-- name: messages_media
SELECT id, kind, mime, sha256, size, filename, state, problem FROM media WHERE workspace_id = $1 AND id = $2;

-- Unread, at most a thousand: counted where it is asked for, by the index. What the history tells was read long ago, or never will be.
-- name: messages_conversations
SELECT id, contact_id, channel, account, peer, window_until_ms, last_message_ms, last_in_ms, last_out_ms, messages_in,
  messages_out, created_ms, (SELECT COUNT(*) FROM (SELECT 1 FROM messages m WHERE m.conversation_id = conversations.id
    AND m.at_ms > conversations.read_ms AND m.direction = 1 AND m.origin > 1 LIMIT 1000) unread) FROM conversations
WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) = 0 OR contact_id = $3) ORDER BY id DESC LIMIT $4;

-- name: messages_conversation
SELECT id, contact_id, channel, account, peer, window_until_ms, last_message_ms, last_in_ms, last_out_ms, messages_in,
  messages_out, created_ms, (SELECT COUNT(*) FROM (SELECT 1 FROM messages m WHERE m.conversation_id = conversations.id
    AND m.at_ms > conversations.read_ms AND m.direction = 1 AND m.origin > 1 LIMIT 1000) unread) FROM conversations WHERE workspace_id = $1 AND id = $2;

-- name: messages_tickets
SELECT id, conversation_id, contact_id, state, assignee, opened_ms, closed_ms, first_reply_ms FROM tickets
WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) = 0 OR state = $3)
  AND (CAST($4 AS BIGINT) = 0 OR conversation_id = $4) AND (CAST($5 AS TEXT) = '' OR assignee = $5) ORDER BY id DESC LIMIT $6;

-- name: messages_tickets_of_contact
SELECT id, conversation_id, contact_id, state, assignee, opened_ms, closed_ms, first_reply_ms FROM tickets
WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) = 0 OR state = $3)
  AND conversation_id IN (SELECT c.id FROM conversations c WHERE c.contact_id = $4 AND c.workspace_id = $1)
  AND (CAST($5 AS TEXT) = '' OR assignee = $5) ORDER BY id DESC LIMIT $6;

-- name: messages_tickets_open
SELECT id, conversation_id, contact_id, state, assignee, opened_ms, closed_ms, first_reply_ms FROM tickets
WHERE workspace_id = $1 AND id < $2 AND state = 1 ORDER BY id DESC LIMIT $3;

-- name: messages_ticket
SELECT id, conversation_id, contact_id, state, assignee, opened_ms, closed_ms, first_reply_ms FROM tickets
WHERE workspace_id = $1 AND id = $2;

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
