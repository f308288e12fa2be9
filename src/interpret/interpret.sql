-- name: interpret_pending
SELECT e.id, e.workspace_id, e.source_id, e.type, e.name, e.key, e.locator, e.occurred_ms, e.received_ms,
  r.method, r.path, r.query, r.headers, r.remote, r.body, e.request_id
FROM events e JOIN requests r ON r.workspace_id = e.workspace_id AND r.id = e.request_id
WHERE e.state = 0 AND e.id > $1 ORDER BY e.id LIMIT $2;

-- name: interpret_replaying
SELECT e.id, e.workspace_id, e.source_id, e.type, e.name, e.key, e.locator, e.occurred_ms, e.received_ms,
  r.method, r.path, r.query, r.headers, r.remote, r.body, e.request_id
FROM events e JOIN requests r ON r.workspace_id = e.workspace_id AND r.id = e.request_id
WHERE e.state = 4 AND e.id > $1 ORDER BY e.id LIMIT $2;

-- name: interpret_data_add
INSERT INTO event_data (id, workspace_id, contact_id, order_id, interpreted_ms, problem, data)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: interpret_data_set
UPDATE event_data SET contact_id = $3, order_id = $4, interpreted_ms = $5, problem = $6, data = $7
WHERE workspace_id = $2 AND id = $1;

-- name: interpret_data_failed
UPDATE event_data SET interpreted_ms = $3, problem = $4 WHERE workspace_id = $2 AND id = $1;

-- name: interpret_event_state
UPDATE events SET state = $3 WHERE workspace_id = $1 AND id = $2;
