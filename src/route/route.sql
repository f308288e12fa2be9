-- name: route_delivery_add
INSERT INTO deliveries (id, workspace_id, destination_id, route_id, event_id, key, state, priority, due_ms, attempts,
  first_attempt_ms, outcome_unknown, archived, reason, created_ms, updated_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, 0, '', $10, $10)
ON CONFLICT (workspace_id, destination_id, key) DO NOTHING;

-- An id chosen beforehand, so that of two conflicts either means: it is there.
-- name: route_delivery_add_named
INSERT INTO deliveries (id, workspace_id, destination_id, route_id, event_id, key, state, priority, due_ms, attempts,
  first_attempt_ms, outcome_unknown, archived, reason, created_ms, updated_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, 0, '', $10, $10)
ON CONFLICT DO NOTHING;
