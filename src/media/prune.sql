-- name: prune_file
SELECT storage FROM media WHERE workspace_id = $1 AND id = $2;

-- name: prune_used
SELECT COUNT(*) FROM media WHERE storage = $1 AND storage <> '';

-- Of all workspaces ($1 = 0) only what came in.
-- name: prune_old
SELECT id, workspace_id, size FROM media WHERE (workspace_id = $1 OR (CAST($1 AS BIGINT) = 0 AND channel <> 'upload'))
  AND id > $2 AND id < $3 AND state = 3 ORDER BY id LIMIT $4;

-- name: prune_forget
UPDATE media SET state = 5, storage = '', problem = 'deleted by age' WHERE workspace_id = $1 AND id = $2;
