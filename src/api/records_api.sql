-- name: records_contacts
SELECT id, merged_into, created_ms, updated_ms, fields FROM contacts WHERE workspace_id = $1 AND id < $2 AND merged_into = 0
ORDER BY id DESC LIMIT $3;

-- name: records_contact
SELECT id, merged_into, created_ms, updated_ms, fields FROM contacts WHERE workspace_id = $1 AND id = $2;

-- name: records_orders
SELECT id, number, contact_id, status, created_ms, updated_ms, data FROM orders
WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) = 0 OR status = $3) ORDER BY id DESC LIMIT $4;

-- name: records_order
SELECT id, number, contact_id, status, created_ms, updated_ms, data FROM orders WHERE workspace_id = $1 AND number = $2;
