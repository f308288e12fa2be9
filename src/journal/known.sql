-- name: known_add
INSERT INTO known_keys (workspace_id, key) VALUES ($1, $2) ON CONFLICT (key, workspace_id) DO NOTHING;

-- name: known_find
SELECT 1 FROM known_keys WHERE key = $2 AND workspace_id = $1;

-- name: known_events
SELECT id, workspace_id, source_id, key FROM events WHERE id > $1 ORDER BY id LIMIT $2;

-- name: filter_keys
SELECT key FROM known_keys WHERE key > $1 ORDER BY key LIMIT $2;
