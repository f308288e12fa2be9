-- Files in a bucket. Tokens and conventions: 0001_first.sql.
-- Of media: storage is set while state is pending: the file is here, whole, and waits to be carried to the bucket.

-- What waits for its platform, and what waits for the bucket: a bucket that is away must not stand in the way of the other.
DROP INDEX media_due;
CREATE INDEX media_fetch ON media (due_ms) WHERE state <= 2 AND storage = '';
CREATE INDEX media_carry ON media (due_ms) WHERE state <= 2 AND storage <> '';
-- Who means a file?
CREATE INDEX media_storage ON media (storage) WHERE storage <> '';

-- Files to be deleted from the bucket, written in the transaction that took their last row: what fails is tried again.
CREATE TABLE media_removals (
  workspace_id BIGINT NOT NULL,
  storage TEXT NOT NULL,
  tries BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  PRIMARY KEY (storage, workspace_id)
) @by_key@;
CREATE INDEX media_removals_due ON media_removals (due_ms);
