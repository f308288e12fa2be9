-- name: templates_list
SELECT id, channel, owner, name, language, state, reason, state_ms, quality, quality_ms, category, category_ms FROM message_templates
WHERE workspace_id = $1 AND id < $2 AND ($3 = '' OR name = $3) AND ($4 = '' OR state = $4) ORDER BY id DESC LIMIT $5;
