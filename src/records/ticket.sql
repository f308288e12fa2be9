-- name: ticket_before
SELECT id, state, opened_ms, closed_ms, first_reply_ms FROM tickets
WHERE workspace_id = $1 AND conversation_id = $2 AND opened_ms <= $3 ORDER BY opened_ms DESC, id DESC LIMIT 1;

-- name: ticket_after
SELECT id, state, opened_ms, closed_ms, first_reply_ms FROM tickets
WHERE workspace_id = $1 AND conversation_id = $2 AND opened_ms > $3 ORDER BY opened_ms, id LIMIT 1;

-- name: ticket_add
INSERT INTO tickets (id, workspace_id, conversation_id, contact_id, state, assignee, opened_ms, closed_ms,
  first_reply_ms, created_ms, updated_ms) VALUES ($1, $2, $3, $4, 1, '', $5, 0, 0, $6, $6);

-- name: ticket_set
UPDATE tickets SET state = $3, opened_ms = $4, closed_ms = $5, first_reply_ms = $6, updated_ms = $7
WHERE workspace_id = $1 AND id = $2;

-- What was written while the ticket, as it is now, was open, and was not yet known to belong to it.
-- name: ticket_gather
UPDATE messages SET ticket_id = $2 WHERE workspace_id = $1 AND conversation_id = $3 AND at_ms >= $4
  AND (CAST($5 AS BIGINT) = 0 OR at_ms <= $5) AND ticket_id = 0 AND origin <> 1;

-- Neither a campaign's message nor a reaction of ours.
-- name: ticket_first_reply
SELECT COALESCE(MIN(at_ms), 0) FROM messages
WHERE workspace_id = $1 AND conversation_id = $2 AND at_ms >= $3 AND ticket_id = $4 AND direction = 2
  AND campaign_id = 0 AND type <> 'reaction';

-- name: ticket_of_conversation
SELECT id, state, opened_ms, closed_ms, first_reply_ms FROM tickets
WHERE workspace_id = $1 AND conversation_id = $2 AND state = 1 ORDER BY opened_ms LIMIT 1;

-- name: ticket_move
UPDATE tickets SET conversation_id = $3, contact_id = $4 WHERE workspace_id = $1 AND conversation_id = $2;

-- name: ticket_move_messages
UPDATE messages SET ticket_id = $3 WHERE workspace_id = $1 AND conversation_id = $4 AND ticket_id = $2;

-- name: ticket_delete
DELETE FROM tickets WHERE workspace_id = $1 AND id = $2;
