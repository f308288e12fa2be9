-- Words of messages, without their accents; as in 0003_search.sqlite.sql.
CREATE INDEX messages_words ON messages USING gin (to_tsvector('simple', translate(lower(text), 'áàâãäéèêëíìîïóòôõöúùûüçñ', 'aaaaaeeeeiiiiooooouuuucn')));
