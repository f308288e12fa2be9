-- name: config_workspaces
SELECT workspace_id, name, enabled, created_ms FROM workspaces ORDER BY workspace_id;

-- name: config_sources
SELECT id, workspace_id, name, kind, settings, secrets, created_ms, updated_ms FROM sources ORDER BY id;

-- name: config_destinations
SELECT id, workspace_id, name, kind, settings, secrets, created_ms, updated_ms, hold FROM destinations ORDER BY id;

-- name: config_routes
SELECT id, workspace_id, name, settings, created_ms, updated_ms FROM routes ORDER BY id;
