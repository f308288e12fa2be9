-- What a channel tells of our own end, and what the hub's owner is to be told of it. Tokens and conventions: 0001_first.sql.

-- id: for lists alone. in_app_ms: the newest day on which something showed that the number is used in the channel's app, too; off_app_ms: when the channel,
-- asked, said that it is not. The later one counts.
ALTER TABLE own_numbers ADD COLUMN id BIGINT NOT NULL DEFAULT 0;
UPDATE own_numbers SET id = n.id FROM (SELECT account, channel, workspace_id,
  ROW_NUMBER() OVER (ORDER BY account, channel, workspace_id) AS id FROM own_numbers) n
WHERE n.account = own_numbers.account AND n.channel = own_numbers.channel AND n.workspace_id = own_numbers.workspace_id;
ALTER TABLE own_numbers ADD COLUMN in_app_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE own_numbers ADD COLUMN off_app_ms BIGINT NOT NULL DEFAULT 0;

-- One word of the channel of each kind (fact: records.h, own_fact_kind), the newest by its own time, under what it named: an account (owner)
-- and perhaps one number's digits, '' = all of the owner's. Our ids of numbers are not in it: they may be learned later.
-- until_ms: it holds until then; 0: for good.
CREATE TABLE own_facts (
  workspace_id BIGINT NOT NULL,
  channel TEXT NOT NULL,
  owner TEXT NOT NULL,
  number TEXT NOT NULL,
  fact BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  until_ms BIGINT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (owner, number, fact, channel, workspace_id)
) @by_key@;

-- Chunks of a number's history that came. phase -1: it was declined, progress is the channel's code for that.
CREATE TABLE own_chunks (
  workspace_id BIGINT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  phase BIGINT NOT NULL,
  chunk BIGINT NOT NULL,
  progress BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (account, phase, chunk, channel, workspace_id)
) @by_key@;

-- Templates by the account (owner) that they belong to. Each part by its own newest word.
CREATE TABLE message_templates (
  @id@,
  workspace_id BIGINT NOT NULL,
  channel TEXT NOT NULL,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  state_ms BIGINT NOT NULL DEFAULT 0,
  quality TEXT NOT NULL DEFAULT '',
  quality_ms BIGINT NOT NULL DEFAULT 0,
  category TEXT NOT NULL DEFAULT '',
  category_ms BIGINT NOT NULL DEFAULT 0,
  created_ms BIGINT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX message_templates_name ON message_templates (name, language, owner, channel, workspace_id);

-- A hold that the channel's word on an account made: the account (''  = the hold is of another kind), and until when at most (0: for good).
ALTER TABLE destinations ADD COLUMN hold_owner TEXT NOT NULL DEFAULT '';
ALTER TABLE destinations ADD COLUMN hold_until_ms BIGINT NOT NULL DEFAULT 0;

-- What the owner is still to be told: each becomes an event of the hub's own source and goes. destination_id or event_id: what it is about.
CREATE TABLE notices (
  @id@,
  workspace_id BIGINT NOT NULL,
  alert TEXT NOT NULL,
  destination_id BIGINT NOT NULL,
  event_id BIGINT NOT NULL,
  owner TEXT NOT NULL,
  number TEXT NOT NULL,
  reason TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  @pk@
);
INSERT INTO notices (id, workspace_id, alert, destination_id, event_id, owner, number, reason, at_ms)
SELECT id, workspace_id, 'destination_held', id, 0, '', '', hold, updated_ms FROM destinations WHERE untold = 1 AND hold <> '';
ALTER TABLE destinations DROP COLUMN untold;
