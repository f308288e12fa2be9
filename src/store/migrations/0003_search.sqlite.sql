-- Words of messages, without their accents. No second copy of the text: the index reads it from messages when it must.
-- The index follows behind, up to the mark "searched" (records/search.c): added message by message, a batch of events would write
-- it anew for each of its parts. What changes behind the mark is followed by triggers, so that whoever writes need not think of it.
INSERT INTO marks (name, event_id) VALUES ('searched', 0);
CREATE VIRTUAL TABLE message_words USING fts5(text, content='messages', content_rowid='id', columnsize=0,
  tokenize='unicode61 remove_diacritics 2');
CREATE TRIGGER message_words_change AFTER UPDATE OF text ON messages
WHEN old.text <> new.text AND old.id <= (SELECT event_id FROM marks WHERE name = 'searched') BEGIN
  INSERT INTO message_words (message_words, rowid, text) SELECT 'delete', old.id, old.text WHERE old.text <> '';
  INSERT INTO message_words (rowid, text) SELECT new.id, new.text WHERE new.text <> '';
END;
CREATE TRIGGER message_words_remove AFTER DELETE ON messages
WHEN old.text <> '' AND old.id <= (SELECT event_id FROM marks WHERE name = 'searched') BEGIN
  INSERT INTO message_words (message_words, rowid, text) VALUES ('delete', old.id, old.text);
END;
