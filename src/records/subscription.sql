-- name: subscription_get
SELECT id, data, contact_id, status_ms FROM subscriptions WHERE workspace_id = $1 AND number = $2;

-- name: subscription_add
INSERT INTO subscriptions (id, workspace_id, source_id, contact_id, number, status, status_ms, updated_ms, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: subscription_set
UPDATE subscriptions SET contact_id = $3, status = $4, status_ms = $5, updated_ms = $6, data = $7
WHERE workspace_id = $1 AND id = $2;
