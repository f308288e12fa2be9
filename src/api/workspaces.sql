-- name: workspaces_add
INSERT INTO workspaces (workspace_id, name, created_ms, enabled) VALUES ($1, $2, $3, 1);

-- name: workspaces_set
UPDATE workspaces SET enabled = $2 WHERE workspace_id = $1;

-- Whatever else a workspace may hold hangs on one of these.
-- name: workspaces_sources
SELECT 1 FROM sources WHERE workspace_id = $1 LIMIT 1;

-- name: workspaces_destinations
SELECT 1 FROM destinations WHERE workspace_id = $1 LIMIT 1;

-- name: workspaces_requests
SELECT 1 FROM requests WHERE workspace_id = $1 LIMIT 1;

-- name: workspaces_contacts
SELECT 1 FROM contacts WHERE workspace_id = $1 LIMIT 1;

-- name: workspaces_files
SELECT 1 FROM media WHERE workspace_id = $1 LIMIT 1;

-- name: workspaces_campaigns
SELECT 1 FROM campaigns WHERE workspace_id = $1 LIMIT 1;

-- name: workspaces_keys_delete
DELETE FROM api_keys WHERE workspace_id = $1;

-- name: workspaces_delete
DELETE FROM workspaces WHERE workspace_id = $1;
