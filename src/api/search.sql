-- $2: words, each in double quotes: all of them must be there. Both databases read that alike.
-- name: messages_search (sqlite)
SELECT m.id, m.conversation_id, m.contact_id, m.direction, m.type, m.at_ms, m.text, COALESCE(k.fields, '')
FROM message_words w JOIN messages m ON m.id = w.rowid
LEFT JOIN contacts k ON k.id = m.contact_id AND k.workspace_id = m.workspace_id
WHERE w.message_words MATCH $2 AND m.workspace_id = $1
  AND m.id < $3 AND m.at_ms >= $4 AND m.at_ms <= $5 AND (CAST($6 AS BIGINT) = 0 OR m.contact_id = $6)
  AND (CAST($7 AS TEXT) = '' OR m.type = $7) AND (CAST($8 AS BIGINT) = 0 OR m.direction = $8)
ORDER BY w.rowid DESC LIMIT $9;

-- name: messages_search (postgres)
SELECT m.id, m.conversation_id, m.contact_id, m.direction, m.type, m.at_ms, m.text, COALESCE(k.fields, '')
FROM messages m
LEFT JOIN contacts k ON k.id = m.contact_id AND k.workspace_id = m.workspace_id
WHERE to_tsvector('simple', translate(lower(m.text), 'áàâãäéèêëíìîïóòôõöúùûüçñ', 'aaaaaeeeeiiiiooooouuuucn'))
    @@ websearch_to_tsquery('simple', translate(lower($2), 'áàâãäéèêëíìîïóòôõöúùûüçñ', 'aaaaaeeeeiiiiooooouuuucn')) AND m.workspace_id = $1
  AND m.id < $3 AND m.at_ms >= $4 AND m.at_ms <= $5 AND (CAST($6 AS BIGINT) = 0 OR m.contact_id = $6)
  AND (CAST($7 AS TEXT) = '' OR m.type = $7) AND (CAST($8 AS BIGINT) = 0 OR m.direction = $8)
ORDER BY m.id DESC LIMIT $9;
