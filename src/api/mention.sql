-- What a person goes by (3, 4: the kinds of identities), and everything that may name them, in pages.
-- name: mention_identities
SELECT value FROM contact_identities WHERE workspace_id = $1 AND contact_id = $2 AND kind IN (3, 4) ORDER BY kind, value;

-- name: mention_fields
SELECT fields FROM contacts WHERE workspace_id = $1 AND id = $2;

-- name: mention_statuses
SELECT external_id, recipient, status, at_ms, event_id, data FROM message_statuses
WHERE workspace_id = $1 AND (external_id, recipient, status, at_ms) > ($2, $3, $4, $5)
ORDER BY external_id, recipient, status, at_ms LIMIT $6;

-- name: mention_messages
SELECT id, data FROM messages WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: mention_events
SELECT id, data FROM event_data WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3;

-- The row with the contact's id in place of the name: it still counts as one of the group.
-- name: mention_status_unname
INSERT INTO message_statuses (workspace_id, external_id, recipient, status, at_ms, rank, received_ms, data, event_id)
SELECT s.workspace_id, s.external_id, CAST($6 AS TEXT), s.status, s.at_ms, s.rank, s.received_ms, '', 0 FROM message_statuses s
WHERE s.external_id = $2 AND s.recipient = $3 AND s.status = $4 AND s.at_ms = $5 AND s.workspace_id = $1
ON CONFLICT (external_id, recipient, status, at_ms, workspace_id) DO NOTHING;

-- name: mention_status_drop
DELETE FROM message_statuses WHERE external_id = $2 AND recipient = $3 AND status = $4 AND at_ms = $5 AND workspace_id = $1;

-- name: mention_status_empty
UPDATE message_statuses SET data = '', event_id = 0
WHERE external_id = $2 AND recipient = $3 AND status = $4 AND at_ms = $5 AND workspace_id = $1;

-- name: mention_message
SELECT data FROM messages WHERE workspace_id = $1 AND id = $2;

-- name: mention_message_set
UPDATE messages SET data = $3 WHERE workspace_id = $1 AND id = $2;

-- name: mention_edit_set
UPDATE message_edits SET data = $4 WHERE external_id = $2 AND edit_id = $3 AND workspace_id = $1 AND data <> '';

-- name: mention_event
SELECT x.data, e.key, e.source_id, e.request_id, e.locator FROM events e
LEFT JOIN event_data x ON x.workspace_id = e.workspace_id AND x.id = e.id WHERE e.workspace_id = $1 AND e.id = $2;

-- name: mention_event_set
UPDATE event_data SET data = $3 WHERE workspace_id = $1 AND id = $2;

-- A key that has the person's number in it; that it was there is known by its digest (known_keys).
-- name: mention_event_key
UPDATE events SET key = 'erased:' || CAST(id AS TEXT) WHERE workspace_id = $1 AND id = $2;

-- name: mention_delivery_keys
UPDATE deliveries SET key = 'erased:' || CAST(id AS TEXT)
WHERE workspace_id = $1 AND event_id = $2 AND key LIKE '%' || CAST($3 AS TEXT) || '%';
