-- name: reread_request
SELECT source_id, received_ms, method, path, query, headers, remote, body, problem FROM requests WHERE workspace_id = $1 AND id = $2;

-- name: reread_claim
UPDATE requests SET problem = '' WHERE workspace_id = $1 AND id = $2 AND problem <> '' AND problem <> 'erased';

-- name: reread_page
SELECT id FROM requests WHERE workspace_id = $1 AND problem <> '' AND problem <> 'erased' AND id > $2 AND id <= $3
  AND (CAST($4 AS BIGINT) = 0 OR source_id = $4) ORDER BY id LIMIT $5;
