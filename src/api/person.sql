-- What is kept of one person. Read on a reading connection, since events and messages have no index by person: a person asks once,
-- every event would pay for it.
-- name: person_contacts
SELECT id, merged_into, created_ms, updated_ms, fields FROM contacts
WHERE workspace_id = $1 AND (id = $2 OR merged_into = $2) ORDER BY id;

-- name: person_identities
SELECT kind, value FROM contact_identities WHERE workspace_id = $1 AND contact_id = $2 ORDER BY kind, value;

-- name: person_orders
SELECT id, number, data FROM orders WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id;

-- name: person_subscriptions
SELECT id, number, data FROM subscriptions WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id;

-- name: person_checkouts
SELECT id, number, data FROM checkouts WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id;

-- name: person_tickets
SELECT id, conversation_id, state, assignee, opened_ms, closed_ms FROM tickets
WHERE workspace_id = $1 AND conversation_id IN (SELECT id FROM conversations WHERE workspace_id = $1 AND contact_id = $2) ORDER BY id;

-- name: person_messages
SELECT id, external_id, media_id, channel, direction, type, at_ms, text, data FROM messages
WHERE workspace_id = $1 AND contact_id = $2 AND id > $3 ORDER BY id LIMIT $4;

-- name: person_events
SELECT d.id, e.type, e.name, e.occurred_ms, d.data FROM event_data d
JOIN events e ON e.workspace_id = d.workspace_id AND e.id = d.id
WHERE d.workspace_id = $1 AND d.contact_id = $2 AND d.id > $3 ORDER BY d.id LIMIT $4;

-- name: person_reactions
SELECT external_id, reactor FROM message_reactions WHERE workspace_id = $1 AND reactor = $2;

-- name: person_recipients
SELECT id, campaign_id, person, state, sent_ms, replied_ms, stopped_ms, data FROM campaign_recipients
WHERE workspace_id = $1 AND id > $3 AND (contact_id = $2 OR person IN (SELECT i.value FROM contact_identities i
  WHERE i.workspace_id = $1 AND i.contact_id = $2 AND i.kind IN (3, 4))) ORDER BY id LIMIT $4;

-- Erasing. Keys of events and deliveries stay: without them a platform's copy of an old message would count again.
-- name: erase_event
UPDATE event_data SET data = '{}', problem = 'erased' WHERE workspace_id = $1 AND id = $2;

-- name: erase_request
UPDATE requests SET body = $3, headers = '[]', query = '', remote = '', problem = 'erased'
WHERE workspace_id = $1 AND id = (SELECT request_id FROM events WHERE workspace_id = $1 AND id = $2);

-- name: erase_attempts
UPDATE attempts SET request = '', reply = ''
WHERE workspace_id = $1 AND delivery_id IN (SELECT id FROM deliveries WHERE workspace_id = $1 AND event_id = $2);

-- name: erase_deliveries
UPDATE deliveries SET state = 4, reason = 'erased', updated_ms = $3
WHERE workspace_id = $1 AND event_id = $2 AND state = 0;

-- The caller's own word in it may name the person.
-- name: erase_message_keys
DELETE FROM message_keys WHERE workspace_id = $1
  AND delivery_id IN (SELECT d.id FROM deliveries d WHERE d.workspace_id = $1 AND d.event_id = $2);

-- Events of statuses belong to nobody; the statuses themselves say which they were.
-- name: erase_status_events
SELECT event_id FROM message_statuses WHERE workspace_id = $1 AND external_id = $2 AND event_id > 0 LIMIT $3;

-- name: erase_status_event
UPDATE message_statuses SET event_id = 0 WHERE workspace_id = $1 AND external_id = $2 AND event_id = $3;

-- name: erase_message
UPDATE messages SET text = '', data = '', reply_to = '', media_id = 0 WHERE workspace_id = $1 AND id = $2;

-- name: erase_statuses
UPDATE message_statuses SET data = '' WHERE workspace_id = $1 AND external_id = $2;

-- name: erase_edits
DELETE FROM message_edits WHERE workspace_id = $1 AND external_id = $2;

-- name: erase_reactions
DELETE FROM message_reactions WHERE workspace_id = $1 AND external_id = $2;

-- name: erase_reaction
DELETE FROM message_reactions WHERE workspace_id = $1 AND external_id = $2 AND reactor = $3;

-- name: erase_media
DELETE FROM media WHERE workspace_id = $1 AND id = $2;

-- name: erase_identities
DELETE FROM contact_identities WHERE workspace_id = $1 AND contact_id = $2;

-- name: erase_contact
UPDATE contacts SET fields = '{}', updated_ms = $3 WHERE workspace_id = $1 AND id = $2;

-- Who waits gets nothing; the figures stay.
-- name: erase_recipient
UPDATE campaign_recipients SET person = 'erased:' || CAST(id AS TEXT), contact_id = 0, data = '{}', updated_ms = $3,
  reason = CASE WHEN state <= 2 THEN 'erased' ELSE reason END,
  state = CASE WHEN state = 0 THEN 8 WHEN state <= 2 THEN 9 ELSE state END
WHERE workspace_id = $1 AND id = $2;

-- name: origin_request
SELECT request_id, locator FROM events WHERE workspace_id = $1 AND id = $2;

-- name: origin_of
SELECT from_workspace_id, from_request_id, from_locator FROM request_origins WHERE request_id = $2 AND workspace_id = $1;

-- name: origin_body
SELECT body FROM requests WHERE workspace_id = $1 AND id = $2;

-- name: origin_set
UPDATE requests SET body = $3 WHERE workspace_id = $1 AND id = $2;
