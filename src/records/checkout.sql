-- name: checkout_get
SELECT id, data, contact_id FROM checkouts WHERE workspace_id = $1 AND number = $2;

-- name: checkout_add
INSERT INTO checkouts (id, workspace_id, source_id, contact_id, number, abandoned, created_ms, updated_ms, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: checkout_set
UPDATE checkouts SET contact_id = $3, abandoned = $4, updated_ms = $5, data = $6 WHERE workspace_id = $1 AND id = $2;
