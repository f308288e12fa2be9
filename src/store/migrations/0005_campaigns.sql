-- Campaigns: a template to many people. Tokens and conventions: 0001_first.sql.

-- state: 0 draft, 1 running, 2 paused, 3 finished (everyone was handed out), 4 cancelled. busy 1: the campaign thread has something to
-- do with it. template: JSON with placeholders. next_us: when the next one may be handed out (microseconds: 4800 a minute are 12.5 ms
-- apart). segment: whom to take from the contacts, '' when nobody is left to take; segment_after: contacts up to here were looked at. reason: why it paused
-- by itself.
CREATE TABLE campaigns (
  @id@,
  workspace_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  destination_id BIGINT NOT NULL,
  state BIGINT NOT NULL,
  busy BIGINT NOT NULL,
  category TEXT NOT NULL,
  template TEXT NOT NULL,
  per_minute BIGINT NOT NULL,
  reply_ms BIGINT NOT NULL,
  next_us BIGINT NOT NULL,
  segment TEXT NOT NULL,
  segment_after BIGINT NOT NULL,
  reason TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  started_ms BIGINT NOT NULL,
  finished_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX campaigns_name ON campaigns (name, workspace_id);
CREATE INDEX campaigns_busy ON campaigns (id) WHERE busy = 1;

-- person: the number in one form ("+5511999990005") or the user id: one message to each. state: records/campaign.h. data: values for the
-- placeholders, JSON. sent_ms: when the channel took it. replied_ms, stopped_ms: when the person answered, or asked for no more.
CREATE TABLE campaign_recipients (
  @id@,
  workspace_id BIGINT NOT NULL,
  campaign_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  state BIGINT NOT NULL,
  delivery_id BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  sent_ms BIGINT NOT NULL,
  replied_ms BIGINT NOT NULL,
  stopped_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  person TEXT NOT NULL,
  reason TEXT NOT NULL,
  data TEXT NOT NULL,
  @pk@
);
CREATE UNIQUE INDEX campaign_recipients_person ON campaign_recipients (person, campaign_id, workspace_id);
CREATE INDEX campaign_recipients_of ON campaign_recipients (campaign_id, workspace_id, id);
CREATE INDEX campaign_recipients_state ON campaign_recipients (campaign_id, workspace_id, state, id);
CREATE INDEX campaign_recipients_delivery ON campaign_recipients (delivery_id, workspace_id) WHERE delivery_id > 0;
CREATE INDEX campaign_recipients_contact ON campaign_recipients (contact_id, sent_ms) WHERE contact_id > 0;
CREATE INDEX campaign_recipients_replied ON campaign_recipients (campaign_id, workspace_id) WHERE replied_ms > 0;
CREATE INDEX campaign_recipients_stopped ON campaign_recipients (campaign_id, workspace_id) WHERE stopped_ms > 0;
