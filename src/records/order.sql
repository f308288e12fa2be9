-- name: order_get
SELECT id, data, contact_id FROM orders WHERE workspace_id = $1 AND number = $2;

-- name: order_add
INSERT INTO orders (id, workspace_id, source_id, contact_id, number, status, amount, currency, created_ms, paid_ms,
  updated_ms, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: order_set
UPDATE orders SET contact_id = $3, status = $4, amount = $5, currency = $6, paid_ms = $7, updated_ms = $8, data = $9
WHERE workspace_id = $1 AND id = $2;
