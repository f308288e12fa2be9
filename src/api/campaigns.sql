-- name: campaigns_add
INSERT INTO campaigns (id, workspace_id, name, destination_id, state, busy, category, template, per_minute, reply_ms, next_us, segment,
  segment_after, reason, created_ms, started_ms, finished_ms, updated_ms)
VALUES ($1, $2, $3, $4, 0, 0, $5, $6, $7, $8, 0, '', 0, '', $9, 0, 0, $9) ON CONFLICT (name, workspace_id) DO NOTHING;

-- name: campaigns_list
SELECT id, name, destination_id, state, category, template, per_minute, reply_ms, segment, created_ms, started_ms, finished_ms, reason
FROM campaigns WHERE workspace_id = $1 AND id < $2 AND (CAST($3 AS BIGINT) < 0 OR state = $3) ORDER BY id DESC LIMIT $4;

-- name: campaigns_get
SELECT id, name, destination_id, state, category, template, per_minute, reply_ms, segment, created_ms, started_ms, finished_ms, reason
FROM campaigns WHERE workspace_id = $1 AND id = $2;

-- name: campaigns_counts
SELECT state, COUNT(*) FROM campaign_recipients WHERE campaign_id = $2 AND workspace_id = $1 GROUP BY state;

-- name: campaigns_replied
SELECT COUNT(*) FROM campaign_recipients WHERE campaign_id = $2 AND replied_ms > 0 AND workspace_id = $1;

-- name: campaigns_stopped
SELECT COUNT(*) FROM campaign_recipients WHERE campaign_id = $2 AND stopped_ms > 0 AND workspace_id = $1;

-- name: campaigns_run
UPDATE campaigns SET state = 1, busy = 1, reason = '', limited = '', started_ms = CASE WHEN started_ms = 0 THEN CAST($3 AS BIGINT) ELSE started_ms END, updated_ms = $3
WHERE workspace_id = $1 AND id = $2 AND state IN (0, 2);

-- name: campaigns_pause
UPDATE campaigns SET state = 2, busy = CASE WHEN segment = '' THEN 0 ELSE 1 END, updated_ms = $3
WHERE workspace_id = $1 AND id = $2 AND state = 1;

-- name: campaigns_cancel
UPDATE campaigns SET state = 4, busy = 1, segment = '', reason = '', finished_ms = $3, updated_ms = $3
WHERE workspace_id = $1 AND id = $2 AND state <= 3;

-- name: campaigns_segment
UPDATE campaigns SET segment = $4, segment_after = 0, busy = 1, updated_ms = $3
WHERE workspace_id = $1 AND id = $2 AND state <= 2 AND segment = '';

-- A draft goes a step at a time, its row last.
-- name: campaigns_delete_recipients
DELETE FROM campaign_recipients WHERE workspace_id = $1 AND id IN (SELECT r.id FROM campaign_recipients r
  JOIN campaigns c ON c.id = r.campaign_id AND c.workspace_id = r.workspace_id
  WHERE r.campaign_id = $2 AND r.workspace_id = $1 AND c.state = 0 LIMIT $3);

-- name: campaigns_delete
DELETE FROM campaigns WHERE workspace_id = $1 AND id = $2 AND state = 0
  AND NOT EXISTS (SELECT 1 FROM campaign_recipients r WHERE r.campaign_id = $2 AND r.workspace_id = $1);

-- name: campaigns_recipients
SELECT id, state, contact_id, person, reason, delivery_id, message_id, sent_ms, replied_ms, stopped_ms, created_ms, updated_ms, data
FROM campaign_recipients WHERE workspace_id = $1 AND campaign_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4;

-- name: campaigns_recipients_in
SELECT id, state, contact_id, person, reason, delivery_id, message_id, sent_ms, replied_ms, stopped_ms, created_ms, updated_ms, data
FROM campaign_recipients WHERE workspace_id = $1 AND campaign_id = $2 AND id < $3 AND state = $5 ORDER BY id DESC LIMIT $4;
