-- name: dead_deliveries
SELECT id, destination_id, event_id, key, attempts, reason, created_ms, updated_ms FROM deliveries
WHERE workspace_id = $1 AND state = 3 AND id < $2 AND archived = $3 AND (CAST($4 AS BIGINT) = 0 OR destination_id = $4)
ORDER BY id DESC LIMIT $5;

-- name: dead_events
SELECT e.id, e.source_id, e.type, e.key, e.received_ms, x.problem FROM events e
LEFT JOIN event_data x ON x.workspace_id = e.workspace_id AND x.id = e.id
WHERE e.workspace_id = $1 AND e.state = $2 AND e.id < $3 ORDER BY e.id DESC LIMIT $4;

-- name: dead_deliveries_stats
SELECT destination_id, reason, COUNT(*) FROM deliveries WHERE workspace_id = $1 AND state = 3 AND archived = 0
GROUP BY destination_id, reason ORDER BY 3 DESC LIMIT 100;

-- name: dead_events_stats
SELECT e.source_id, COALESCE(x.problem, ''), COUNT(*) FROM events e
LEFT JOIN event_data x ON x.workspace_id = e.workspace_id AND x.id = e.id
WHERE e.workspace_id = $1 AND e.state = 2 GROUP BY e.source_id, COALESCE(x.problem, '') ORDER BY 3 DESC LIMIT 100;

-- name: dead_delivery_archive
UPDATE deliveries SET archived = 1, updated_ms = $3 WHERE workspace_id = $1 AND id = $2 AND state = 3;

-- name: dead_event_archive
UPDATE events SET state = 3 WHERE workspace_id = $1 AND id = $2 AND state = 2;

-- name: dead_delivery_delete
DELETE FROM deliveries WHERE workspace_id = $1 AND id = $2 AND state = 3;

-- name: dead_delivery_attempts_delete
DELETE FROM attempts WHERE workspace_id = $1 AND delivery_id = $2;

-- name: dead_event_delete
DELETE FROM event_data WHERE workspace_id = $1 AND id = $2
  AND id IN (SELECT id FROM events WHERE workspace_id = $1 AND id = $2 AND (state = 2 OR state = 3));

-- name: dead_event_cancel
UPDATE deliveries SET state = 4, reason = 'its event was deleted' WHERE workspace_id = $1 AND event_id = $2 AND state <= 1;

-- name: dead_event_forget
UPDATE events SET state = 3 WHERE workspace_id = $1 AND id = $2 AND (state = 2 OR state = 3);
