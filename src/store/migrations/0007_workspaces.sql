-- Several workspaces. Tokens and conventions: 0001_first.sql.

-- enabled 0: nothing is taken in and nothing is delivered; all of it stays.
ALTER TABLE workspaces ADD COLUMN enabled BIGINT NOT NULL DEFAULT 1;

-- Of a source that receives for several accounts: events handed to the source that the account belongs to, and those of an account that
-- none takes (they are failed, too).
ALTER TABLE source_minutes ADD COLUMN handed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE source_minutes ADD COLUMN unclaimed BIGINT NOT NULL DEFAULT 0;

-- Where a request that was handed over was cut from: another request and the place of the part in its body (a JSON Pointer). Read when a
-- person is erased: the part goes there, too. Never joined: the two requests may be of different workspaces.
CREATE TABLE request_origins (
  workspace_id BIGINT NOT NULL,
  request_id BIGINT NOT NULL,
  from_workspace_id BIGINT NOT NULL,
  from_request_id BIGINT NOT NULL,
  from_locator TEXT NOT NULL,
  PRIMARY KEY (request_id, workspace_id)
) @by_key@;
