-- name: media_add
INSERT INTO media (id, workspace_id, source_id, message_id, channel, account, external_id, kind, mime, sha256, size,
  filename, state, tries, due_ms, url, url_ms, storage, problem, created_ms, updated_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14, $15, $16, '', $17, $18, $18);
