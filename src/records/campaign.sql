-- Of a message's state and its delivery's: message 1 accepted, 2 sent, 3 delivered, 4 read, 5 played, 6 failed; delivery 0 waiting,
-- 1 leased, 2 delivered, 3 dead, 4 cancelled. Without a delivery the event is still to be interpreted.
-- name: campaign_follow
UPDATE campaign_recipients SET updated_ms = $3,
  state = COALESCE((SELECT CASE WHEN m.status = 6 THEN 7 WHEN m.status >= 4 THEN 6 WHEN m.status = 3 THEN 5 WHEN m.status = 2 THEN 4
      WHEN d.state = 3 THEN 7 WHEN d.state = 4 THEN 9 WHEN d.state = 2 OR m.status = 1 THEN 3 WHEN d.attempts > 0 THEN 2 ELSE 1 END
    FROM deliveries d JOIN messages m ON m.delivery_id = d.id AND m.delivery_id > 0 AND m.workspace_id = d.workspace_id
    WHERE d.workspace_id = $1 AND d.id = $2), state),
  reason = COALESCE((SELECT CASE WHEN m.status = 6 THEN campaign_recipients.reason WHEN m.status >= 1 OR d.state = 2 THEN ''
      ELSE d.reason END
    FROM deliveries d JOIN messages m ON m.delivery_id = d.id AND m.delivery_id > 0 AND m.workspace_id = d.workspace_id
    WHERE d.workspace_id = $1 AND d.id = $2), reason),
  sent_ms = CASE WHEN sent_ms > 0 THEN sent_ms ELSE COALESCE((SELECT CASE WHEN d.state = 2 OR m.status > 0
      THEN CAST($3 AS BIGINT) ELSE 0 END
    FROM deliveries d JOIN messages m ON m.delivery_id = d.id AND m.delivery_id > 0 AND m.workspace_id = d.workspace_id
    WHERE d.workspace_id = $1 AND d.id = $2), 0) END
WHERE workspace_id = $1 AND delivery_id = $2 AND delivery_id > 0;

-- name: campaign_delivery_of
SELECT delivery_id FROM messages WHERE external_id = $2 AND workspace_id = $1 AND campaign_id > 0 AND delivery_id > 0;

-- name: campaign_reason
UPDATE campaign_recipients SET reason = $3 WHERE workspace_id = $1 AND delivery_id = $2 AND delivery_id > 0 AND state = 7;

-- The channel took the message and then said that it sends no more for now: the person is waiting once more.
-- name: campaign_again
UPDATE campaign_recipients SET state = 0, delivery_id = 0, message_id = 0, sent_ms = 0, reason = '', updated_ms = $3
WHERE workspace_id = $1 AND delivery_id = $2 AND delivery_id > 0 AND state = 7
  AND campaign_id IN (SELECT c.id FROM campaigns c WHERE c.workspace_id = $1 AND c.state <= 3);

-- One that had handed out everybody runs on; one that a person paused knows already.
-- name: campaign_limited
UPDATE campaigns SET limited = $3, busy = 1, state = 1, finished_ms = 0 WHERE workspace_id = $1 AND id = $2 AND state IN (1, 3);

-- name: campaign_of_delivery
SELECT campaign_id FROM campaign_recipients WHERE workspace_id = $1 AND delivery_id = $2 AND delivery_id > 0;

-- name: campaign_contact
UPDATE campaign_recipients SET contact_id = $3 WHERE workspace_id = $1 AND delivery_id = $2 AND delivery_id > 0;

-- A channel's time may be in whole seconds, behind ours.
-- name: campaign_of_contact
SELECT r.id FROM campaign_recipients r JOIN campaigns c ON c.id = r.campaign_id AND c.workspace_id = r.workspace_id
WHERE r.contact_id = $2 AND r.contact_id > 0 AND r.workspace_id = $1 AND r.sent_ms > 0 AND r.sent_ms < CAST($3 AS BIGINT) + 1000
  AND r.sent_ms >= CAST($3 AS BIGINT) - c.reply_ms ORDER BY r.sent_ms DESC, r.id DESC LIMIT 1;

-- name: campaign_of_quoted
SELECT r.id FROM campaign_recipients r JOIN messages m ON m.delivery_id = r.delivery_id AND m.workspace_id = r.workspace_id
WHERE m.external_id = $2 AND m.workspace_id = $1 AND m.campaign_id > 0 AND m.contact_id = $3 AND r.delivery_id > 0;

-- name: campaign_heard
UPDATE campaign_recipients SET updated_ms = $3,
  replied_ms = CASE WHEN CAST($5 AS BIGINT) = 1 AND (replied_ms = 0 OR replied_ms > $4) THEN CAST($4 AS BIGINT) ELSE replied_ms END,
  stopped_ms = CASE WHEN CAST($6 AS BIGINT) = 1 AND (stopped_ms = 0 OR stopped_ms > $4) THEN CAST($4 AS BIGINT) ELSE stopped_ms END
WHERE workspace_id = $1 AND id = $2;
