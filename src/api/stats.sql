-- name: stats_minutes
SELECT COALESCE(SUM(requests), 0), COALESCE(SUM(events), 0), COALESCE(SUM(duplicates), 0), COALESCE(SUM(unreadable), 0),
  COALESCE(SUM(done), 0), COALESCE(SUM(failed), 0), COALESCE(SUM(handed), 0), COALESCE(SUM(unclaimed), 0) FROM source_minutes
WHERE workspace_id = $1 AND (CAST($2 AS BIGINT) = 0 OR source_id = $2) AND minute >= $3;

-- name: stats_source_events
SELECT id, type, name, state, received_ms FROM events_now WHERE workspace_id = $1 AND source_id + 0 = $2 AND id < $3
ORDER BY id DESC LIMIT 50;

-- name: stats_ready
SELECT 1;
