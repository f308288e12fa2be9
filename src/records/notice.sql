-- name: notice_add
INSERT INTO notices (id, workspace_id, alert, destination_id, event_id, owner, number, reason, at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: notice_first
SELECT id, workspace_id, alert, destination_id, event_id, owner, number, reason, at_ms FROM notices ORDER BY id LIMIT 1;

-- name: notice_drop
DELETE FROM notices WHERE workspace_id = $1 AND id = $2;
