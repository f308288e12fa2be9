-- name: store_migration_newest
SELECT COALESCE(MAX(number), 0) FROM schema_migrations;

-- name: store_migration_add
INSERT INTO schema_migrations (number, name, applied_ms) VALUES ($1, $2, $3);
