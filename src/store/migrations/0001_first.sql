-- The first schema. One dialect for SQLite and PostgreSQL; what differs is three tokens (store_driver.tokens):
--   @id@  the 64-bit id column      @pk@  the table's primary key, (workspace_id, id) where the driver shards by workspace
--   @by_key@  the table is kept in the order of its primary key, without row numbers, where the driver can
-- Times are milliseconds since 1970 UTC, 0 = never; money is minor units; booleans 0/1; JSON is text.
-- No foreign keys: every write is made by one thread in one place, and retention deletes in small steps.
CREATE TABLE workspaces (
  workspace_id BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_ms BIGINT NOT NULL
);
CREATE TABLE sources (
  @id@,
  workspace_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets BYTEA NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX sources_name ON sources (workspace_id, name);
CREATE TABLE destinations (
  @id@,
  workspace_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets BYTEA NOT NULL,
  hold TEXT NOT NULL DEFAULT '',
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX destinations_name ON destinations (workspace_id, name);
CREATE TABLE routes (
  @id@,
  workspace_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX routes_name ON routes (workspace_id, name);
CREATE TABLE api_keys (
  @id@,
  workspace_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  hash BYTEA NOT NULL,
  rate_per_min BIGINT NOT NULL,
  pii BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (workspace_id, name);

CREATE TABLE requests (
  @id@,
  workspace_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  received_ms BIGINT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  headers TEXT NOT NULL,
  remote TEXT NOT NULL,
  body BYTEA NOT NULL,
  events BIGINT NOT NULL,
  problem TEXT NOT NULL,
  @pk@
);
CREATE INDEX requests_problem ON requests (workspace_id, id) WHERE problem <> '';

-- state: 0 pending, or done when the mark "interpreted" has passed it: writing that into each row would be one more change to each
-- event. 1 done (after a replay), 2 failed (dead letter; problem says why), 3 archived, 4 replaying (to be interpreted once more).
CREATE TABLE events (
  @id@,
  workspace_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  request_id BIGINT NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  locator TEXT NOT NULL,
  occurred_ms BIGINT NOT NULL,
  received_ms BIGINT NOT NULL,
  state BIGINT NOT NULL,
  @pk@
);
-- Keys of events, up to the mark "known"; see journal/known.h. key: the first 16 bytes of a SHA-256.
-- In unique indexes the column that tells rows apart comes first: comparing ends there.
CREATE TABLE known_keys (
  workspace_id BIGINT NOT NULL,
  key BYTEA NOT NULL,
  PRIMARY KEY (key, workspace_id)
) @by_key@;
-- How far work that follows the events has come.
CREATE TABLE marks (
  name TEXT PRIMARY KEY,
  event_id BIGINT NOT NULL
);
INSERT INTO marks (name, event_id) VALUES ('known', 0), ('interpreted', 0);
CREATE INDEX events_replaying ON events (id) WHERE state = 4;
CREATE INDEX events_failed ON events (workspace_id, id) WHERE state = 2;

-- What was understood of an event: its JSON, or why it could not be.
CREATE TABLE event_data (
  @id@,
  workspace_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  interpreted_ms BIGINT NOT NULL,
  problem TEXT NOT NULL,
  data TEXT NOT NULL,
  @pk@
);

CREATE TABLE contacts (
  @id@,
  workspace_id BIGINT NOT NULL,
  merged_into BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  fields TEXT NOT NULL,
  @pk@
);
-- kind: 0 external id, 1 document, 2 e-mail, 3 phone, 4 WhatsApp user id
CREATE TABLE contact_identities (
  workspace_id BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  value TEXT NOT NULL,
  contact_id BIGINT NOT NULL,
  PRIMARY KEY (value, kind, workspace_id)
) @by_key@;
CREATE INDEX contact_identities_contact ON contact_identities (workspace_id, contact_id);

CREATE TABLE orders (
  @id@,
  workspace_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  number TEXT NOT NULL,
  status BIGINT NOT NULL,
  amount BIGINT,
  currency TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  paid_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  data TEXT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX orders_number ON orders (number, workspace_id);
CREATE INDEX orders_contact ON orders (workspace_id, contact_id);
CREATE TABLE subscriptions (
  @id@,
  workspace_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  number TEXT NOT NULL,
  status BIGINT NOT NULL,
  status_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  data TEXT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX subscriptions_number ON subscriptions (workspace_id, number);
CREATE INDEX subscriptions_contact ON subscriptions (workspace_id, contact_id);
CREATE TABLE checkouts (
  @id@,
  workspace_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  number TEXT NOT NULL,
  abandoned BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  data TEXT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX checkouts_number ON checkouts (workspace_id, number);
CREATE INDEX checkouts_contact ON checkouts (workspace_id, contact_id);

-- state: deliver/delivery.h. due_ms: waiting = not before; leased = the lease ends.
CREATE TABLE deliveries (
  @id@,
  workspace_id BIGINT NOT NULL,
  destination_id BIGINT NOT NULL,
  route_id BIGINT NOT NULL,
  event_id BIGINT NOT NULL,
  key TEXT NOT NULL,
  state BIGINT NOT NULL,
  priority BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  first_attempt_ms BIGINT NOT NULL,
  outcome_unknown BIGINT NOT NULL,
  archived BIGINT NOT NULL,
  reason TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX deliveries_key ON deliveries (key, destination_id, workspace_id);
CREATE INDEX deliveries_due ON deliveries (workspace_id, destination_id, priority, due_ms) WHERE state <= 1;
CREATE INDEX deliveries_dead ON deliveries (workspace_id, id) WHERE state = 3;
CREATE INDEX deliveries_event ON deliveries (workspace_id, event_id);

CREATE TABLE attempts (
  @id@,
  workspace_id BIGINT NOT NULL,
  delivery_id BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  elapsed_ms BIGINT NOT NULL,
  status BIGINT NOT NULL,
  verdict BIGINT NOT NULL,
  reason TEXT NOT NULL,
  request TEXT NOT NULL,
  reply TEXT NOT NULL,
  @pk@
);
CREATE INDEX attempts_delivery ON attempts (workspace_id, delivery_id);

-- Running totals per source and minute; kept by the writer, so that statistics never scan events.
CREATE TABLE source_minutes (
  workspace_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  minute BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  events BIGINT NOT NULL,
  duplicates BIGINT NOT NULL,
  unreadable BIGINT NOT NULL,
  done BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, source_id, minute)
);
INSERT INTO workspaces (workspace_id, name, created_ms) VALUES (1, 'default', 0);
