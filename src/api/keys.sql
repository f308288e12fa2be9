-- name: keys_find
SELECT id, workspace_id, role, rate_per_min, pii FROM api_keys WHERE hash = $1;

-- name: keys_add
INSERT INTO api_keys (id, workspace_id, name, role, hash, rate_per_min, pii, created_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: keys_count
SELECT COUNT(*) FROM api_keys;

-- name: keys_list
SELECT id, name, role, rate_per_min, pii, created_ms FROM api_keys WHERE workspace_id = $1 ORDER BY id;

-- name: keys_delete
DELETE FROM api_keys WHERE workspace_id = $1 AND name = $2;
