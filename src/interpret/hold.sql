-- name: hold_get
SELECT updated_ms, hold, hold_owner, hold_until_ms FROM destinations WHERE workspace_id = $1 AND id = $2;

-- When a person changed the destination last (updated_ms) stays: who resumed it, or mended its settings, knows better than an old word.
-- name: hold_set
UPDATE destinations SET hold = $3, hold_owner = $4, hold_until_ms = $5
WHERE workspace_id = $1 AND id = $2 AND (hold = '' OR hold_owner = $6);

-- name: hold_over
SELECT id FROM destinations WHERE hold_until_ms > 0 AND hold_until_ms <= $1 ORDER BY id;
