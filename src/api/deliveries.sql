-- name: deliveries_list
SELECT id, destination_id, route_id, event_id, key, state, priority, due_ms, attempts, reason, created_ms, updated_ms, remote_id
FROM deliveries WHERE workspace_id = $1 AND id < $2 AND id >= $3 AND id <= $4
  AND (CAST($5 AS BIGINT) = 0 OR destination_id = $5) AND (CAST($6 AS BIGINT) < 0 OR state = $6)
ORDER BY id DESC LIMIT $7;

-- name: deliveries_get
SELECT id, destination_id, route_id, event_id, key, state, priority, due_ms, attempts, reason, created_ms, updated_ms, remote_id
FROM deliveries WHERE workspace_id = $1 AND id = $2;

-- name: deliveries_attempts
SELECT id, at_ms, elapsed_ms, status, verdict, reason, request, reply FROM attempts
WHERE workspace_id = $1 AND delivery_id = $2 ORDER BY id DESC LIMIT 100;

-- outcome_unknown 2: the earlier outcome is unknown, and a person who can see that wants it sent again.
-- name: deliveries_retry
UPDATE deliveries SET state = 0, due_ms = $3, attempts = 0, archived = 0, reason = $4, updated_ms = $3,
  outcome_unknown = CASE WHEN outcome_unknown = 0 THEN 0 ELSE 2 END, remote_id = ''
WHERE workspace_id = $1 AND id = $2 AND (state = 3 OR state = 4 OR state = 0);

-- name: deliveries_resend
UPDATE deliveries SET state = 0, due_ms = $3, attempts = 0, archived = 0, reason = $4, updated_ms = $3,
  outcome_unknown = CASE WHEN outcome_unknown = 0 THEN 0 ELSE 2 END, remote_id = ''
WHERE workspace_id = $1 AND id = $2 AND state <> 1;

-- name: deliveries_cancel
UPDATE deliveries SET state = 4, reason = $4, updated_ms = $3 WHERE workspace_id = $1 AND id = $2 AND state <= 1;
