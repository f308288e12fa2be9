-- Told with every message, so it writes only what is new.
-- name: own_number_seen
INSERT INTO own_numbers (workspace_id, channel, account, owner, number) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account, channel, workspace_id) DO UPDATE SET owner = excluded.owner,
  number = CASE WHEN excluded.number = '' THEN own_numbers.number ELSE excluded.number END
WHERE own_numbers.owner <> excluded.owner OR (excluded.number <> '' AND own_numbers.number <> excluded.number);

-- name: own_number_get
SELECT owner, number FROM own_numbers WHERE workspace_id = $1 AND channel = $2 AND account = $3;

-- name: own_number_of_owner
SELECT account FROM own_numbers WHERE workspace_id = $1 AND channel = $2 AND owner = $3 LIMIT 1;

-- name: own_number_list
SELECT account FROM own_numbers WHERE workspace_id = $1 AND channel = $2 AND owner = $3
  AND ($4 = '' OR number = '' OR number = $4) ORDER BY account LIMIT $5;
