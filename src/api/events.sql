-- name: events_list
SELECT id, source_id, request_id, type, name, key, occurred_ms, received_ms, state FROM events_now
WHERE workspace_id = $1 AND id < $2 AND id >= $3 AND id <= $4 AND (CAST($5 AS BIGINT) = 0 OR source_id = $5)
  AND (CAST($6 AS TEXT) = '' OR type = $6) AND (CAST($7 AS BIGINT) < 0 OR state = $7) ORDER BY id DESC LIMIT $8;

-- name: events_get
SELECT e.id, e.source_id, e.request_id, e.type, e.name, e.key, e.occurred_ms, e.received_ms, e.state, x.problem, x.data, x.interpreted_ms
FROM events_now e LEFT JOIN event_data x ON x.workspace_id = e.workspace_id AND x.id = e.id
WHERE e.workspace_id = $1 AND e.id = $2;

-- Not what is replayed already, nor what is still to be interpreted for the first time.
-- name: events_replay
UPDATE events SET state = 4 WHERE workspace_id = $1 AND id = $2
  AND (SELECT n.state FROM events_now n WHERE n.workspace_id = $1 AND n.id = $2) NOT IN (0, 4);

-- name: events_replay_page
SELECT e.id, e.source_id, e.type, e.occurred_ms, e.received_ms, x.data FROM events_now e
LEFT JOIN event_data x ON x.workspace_id = e.workspace_id AND x.id = e.id
WHERE e.workspace_id = $1 AND e.id > $2 AND e.id <= $3 AND (CAST($4 AS BIGINT) = 0 OR e.source_id = $4)
  AND (CAST($5 AS BIGINT) < 0 OR e.state = $5) AND e.state NOT IN (0, 4) ORDER BY e.id LIMIT $6;

-- name: events_delivery_known
SELECT id FROM deliveries WHERE workspace_id = $1 AND destination_id = $2 AND key = $3;

-- name: events_deliveries
SELECT id, destination_id, key, state, attempts, due_ms, reason FROM deliveries WHERE workspace_id = $1 AND event_id = $2
ORDER BY id;

-- name: requests_list
SELECT id, source_id, received_ms, method, path, remote, events, problem, LENGTH(body) FROM requests
WHERE workspace_id = $1 AND id < $2 AND id >= $3 AND id <= $4 AND (CAST($5 AS BIGINT) = 0 OR source_id = $5)
  AND (CAST($6 AS BIGINT) = 0 OR problem <> '')
ORDER BY id DESC LIMIT $7;

-- name: requests_get
SELECT id, source_id, received_ms, method, path, query, headers, remote, body, events, problem FROM requests
WHERE workspace_id = $1 AND id = $2;
