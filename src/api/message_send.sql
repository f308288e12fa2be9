-- name: message_send_window
SELECT window_until_ms FROM conversations
WHERE contact_id = $2 AND peer = '' AND account = $3 AND channel = $4 AND workspace_id = $1;

-- name: message_send_key_add
INSERT INTO message_keys (workspace_id, key, digest, delivery_id, message_id, created_ms) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (key, workspace_id) DO NOTHING;

-- One that is too old is none.
-- name: message_send_key_forget
DELETE FROM message_keys WHERE workspace_id = $1 AND key = $2 AND created_ms < $3;

-- name: message_send_keys_old
DELETE FROM message_keys WHERE (key, workspace_id) IN
  (SELECT k.key, k.workspace_id FROM message_keys k WHERE k.created_ms < $1 ORDER BY k.created_ms LIMIT $2);

-- name: message_send_key_get
SELECT digest, delivery_id, message_id FROM message_keys WHERE workspace_id = $1 AND key = $2 AND created_ms >= $3;
