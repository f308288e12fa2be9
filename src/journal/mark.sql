-- name: mark_get
SELECT event_id FROM marks WHERE name = $1;

-- name: mark_set
UPDATE marks SET event_id = $2 WHERE name = $1;
