-- Conversations with people, whatever the channel. Tokens and conventions: 0001_first.sql.
-- channel: "whatsapp"; account: our own end of it (the phone_number_id); external_id: the channel's id of a message (the wamid).
-- What is said about a message (statuses, edits, reactions) is kept by the message's external id, so that it may come first.

-- One per person (or group), channel and account. peer: '' or the group's id (contact_id is 0 then).
-- window_until_ms: free-form messages may be sent until then.
CREATE TABLE conversations (
  @id@,
  workspace_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  peer TEXT NOT NULL,
  window_until_ms BIGINT NOT NULL,
  last_message_ms BIGINT NOT NULL,
  last_in_ms BIGINT NOT NULL,
  last_out_ms BIGINT NOT NULL,
  messages_in BIGINT NOT NULL,
  messages_out BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX conversations_with ON conversations (contact_id, peer, account, channel, workspace_id);

-- state: 1 open, 2 closed. A ticket holds the messages from opened_ms to closed_ms (0: it is open).
CREATE TABLE tickets (
  @id@,
  workspace_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  state BIGINT NOT NULL,
  assignee TEXT NOT NULL,
  opened_ms BIGINT NOT NULL,
  closed_ms BIGINT NOT NULL,
  first_reply_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  @pk@
);
CREATE INDEX tickets_conversation ON tickets (conversation_id, opened_ms);
CREATE INDEX tickets_open ON tickets (workspace_id, id) WHERE state = 1;

-- direction: 1 in, 2 out. origin: 1 history, 2 echo (written in the app), 3 webhook, 4 api. status: the rank of
-- records.h's message_state. data: the channel's own fields, JSON. delivery_id, campaign_id: of messages the hub sent, else 0.
CREATE TABLE messages (
  @id@,
  workspace_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  conversation_id BIGINT NOT NULL,
  ticket_id BIGINT NOT NULL,
  media_id BIGINT NOT NULL,
  delivery_id BIGINT NOT NULL,
  campaign_id BIGINT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  external_id TEXT NOT NULL,
  direction BIGINT NOT NULL,
  origin BIGINT NOT NULL,
  type TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  status BIGINT NOT NULL,
  status_ms BIGINT NOT NULL,
  edited_ms BIGINT NOT NULL,
  revoked_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  reply_to TEXT NOT NULL,
  text TEXT NOT NULL,
  data TEXT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX messages_external ON messages (external_id, workspace_id);
CREATE INDEX messages_conversation ON messages (conversation_id, at_ms);

-- Everything the channel said about the fate of a message. recipient: '' or who, for one of many. status: the channel's word.
CREATE TABLE message_statuses (
  workspace_id BIGINT NOT NULL,
  external_id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  status TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  rank BIGINT NOT NULL,
  received_ms BIGINT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (external_id, recipient, status, at_ms, workspace_id)
) @by_key@;

-- Edits and revocations of a message. kind: 1 edit, 2 revoke. edit_id: the channel's id of the change.
CREATE TABLE message_edits (
  workspace_id BIGINT NOT NULL,
  external_id TEXT NOT NULL,
  edit_id TEXT NOT NULL,
  kind BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  text TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (external_id, edit_id, workspace_id)
) @by_key@;

-- The latest reaction of each person. reactor: '' for ourselves, else who. emoji '': it was taken back (kept: an older one may
-- still come).
CREATE TABLE message_reactions (
  workspace_id BIGINT NOT NULL,
  external_id TEXT NOT NULL,
  reactor TEXT NOT NULL,
  emoji TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  reaction_id TEXT NOT NULL,
  PRIMARY KEY (external_id, reactor, workspace_id)
) @by_key@;

-- state: 1 pending, 2 downloading, 3 downloaded, 4 failed, 5 expired. due_ms: when to try next. url: the last link heard of, at
-- url_ms. sha256: lower-case hex or ''. filename: as given, for display; never a path. storage: hash under which the file is kept.
CREATE TABLE media (
  @id@,
  workspace_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  external_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  mime TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size BIGINT NOT NULL,
  filename TEXT NOT NULL,
  state BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  url TEXT NOT NULL,
  url_ms BIGINT NOT NULL,
  storage TEXT NOT NULL,
  problem TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  @pk@
);
CREATE INDEX media_due ON media (due_ms) WHERE state <= 2;
