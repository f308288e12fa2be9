-- name: campaign_busy
SELECT id, workspace_id, destination_id, state, category, template, per_minute, next_us, segment, segment_after,
  updated_ms, name, limited FROM campaigns
WHERE busy = 1 AND id > $2 ORDER BY id LIMIT $1;

-- name: campaign_queued
SELECT COUNT(*) FROM campaign_recipients WHERE campaign_id = $2 AND state = 1 AND workspace_id = $1;

-- name: campaign_queued_deliveries
SELECT id, delivery_id FROM campaign_recipients WHERE campaign_id = $2 AND state = $5 AND workspace_id = $1 AND id > $3
ORDER BY id LIMIT $4;

-- name: campaign_waiting
SELECT id, person, data FROM campaign_recipients WHERE campaign_id = $2 AND state = 0 AND workspace_id = $1 ORDER BY id LIMIT $3;

-- name: campaign_recipient_get
SELECT state, contact_id FROM campaign_recipients WHERE workspace_id = $1 AND id = $2;

-- The pluses keep SQLite from going through all that was handed out: a person is in few campaigns.
-- name: campaign_same_person
SELECT id FROM campaign_recipients WHERE contact_id = $3 AND contact_id > 0 AND +campaign_id = $2 AND +workspace_id = $1
  AND +state BETWEEN 1 AND 6 LIMIT 1;

-- A second's worth of what was not used may be made up for.
-- name: campaign_take_turn
UPDATE campaigns SET next_us = CASE WHEN next_us < $3 THEN CAST($3 AS BIGINT) ELSE next_us END + CAST($4 AS BIGINT)
WHERE workspace_id = $1 AND id = $2 AND state = 1;

-- name: campaign_hand_out
UPDATE campaign_recipients SET state = 1, delivery_id = $3, message_id = $4, contact_id = $5, updated_ms = $6
WHERE workspace_id = $1 AND id = $2 AND state = 0;

-- name: campaign_skip
UPDATE campaign_recipients SET state = 8, reason = $3, contact_id = $4, updated_ms = $5
WHERE workspace_id = $1 AND id = $2 AND state = 0;

-- name: campaign_failed_last
SELECT id, reason, updated_ms FROM campaign_recipients WHERE campaign_id = $2 AND workspace_id = $1 AND state = 7
ORDER BY id DESC LIMIT $3;

-- name: campaign_taken_since
SELECT id FROM campaign_recipients WHERE campaign_id = $2 AND workspace_id = $1 AND state IN (3, 4, 5, 6) AND id > $3 LIMIT 1;

-- name: campaign_give_up
UPDATE campaigns SET state = 2, busy = CASE WHEN segment = '' THEN 0 ELSE 1 END, reason = $4, limited = '', updated_ms = $3
WHERE workspace_id = $1 AND id = $2 AND state = 1;

-- name: campaign_finish
UPDATE campaigns SET state = 3, busy = 0, finished_ms = $3, updated_ms = $3
WHERE workspace_id = $1 AND id = $2 AND state = 1 AND segment = ''
  AND NOT EXISTS (SELECT 1 FROM campaign_recipients r WHERE r.campaign_id = $2 AND r.workspace_id = $1 AND r.state = 0);

-- name: campaign_add
INSERT INTO campaign_recipients (id, workspace_id, campaign_id, contact_id, state, delivery_id, message_id, sent_ms, replied_ms,
  stopped_ms, created_ms, updated_ms, person, reason, data)
VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, $6, $6, $7, $8, $9) ON CONFLICT (person, campaign_id, workspace_id) DO NOTHING;

-- name: campaign_open
SELECT state FROM campaigns WHERE workspace_id = $1 AND id = $2 AND state <= 2;

-- name: campaign_cancel_waiting
UPDATE campaign_recipients SET state = 9, updated_ms = $3 WHERE workspace_id = $1 AND id IN
  (SELECT r.id FROM campaign_recipients r WHERE r.campaign_id = $2 AND r.state = 0 AND r.workspace_id = $1 LIMIT $4);

-- name: campaign_cancel_delivery
UPDATE deliveries SET state = 4, reason = 'the campaign was cancelled', updated_ms = $3 WHERE workspace_id = $1 AND id = $2 AND state = 0;

-- Its event could not be interpreted, or is just about to be: then it is followed again.
-- name: campaign_cancel_lost
UPDATE campaign_recipients SET state = 9, updated_ms = $3 WHERE workspace_id = $1 AND id = $2 AND state IN (1, 2)
  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = campaign_recipients.delivery_id AND d.workspace_id = $1);

-- name: campaign_rest
UPDATE campaigns SET busy = 0 WHERE workspace_id = $1 AND id = $2 AND state = 4;

-- name: campaign_segment_contacts
SELECT id, fields FROM contacts WHERE workspace_id = $1 AND id > $2 AND merged_into = 0 ORDER BY id LIMIT $3;

-- name: campaign_segment_orders
SELECT status, created_ms, paid_ms, data FROM orders WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id DESC LIMIT 200;

-- name: campaign_segment_wrote
SELECT COALESCE(MAX(last_in_ms), 0) FROM conversations WHERE contact_id = $2 AND peer = '' AND workspace_id = $1;

-- name: campaign_segment_step
UPDATE campaigns SET segment_after = $3, segment = CASE WHEN CAST($4 AS BIGINT) = 1 THEN '' ELSE segment END,
  busy = CASE WHEN CAST($4 AS BIGINT) = 1 AND state <> 1 THEN 0 ELSE busy END
WHERE workspace_id = $1 AND id = $2 AND state <= 2;
