-- name: message_send_window
SELECT window_until_ms FROM conversations
WHERE contact_id = $2 AND peer = '' AND account = $3 AND channel = $4 AND workspace_id = $1;

-- name: message_send_key_add
INSERT INTO message_keys (workspace_id, key, digest, delivery_id, message_id, created_ms) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (key, workspace_id) DO NOTHING;

-- name: message_send_key_get
SELECT digest, delivery_id, message_id FROM message_keys WHERE workspace_id = $1 AND key = $2;
