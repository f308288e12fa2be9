-- $2: ids from this one on, i.e. what became known since a moment.
-- name: message_stats_types
SELECT direction, type, COUNT(*) FROM messages WHERE workspace_id = $1 AND id >= $2 GROUP BY direction, type ORDER BY 1, 2;

-- name: message_stats_media
SELECT state, COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM media WHERE workspace_id = $1 AND id >= $2 GROUP BY state ORDER BY 1;

-- name: message_stats_tickets
SELECT state, COUNT(*), CAST(COALESCE(SUM(CASE WHEN first_reply_ms > 0 THEN 1 ELSE 0 END), 0) AS BIGINT),
  CAST(COALESCE(SUM(CASE WHEN first_reply_ms > 0 THEN first_reply_ms - opened_ms ELSE 0 END), 0) AS BIGINT)
FROM tickets WHERE workspace_id = $1 AND id >= $2 GROUP BY state ORDER BY 1;
