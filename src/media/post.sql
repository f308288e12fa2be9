-- name: media_post_due
SELECT u.workspace_id, u.media_id, u.destination_id, u.tries, u.account, u.remote_id, u.until_ms, u.due_ms, m.storage, m.mime
FROM media_uploads u LEFT JOIN media m ON m.workspace_id = u.workspace_id AND m.id = u.media_id
WHERE u.state = 1 ORDER BY u.due_ms LIMIT $1;

-- name: media_post_settle
UPDATE media_uploads SET state = $4, tries = $5, due_ms = $6, account = $7, remote_id = $8, until_ms = $9, problem = $10
WHERE media_id = $1 AND destination_id = $2 AND workspace_id = $3;

-- name: media_post_release
UPDATE deliveries SET due_ms = $4 WHERE media_id = $1 AND media_id > 0 AND destination_id = $2 AND workspace_id = $3 AND state = 0
  AND reason = $5;
