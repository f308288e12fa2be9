-- What a channel says of our own end of it. Tokens and conventions: 0001_first.sql.

-- Our numbers, as their webhooks name them. owner: the account at the channel that they belong to; number: its digits, or ''.
CREATE TABLE own_numbers (
  workspace_id BIGINT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  owner TEXT NOT NULL,
  number TEXT NOT NULL,
  PRIMARY KEY (account, channel, workspace_id)
) @by_key@;

-- read_ms: what came in until then was read, or answered. message_reads: messages we marked as read before they came to be known.
ALTER TABLE conversations ADD COLUMN read_ms BIGINT NOT NULL DEFAULT 0;
UPDATE conversations SET read_ms = last_out_ms;
CREATE TABLE message_reads (
  workspace_id BIGINT NOT NULL,
  external_id TEXT NOT NULL,
  event_id BIGINT NOT NULL,
  PRIMARY KEY (external_id, workspace_id)
) @by_key@;

-- event_id: which event told of it: a status names no contact, and must be found when its person is erased.
ALTER TABLE message_statuses ADD COLUMN event_id BIGINT NOT NULL DEFAULT 0;

-- Old keys are forgotten (MALOTE_MESSAGE_KEYS), and those of people who are erased.
CREATE INDEX message_keys_age ON message_keys (created_ms);
CREATE INDEX message_keys_delivery ON message_keys (delivery_id, workspace_id);

-- limited: why its channel takes no more of it for now: it pauses, with an alert, as soon as its thread looks; ''.
ALTER TABLE campaigns ADD COLUMN limited TEXT NOT NULL DEFAULT '';

-- untold: 1 while the alert of a hold is still to be made.
ALTER TABLE destinations ADD COLUMN untold BIGINT NOT NULL DEFAULT 0;
