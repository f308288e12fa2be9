-- name: media_due
SELECT id, workspace_id, source_id, account, external_id, kind, sha256, size, url, url_ms, tries, created_ms FROM media
WHERE state <= 2 AND due_ms <= $1 ORDER BY due_ms LIMIT $2;

-- name: media_next_due
SELECT MIN(due_ms) FROM media WHERE state <= 2;

-- name: media_take_back
UPDATE media SET state = 1, tries = tries - 1, due_ms = $1 WHERE state = 2 AND updated_ms < $1;

-- name: media_claim
UPDATE media SET state = 2, tries = tries + 1, due_ms = $3, updated_ms = $4
WHERE workspace_id = $1 AND id = $2 AND state <= 2 AND due_ms <= $4;

-- name: media_settle
UPDATE media SET state = $3, due_ms = $4, tries = tries - $5, storage = $6, size = $7, problem = $8, updated_ms = $9
WHERE workspace_id = $1 AND id = $2;

