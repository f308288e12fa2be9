-- Messages in groups. Tokens and conventions: 0001_first.sql.

-- in_group 1: its conversation is a group's, which is nobody's own: when its writer turns out to be somebody known, it is found by this.
ALTER TABLE messages ADD COLUMN in_group BIGINT NOT NULL DEFAULT 0;
UPDATE messages SET in_group = 1 WHERE conversation_id IN (SELECT c.id FROM conversations c WHERE c.peer <> '');
CREATE INDEX messages_group ON messages (contact_id) WHERE in_group = 1;

-- Of contacts that were merged before this was seen to. A merged contact may have been merged on: each turn goes one step, and the
-- longest chain that a person's numbers and ids make is a handful.
UPDATE messages SET contact_id = (SELECT c.merged_into FROM contacts c WHERE c.id = messages.contact_id)
WHERE in_group = 1 AND contact_id IN (SELECT c.id FROM contacts c WHERE c.merged_into > 0);
UPDATE messages SET contact_id = (SELECT c.merged_into FROM contacts c WHERE c.id = messages.contact_id)
WHERE in_group = 1 AND contact_id IN (SELECT c.id FROM contacts c WHERE c.merged_into > 0);
UPDATE messages SET contact_id = (SELECT c.merged_into FROM contacts c WHERE c.id = messages.contact_id)
WHERE in_group = 1 AND contact_id IN (SELECT c.id FROM contacts c WHERE c.merged_into > 0);
