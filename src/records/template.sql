-- name: template_add
INSERT INTO message_templates (id, workspace_id, channel, owner, name, language, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (name, language, owner, channel, workspace_id) DO NOTHING;

-- Each part: the newest word, of two at one time the one that comes later in the alphabet.
-- name: template_state
UPDATE message_templates SET state = $6, reason = $7, state_ms = $8
WHERE workspace_id = $1 AND channel = $2 AND owner = $3 AND name = $4 AND language = $5
  AND (state_ms < $8 OR (state_ms = $8 AND (state < $6 OR (state = $6 AND reason < $7))));

-- name: template_quality
UPDATE message_templates SET quality = $6, quality_ms = $7
WHERE workspace_id = $1 AND channel = $2 AND owner = $3 AND name = $4 AND language = $5
  AND (quality_ms < $7 OR (quality_ms = $7 AND quality < $6));

-- name: template_category
UPDATE message_templates SET category = $6, category_ms = $7
WHERE workspace_id = $1 AND channel = $2 AND owner = $3 AND name = $4 AND language = $5
  AND (category_ms < $7 OR (category_ms = $7 AND category < $6));

-- Of the account that one of our numbers belongs to.
-- name: template_of_number
SELECT t.state, t.reason, t.state_ms FROM message_templates t
JOIN own_numbers n ON n.owner = t.owner AND n.channel = t.channel AND n.workspace_id = t.workspace_id
WHERE n.account = $3 AND n.channel = $2 AND n.workspace_id = $1 AND t.name = $4 AND t.language = $5;
