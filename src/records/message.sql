-- name: message_find
SELECT id, contact_id, conversation_id, ticket_id, media_id, delivery_id, campaign_id, direction, origin, type, at_ms,
  status, status_ms, edited_ms FROM messages WHERE external_id = $2 AND workspace_id = $1;

-- name: message_add
INSERT INTO messages (id, workspace_id, source_id, contact_id, conversation_id, ticket_id, media_id, delivery_id,
  campaign_id, channel, account, external_id, direction, origin, type, at_ms, status, status_ms, edited_ms,
  revoked_ms, created_ms, updated_ms, reply_to, text, data, in_group)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21, $22, $23,
  $24, $25);

-- The better informed word about a message that is known. An edited text stays.
-- name: message_set
UPDATE messages SET media_id = $3, direction = $4, origin = $5, type = $6, at_ms = $7, reply_to = $8,
  text = CASE WHEN edited_ms > 0 THEN text ELSE $9 END, data = $10, updated_ms = $11
WHERE workspace_id = $1 AND id = $2;

-- name: message_set_ours
UPDATE messages SET ticket_id = $3, delivery_id = $4, campaign_id = $5, origin = $6, updated_ms = $7
WHERE workspace_id = $1 AND id = $2;

-- A state only grows; of the same one the first moment counts.
-- name: message_set_state
UPDATE messages SET status = $3, status_ms = $4, updated_ms = $5 WHERE external_id = $2 AND workspace_id = $1
  AND direction = 2 AND (status < $3 OR (status = $3 AND status_ms > $4));

-- name: message_status_add
INSERT INTO message_statuses (workspace_id, external_id, recipient, status, at_ms, rank, received_ms, data, event_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (external_id, recipient, status, at_ms, workspace_id) DO NOTHING;

-- name: message_status_best
SELECT rank, at_ms FROM message_statuses WHERE external_id = $2 AND workspace_id = $1 AND rank > 0
ORDER BY rank DESC, at_ms LIMIT 1;

-- name: message_edit_add
INSERT INTO message_edits (workspace_id, external_id, edit_id, kind, at_ms, text, data)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (external_id, edit_id, workspace_id) DO NOTHING;

-- Nearly no message has any: sorting them, even none, costs eight times as much.
-- name: message_edit_known
SELECT COALESCE(MAX(CASE WHEN kind = 1 THEN at_ms END), 0), COALESCE(MIN(CASE WHEN kind = 2 THEN at_ms END), 0)
FROM message_edits WHERE external_id = $2 AND workspace_id = $1;

-- name: message_edit_latest
SELECT text FROM message_edits WHERE external_id = $2 AND workspace_id = $1 AND kind = 1
ORDER BY at_ms DESC, edit_id DESC LIMIT 1;

-- The text that the first edit is about to take away. No edit has an empty edit_id; 3 is MESSAGE_ORIGINAL.
-- name: message_original_keep
INSERT INTO message_edits (workspace_id, external_id, edit_id, kind, at_ms, text, data)
SELECT m.workspace_id, m.external_id, '', 3, m.at_ms, m.text, '' FROM messages m
WHERE m.external_id = $2 AND m.workspace_id = $1 AND m.edited_ms = 0
ON CONFLICT (external_id, edit_id, workspace_id) DO NOTHING;

-- By the word of who knows the message when its text is an edit's already.
-- name: message_original_set
INSERT INTO message_edits (workspace_id, external_id, edit_id, kind, at_ms, text, data)
VALUES ($1, $2, '', 3, $3, $4, '') ON CONFLICT (external_id, edit_id, workspace_id) DO UPDATE
SET at_ms = excluded.at_ms, text = excluded.text;

-- name: message_set_edit
UPDATE messages SET text = $3, edited_ms = $4, updated_ms = $5 WHERE external_id = $2 AND workspace_id = $1;

-- name: message_set_revoked
UPDATE messages SET revoked_ms = $3, updated_ms = $4 WHERE external_id = $2 AND workspace_id = $1
  AND (revoked_ms = 0 OR revoked_ms > $3);

-- name: message_reaction_put
INSERT INTO message_reactions (workspace_id, external_id, reactor, emoji, at_ms, reaction_id)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (external_id, reactor, workspace_id) DO UPDATE
SET emoji = excluded.emoji, at_ms = excluded.at_ms, reaction_id = excluded.reaction_id
WHERE excluded.at_ms > message_reactions.at_ms
  OR (excluded.at_ms = message_reactions.at_ms AND excluded.reaction_id > message_reactions.reaction_id);

-- The channel's id takes the place of our own; an echo of the same message, should there be one, keeps it.
-- name: message_name
UPDATE messages SET external_id = $3, updated_ms = $6, status_ms = CASE WHEN status < $4 THEN $5 ELSE status_ms END,
  status = CASE WHEN status < $4 THEN $4 ELSE status END
WHERE delivery_id = $2 AND delivery_id > 0 AND workspace_id = $1
  AND NOT EXISTS (SELECT 1 FROM messages x WHERE x.external_id = $3 AND x.workspace_id = $1);

-- A reaction that was sent as a message of its own, now at its target as one that an echo told of.
-- name: message_react
INSERT INTO message_reactions (workspace_id, external_id, reactor, emoji, at_ms, reaction_id)
SELECT m.workspace_id, m.reply_to, '', m.text, CAST($4 AS BIGINT), CAST($3 AS TEXT) FROM messages m
WHERE m.delivery_id = $2 AND m.delivery_id > 0 AND m.workspace_id = $1 AND m.type = 'reaction' AND m.direction = 2
  AND m.reply_to <> ''
ON CONFLICT (external_id, reactor, workspace_id) DO UPDATE
SET emoji = excluded.emoji, at_ms = excluded.at_ms, reaction_id = excluded.reaction_id
WHERE excluded.at_ms > message_reactions.at_ms
  OR (excluded.at_ms = message_reactions.at_ms AND excluded.reaction_id > message_reactions.reaction_id);

-- By a status that carries the delivery's id. What waits or was given up without a known outcome is delivered (deliver/delivery.h);
-- what is under way is told by its remote_id (settle_result). Not by a status of an earlier message of the same delivery.
-- name: message_delivery_proven
UPDATE deliveries SET remote_id = $3, updated_ms = $4,
  reason = CASE WHEN state <> 1 AND outcome_unknown > 0 THEN 'proven by a status' ELSE reason END,
  state = CASE WHEN state <> 1 AND outcome_unknown > 0 THEN 2 ELSE state END
WHERE workspace_id = $1 AND id = $2 AND (state = 1 OR (state IN (0, 3) AND outcome_unknown > 0)) AND remote_id = ''
  AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.external_id = $3 AND m.workspace_id = $1);

-- name: message_read_early
INSERT INTO message_reads (workspace_id, external_id, event_id) VALUES ($1, $2, $3) ON CONFLICT (external_id, workspace_id) DO NOTHING;

-- name: message_read_known
SELECT event_id FROM message_reads WHERE external_id = $2 AND workspace_id = $1;

-- name: message_read_done
DELETE FROM message_reads WHERE external_id = $2 AND workspace_id = $1;

-- What the mark's event could not say: whom it is about.
-- name: message_read_about
UPDATE event_data SET contact_id = $3 WHERE workspace_id = $1 AND id = $2 AND contact_id = 0;

-- name: message_external_id
SELECT external_id FROM messages WHERE workspace_id = $1 AND id = $2;
