-- name: contact_identity_find
SELECT contact_id FROM contact_identities WHERE workspace_id = $1 AND kind = $2 AND value = $3;

-- name: contact_identity_add
INSERT INTO contact_identities (workspace_id, kind, value, contact_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, kind, value) DO NOTHING;

-- name: contact_get
SELECT fields, created_ms, updated_ms FROM contacts WHERE workspace_id = $1 AND id = $2;

-- name: contact_add
INSERT INTO contacts (id, workspace_id, merged_into, created_ms, updated_ms, fields) VALUES ($1, $2, 0, $3, $3, $4);

-- name: contact_set
UPDATE contacts SET fields = $3, updated_ms = $4 WHERE workspace_id = $1 AND id = $2;

-- name: contact_mark_merged
UPDATE contacts SET merged_into = $3, updated_ms = $4, fields = '{}' WHERE workspace_id = $1 AND id = $2;

-- name: contact_move_identities
UPDATE contact_identities SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2;

-- name: contact_move_orders
UPDATE orders SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2;

-- name: contact_move_subscriptions
UPDATE subscriptions SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2;

-- name: contact_move_checkouts
UPDATE checkouts SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2;

-- Those in conversations of the person's own go with the conversations.
-- name: contact_move_group_messages
UPDATE messages SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2 AND in_group = 1;

-- name: contact_move_recipients
UPDATE campaign_recipients SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2 AND contact_id > 0;

-- name: contact_of_delivery
SELECT contact_id FROM messages WHERE delivery_id = $2 AND delivery_id > 0 AND workspace_id = $1 AND contact_id > 0;
