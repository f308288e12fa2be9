-- What joins a delivery to the life of what it sent. Tokens and conventions: 0001_first.sql.

-- remote_id: what the other side calls it (a message's id at its channel); '' unknown.
ALTER TABLE deliveries ADD COLUMN remote_id TEXT NOT NULL DEFAULT '';

-- A message the hub sends is known by its delivery until the channel has named it.
CREATE INDEX messages_delivery ON messages (delivery_id, workspace_id) WHERE delivery_id > 0;

-- Idempotency keys of POST /api/messages: the first use decides. key: "<destination's id>:<the caller's>". digest: of the message.
CREATE TABLE message_keys (
  workspace_id BIGINT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  delivery_id BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (key, workspace_id)
) @by_key@;
