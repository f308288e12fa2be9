-- The newest word of its kind, whatever the order; of two at one time the one with more to say.
-- name: own_state_fact
INSERT INTO own_facts (workspace_id, channel, owner, number, fact, at_ms, until_ms, value) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (owner, number, fact, channel, workspace_id) DO UPDATE SET at_ms = excluded.at_ms, until_ms = excluded.until_ms, value = excluded.value
WHERE excluded.at_ms > own_facts.at_ms OR (excluded.at_ms = own_facts.at_ms AND (excluded.value > own_facts.value
  OR (excluded.value = own_facts.value AND excluded.until_ms > own_facts.until_ms)));

-- name: own_state_chunk
INSERT INTO own_chunks (workspace_id, channel, account, phase, chunk, progress, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account, phase, chunk, channel, workspace_id) DO UPDATE SET progress = excluded.progress, at_ms = excluded.at_ms
WHERE excluded.at_ms > own_chunks.at_ms OR (excluded.at_ms = own_chunks.at_ms AND excluded.progress > own_chunks.progress);

-- Kind by kind, the newest first. $4: the number's digits; '': which of the owner's it is, is not known.
-- name: own_state_facts
SELECT fact, at_ms, until_ms, value FROM own_facts WHERE workspace_id = $1 AND channel = $2 AND owner = $3
  AND (number = '' OR number = $4 OR (CAST($5 AS BIGINT) = 1 AND $4 = '')) ORDER BY fact, at_ms DESC, value DESC, until_ms DESC;

-- Of the newest transfer: what was told more than $4 before its newest chunk belongs to one before.
-- name: own_state_history
SELECT COUNT(*), MAX(phase), MAX(progress), MAX(at_ms), MIN(CASE WHEN progress >= 100 THEN at_ms END) FROM own_chunks
WHERE workspace_id = $1 AND channel = $2 AND account = $3 AND phase >= 0 AND at_ms > (SELECT MAX(c.at_ms) FROM own_chunks c
  WHERE c.workspace_id = $1 AND c.channel = $2 AND c.account = $3 AND c.phase >= 0) - CAST($4 AS BIGINT);

-- name: own_state_declined
SELECT progress, at_ms FROM own_chunks WHERE workspace_id = $1 AND channel = $2 AND account = $3 AND phase = -1;
