-- name: config_secrets_source
SELECT settings, secrets FROM sources WHERE workspace_id = $1 AND id = $2;

-- name: config_secrets_destination
SELECT settings, secrets FROM destinations WHERE workspace_id = $1 AND id = $2;

-- name: config_secrets_route
SELECT settings, '' FROM routes WHERE workspace_id = $1 AND id = $2;

-- name: config_source_add
INSERT INTO sources (id, workspace_id, name, kind, settings, secrets, created_ms, updated_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7);

-- name: config_source_set
UPDATE sources SET name = $3, settings = $4, secrets = $5, updated_ms = $6 WHERE workspace_id = $1 AND id = $2;

-- name: config_source_delete
DELETE FROM sources WHERE workspace_id = $1 AND id = $2;

-- name: config_destination_add
INSERT INTO destinations (id, workspace_id, name, kind, settings, secrets, created_ms, updated_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7);

-- name: config_destination_set
UPDATE destinations SET name = $3, settings = $4, secrets = $5, hold = '', hold_owner = '', hold_until_ms = 0,
  updated_ms = $6 WHERE workspace_id = $1 AND id = $2;

-- name: config_destination_delete
DELETE FROM destinations WHERE workspace_id = $1 AND id = $2;

-- name: config_destination_cancel
UPDATE deliveries SET state = 4, reason = 'its destination was deleted', updated_ms = $3
WHERE workspace_id = $1 AND destination_id = $2 AND state <= 1;

-- name: config_route_add
INSERT INTO routes (id, workspace_id, name, settings, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $5);

-- name: config_route_set
UPDATE routes SET name = $3, settings = $4, updated_ms = $5 WHERE workspace_id = $1 AND id = $2;

-- name: config_route_delete
DELETE FROM routes WHERE workspace_id = $1 AND id = $2;
