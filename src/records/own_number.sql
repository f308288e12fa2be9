-- Told with nearly every message, so it writes only what is new.
-- name: own_number_seen
INSERT INTO own_numbers (workspace_id, channel, account, owner, number, in_app_ms, id) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account, channel, workspace_id) DO UPDATE SET owner = excluded.owner,
  number = CASE WHEN excluded.number = '' THEN own_numbers.number ELSE excluded.number END,
  in_app_ms = CASE WHEN excluded.in_app_ms > own_numbers.in_app_ms THEN excluded.in_app_ms ELSE own_numbers.in_app_ms END
WHERE own_numbers.owner <> excluded.owner OR (excluded.number <> '' AND own_numbers.number <> excluded.number)
  OR excluded.in_app_ms > own_numbers.in_app_ms;

-- The channel, asked, says whether the number is used in its app, too.
-- name: own_number_asked
UPDATE own_numbers SET in_app_ms = CASE WHEN CAST($4 AS BIGINT) = 1 THEN CAST($5 AS BIGINT) ELSE in_app_ms END,
  off_app_ms = CASE WHEN CAST($4 AS BIGINT) = 1 THEN off_app_ms ELSE CAST($5 AS BIGINT) END
WHERE workspace_id = $1 AND channel = $2 AND account = $3;

-- name: own_number_get
SELECT owner, number FROM own_numbers WHERE workspace_id = $1 AND channel = $2 AND account = $3;

-- name: own_number_of_owner
SELECT account FROM own_numbers WHERE workspace_id = $1 AND channel = $2 AND owner = $3 LIMIT 1;

-- name: own_number_list
SELECT account FROM own_numbers WHERE workspace_id = $1 AND channel = $2 AND owner = $3
  AND ($4 = '' OR number = '' OR number = $4) ORDER BY account LIMIT $5;
