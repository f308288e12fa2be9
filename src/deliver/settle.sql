-- A file that is asked for once more (state 1) keeps its name at the other side while that is good: else deliveries that come
-- one after another would take it from each other without end.
-- name: settle_claim
SELECT d.id, d.event_id, d.key, d.state, d.priority, d.attempts, d.first_attempt_ms, d.outcome_unknown, d.created_ms,
  d.updated_ms, e.type, e.occurred_ms, e.received_ms, x.data, e.source_id,
  CASE WHEN u.state = 3 THEN '!' || u.problem ELSE u.account || '/' || u.remote_id END
FROM deliveries d
JOIN events e ON e.workspace_id = d.workspace_id AND e.id = d.event_id
JOIN event_data x ON x.workspace_id = d.workspace_id AND x.id = d.event_id
LEFT JOIN media_uploads u ON d.media_id > 0 AND u.media_id = d.media_id AND u.destination_id = d.destination_id
  AND u.workspace_id = d.workspace_id AND (u.state > 1 OR u.remote_id <> '') AND u.until_ms > $5
WHERE d.workspace_id = $1 AND d.destination_id = $2 AND d.priority = $3 AND d.state <= 1 AND d.due_ms <= $4
  AND (d.due_ms <= $5 OR (d.state = 1 AND d.updated_ms < $6))
ORDER BY d.due_ms LIMIT $7;

-- name: settle_next_due
SELECT MIN(due_ms) FROM deliveries WHERE workspace_id = $1 AND destination_id = $2 AND priority = $3 AND state <= 1;

-- name: settle_lease
UPDATE deliveries SET state = 1, due_ms = $3, updated_ms = $4, outcome_unknown = $5, first_attempt_ms = $6
WHERE workspace_id = $1 AND id = $2;

-- A status may have come before the answer did, or instead of it: then the outcome is known.
-- name: settle_result
UPDATE deliveries SET state = CASE WHEN CAST($7 AS BIGINT) > 0 AND remote_id <> '' THEN 2 ELSE CAST($3 AS BIGINT) END, due_ms = $4, attempts = $5,
  first_attempt_ms = $6, outcome_unknown = $7,
  reason = CASE WHEN CAST($7 AS BIGINT) > 0 AND remote_id <> '' THEN 'proven by a status' ELSE $8 END,
  priority = $9, updated_ms = $10, remote_id = CASE WHEN CAST($12 AS TEXT) = '' THEN remote_id ELSE $12 END
WHERE workspace_id = $1 AND id = $2 AND state = 1 AND due_ms = $11;

-- name: settle_attempt_add
INSERT INTO attempts (id, workspace_id, delivery_id, at_ms, elapsed_ms, status, verdict, reason, request, reply)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: settle_hold
UPDATE destinations SET hold = $3, updated_ms = $4 WHERE workspace_id = $1 AND id = $2 AND hold = '';

-- name: settle_file_of
UPDATE deliveries SET media_id = $3 WHERE workspace_id = $1 AND id = $2;

-- One that is on its way already keeps its time of the next try.
-- name: settle_file_wanted
INSERT INTO media_uploads (workspace_id, media_id, destination_id, state, tries, due_ms, account, remote_id, until_ms, problem)
VALUES ($1, $2, $3, 1, 0, $4, '', '', 0, '')
ON CONFLICT (media_id, destination_id, workspace_id) DO UPDATE SET
  due_ms = CASE WHEN media_uploads.state = 1 THEN media_uploads.due_ms ELSE $4 END,
  tries = CASE WHEN media_uploads.state = 1 THEN media_uploads.tries ELSE 0 END, state = 1;

-- name: settle_file_forget
UPDATE media_uploads SET until_ms = 0
WHERE destination_id = $2 AND workspace_id = $1 AND media_id = (SELECT media_id FROM deliveries WHERE workspace_id = $1 AND id = $3);
