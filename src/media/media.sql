-- Files of a workspace that was disabled wait until it is enabled.
-- part: workspace_goes_on
workspace_id NOT IN (SELECT w.workspace_id FROM workspaces w WHERE w.enabled = 0)

-- name: media_due
SELECT id, workspace_id, source_id, account, external_id, kind, sha256, size, url, url_ms, tries, created_ms FROM media
WHERE state <= 2 AND storage = '' AND due_ms <= $1 AND workspace_id <> $3
  AND @workspace_goes_on@ ORDER BY due_ms LIMIT $2;

-- name: media_next_due
SELECT MIN(due_ms) FROM media WHERE state <= 2 AND storage = '' AND workspace_id <> $1 AND @workspace_goes_on@;

-- name: media_take_back
UPDATE media SET state = 1, tries = tries - 1, due_ms = $1 WHERE state <= 2 AND storage = '' AND state = 2 AND updated_ms < $1;

-- name: media_claim
UPDATE media SET state = 2, tries = tries + 1, due_ms = $3, updated_ms = $4
WHERE workspace_id = $1 AND id = $2 AND state <= 2 AND storage = '' AND due_ms <= $4
  AND @workspace_goes_on@;

-- name: media_settle
UPDATE media SET state = $3, due_ms = $4, tries = tries - $5, storage = $6, size = $7, problem = $8, updated_ms = $9
WHERE workspace_id = $1 AND id = $2;

-- name: media_carry_due
SELECT storage, due_ms, tries FROM media WHERE state <= 2 AND storage <> '' ORDER BY due_ms LIMIT $1;

-- name: media_carried_before
SELECT COUNT(*) FROM media WHERE storage = $1 AND storage <> '' AND state = 3;

-- name: media_carried
UPDATE media SET state = 3, problem = '', updated_ms = $2 WHERE storage = $1 AND storage <> '' AND state <= 2;

-- name: media_carry_later
UPDATE media SET due_ms = $2, problem = $3, updated_ms = $4 WHERE storage = $1 AND storage <> '' AND state <= 2;

-- name: media_carry_again
UPDATE media SET state = 1, due_ms = $2, updated_ms = $2 WHERE storage = $1 AND storage <> '' AND state = 3;

-- name: media_removal_add
INSERT INTO media_removals (workspace_id, storage, tries, due_ms) VALUES ($1, $2, 0, $3)
ON CONFLICT (storage, workspace_id) DO UPDATE SET due_ms = $3;

-- name: media_removal_due
SELECT storage, due_ms, tries FROM media_removals ORDER BY due_ms LIMIT $1;

-- name: media_removal_done
DELETE FROM media_removals WHERE storage = $1;

-- name: media_removal_later
UPDATE media_removals SET tries = tries + 1, due_ms = $2 WHERE storage = $1;

-- name: media_lost
UPDATE media SET storage = '', due_ms = $2 WHERE storage = $1 AND storage <> '' AND state <= 2;
