-- name: journal_request_add
INSERT INTO requests (id, workspace_id, source_id, received_ms, method, path, query, headers, remote, body, events, problem)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: journal_request_read
UPDATE requests SET events = $3, problem = '' WHERE workspace_id = $1 AND id = $2;

-- name: journal_event_add
INSERT INTO events (id, workspace_id, source_id, request_id, type, name, key, locator, occurred_ms, received_ms, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0);

-- name: journal_origin_add
INSERT INTO request_origins (workspace_id, request_id, from_workspace_id, from_request_id, from_locator) VALUES ($1, $2, $3, $4, $5);

-- name: journal_minute_add
INSERT INTO source_minutes (workspace_id, source_id, minute, requests, events, duplicates, unreadable, done, failed, handed, unclaimed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (workspace_id, source_id, minute) DO UPDATE SET
  requests = source_minutes.requests + excluded.requests, events = source_minutes.events + excluded.events,
  duplicates = source_minutes.duplicates + excluded.duplicates,
  unreadable = source_minutes.unreadable + excluded.unreadable,
  done = source_minutes.done + excluded.done, failed = source_minutes.failed + excluded.failed,
  handed = source_minutes.handed + excluded.handed, unclaimed = source_minutes.unclaimed + excluded.unclaimed;

-- name: journal_newest_id
SELECT MAX(id) FROM (SELECT MAX(id) AS id FROM requests UNION ALL SELECT MAX(id) FROM events
  UNION ALL SELECT MAX(id) FROM deliveries UNION ALL SELECT MAX(id) FROM attempts
  UNION ALL SELECT MAX(id) FROM contacts UNION ALL SELECT MAX(id) FROM orders UNION ALL SELECT MAX(id) FROM subscriptions
  UNION ALL SELECT MAX(id) FROM checkouts UNION ALL SELECT MAX(id) FROM campaigns
  UNION ALL SELECT MAX(id) FROM campaign_recipients UNION ALL SELECT MAX(workspace_id) FROM workspaces) AS newest;
