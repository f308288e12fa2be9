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

-- untold: 1 while the alert of a hold is still to be made.
ALTER TABLE destinations ADD COLUMN untold BIGINT NOT NULL DEFAULT 0;
