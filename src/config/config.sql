-- name: config_workspaces
SELECT workspace_id, name, enabled, created_ms FROM workspaces ORDER BY workspace_id;

-- name: config_sources
SELECT id, workspace_id, name, kind, settings, secrets, created_ms, updated_ms FROM sources ORDER BY id;

-- name: config_destinations
SELECT id, workspace_id, name, kind, settings, secrets, created_ms, updated_ms, hold, hold_until_ms FROM destinations ORDER BY id;

-- name: config_routes
SELECT id, workspace_id, name, settings, created_ms, updated_ms FROM routes ORDER BY id;

-- Is one of our numbers used in the channel's app, too? The channel's answer and what its webhooks showed: the later one counts. What is said of
-- an account with several numbers is said of none of them.
-- name: config_in_app
SELECT 1 FROM own_numbers n WHERE n.workspace_id = $1 AND n.channel = $2 AND n.account = $3 AND (n.in_app_ms > n.off_app_ms
  OR EXISTS (SELECT 1 FROM own_facts f WHERE f.owner = n.owner AND f.fact = 5 AND f.channel = n.channel AND f.workspace_id = n.workspace_id
    AND f.at_ms > n.off_app_ms AND ((f.number <> '' AND f.number = n.number) OR (f.number = '' AND NOT EXISTS (SELECT 1 FROM own_numbers o
      WHERE o.owner = n.owner AND o.channel = n.channel AND o.workspace_id = n.workspace_id AND o.account <> n.account)))));
