-- name: search_newest (sqlite)
SELECT COALESCE(MAX(id), 0) FROM messages;

-- PostgreSQL keeps its index itself.
-- name: search_newest (postgres)
SELECT CAST(0 AS BIGINT);

-- name: search_add (sqlite)
INSERT INTO message_words (rowid, text) SELECT id, text FROM messages WHERE id > $1 AND id <= $2 AND text <> '';

-- name: search_add (postgres)
SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT);
