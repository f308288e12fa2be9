-- Words of messages, without their accents. Triggers, so that whoever writes a message need not think of it; no second copy of the
-- text: the index reads it from messages when it must.
CREATE VIRTUAL TABLE message_words USING fts5(text, content='messages', content_rowid='id',
  columnsize=0, tokenize='unicode61 remove_diacritics 2');
CREATE TRIGGER message_words_add AFTER INSERT ON messages WHEN new.text <> '' BEGIN
  INSERT INTO message_words (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER message_words_change AFTER UPDATE OF text ON messages WHEN old.text <> new.text BEGIN
  INSERT INTO message_words (message_words, rowid, text) SELECT 'delete', old.id, old.text WHERE old.text <> '';
  INSERT INTO message_words (rowid, text) SELECT new.id, new.text WHERE new.text <> '';
END;
CREATE TRIGGER message_words_remove AFTER DELETE ON messages WHEN old.text <> '' BEGIN
  INSERT INTO message_words (message_words, rowid, text) VALUES ('delete', old.id, old.text);
END;
INSERT INTO message_words (rowid, text) SELECT id, text FROM messages WHERE text <> '';
