-- name: search_newest (sqlite)
SELECT COALESCE(MAX(id), 0) FROM messages;

-- PostgreSQL keeps its index itself.
-- name: search_newest (postgres)
SELECT CAST(0 AS BIGINT);

-- name: search_merge (sqlite)
INSERT INTO message_words (message_words, rank) VALUES ('merge', $1);

-- name: search_merge (postgres)
SELECT CAST($1 AS BIGINT);

-- name: search_work (sqlite)
SELECT total_changes();

-- name: search_work (postgres)
SELECT CAST(0 AS BIGINT);

-- name: search_add (sqlite)
INSERT INTO message_words (rowid, text) SELECT id, text FROM messages WHERE id > $1 AND id <= $2 AND text <> '';

-- name: search_add (postgres)
SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT);
