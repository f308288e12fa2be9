-- name: conversation_find
SELECT id, window_until_ms, last_message_ms, last_in_ms, last_out_ms, messages_in, messages_out, read_ms FROM conversations
WHERE workspace_id = $1 AND contact_id = $2 AND peer = $3 AND account = $4 AND channel = $5;

-- name: conversation_add
INSERT INTO conversations (id, workspace_id, contact_id, channel, account, peer, window_until_ms, last_message_ms,
  last_in_ms, last_out_ms, messages_in, messages_out, created_ms, updated_ms)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0, 0, 0, $7, $7);

-- name: conversation_set
UPDATE conversations SET window_until_ms = $3, last_message_ms = $4, last_in_ms = $5, last_out_ms = $6,
  messages_in = $7, messages_out = $8, updated_ms = $9, read_ms = $10 WHERE workspace_id = $1 AND id = $2;

-- name: conversation_of_contact
SELECT id, peer, account, channel, window_until_ms, last_message_ms, last_in_ms, last_out_ms, messages_in, messages_out, read_ms
FROM conversations WHERE contact_id = $2 AND workspace_id = $1 ORDER BY id LIMIT 1;

-- name: conversation_read
UPDATE conversations SET read_ms = $3, updated_ms = $4 WHERE workspace_id = $1 AND id = $2 AND read_ms < $3;

-- name: conversation_give
UPDATE conversations SET contact_id = $3, updated_ms = $4 WHERE workspace_id = $1 AND id = $2;

-- name: conversation_delete
DELETE FROM conversations WHERE workspace_id = $1 AND id = $2;

-- name: conversation_move_messages
UPDATE messages SET conversation_id = $3, contact_id = $4 WHERE workspace_id = $1 AND conversation_id = $2;
