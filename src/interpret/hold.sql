-- Not over what a person did since: who resumed a destination, or mended its settings, knows better than an old word.
-- name: hold_set
UPDATE destinations SET hold = $3, untold = 1, updated_ms = $4
WHERE workspace_id = $1 AND id = $2 AND hold = '' AND updated_ms < CAST($5 AS BIGINT) + 1000;

-- name: hold_untold
SELECT id, workspace_id, hold FROM destinations WHERE untold = 1 ORDER BY id LIMIT 1;

-- name: hold_told
UPDATE destinations SET untold = 0 WHERE workspace_id = $1 AND id = $2;
