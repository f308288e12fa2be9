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

-- A file of ours at a channel, by the destination that gave it there. state: 1 to be given, 2 there, 3 refused. account: whose it is there
-- (a destination may come to send from another number). until_ms: what is known holds until then.
CREATE TABLE media_uploads (
  workspace_id BIGINT NOT NULL,
  media_id BIGINT NOT NULL,
  destination_id BIGINT NOT NULL,
  state BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  account TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  until_ms BIGINT NOT NULL,
  problem TEXT NOT NULL,
  PRIMARY KEY (media_id, destination_id, workspace_id)
) @by_key@;
CREATE INDEX media_uploads_due ON media_uploads (due_ms) WHERE state = 1;

-- media_id: the file a delivery carries, once it is known to carry one; 0.
ALTER TABLE deliveries ADD COLUMN media_id BIGINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_media ON deliveries (media_id, destination_id, workspace_id) WHERE media_id > 0 AND state = 0;
