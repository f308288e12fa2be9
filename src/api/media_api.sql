-- name: api_media
SELECT id, message_id, channel, kind, mime,
  CASE WHEN sha256 = '' THEN storage ELSE sha256 END, size, filename, state, tries, due_ms, storage, problem, created_ms, updated_ms,
  CASE WHEN external_id = '' THEN 0 ELSE 1 END FROM media WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) = 0 OR state = $3) ORDER BY id DESC LIMIT $4;

-- name: api_media_one
SELECT id, message_id, channel, kind, mime,
  CASE WHEN sha256 = '' THEN storage ELSE sha256 END, size, filename, state, tries, due_ms, storage, problem, created_ms, updated_ms,
  CASE WHEN external_id = '' THEN 0 ELSE 1 END FROM media WHERE workspace_id = $1 AND id = $2;

-- name: api_media_retry
UPDATE media SET state = 1, tries = 0, due_ms = $3, problem = '', updated_ms = $3
WHERE workspace_id = $1 AND id = $2 AND state IN (4, 5);

-- name: api_media_upload
INSERT INTO media (id, workspace_id, source_id, message_id, channel, account, external_id, kind, mime, sha256, size, filename, state,
  tries, due_ms, url, url_ms, storage, problem, created_ms, updated_ms)
VALUES ($1, $2, 0, 0, 'upload', '', '', 'file', $3, $4, $5, $6, $7, 0, $8, '', 0, $4, '', $8, $8);
