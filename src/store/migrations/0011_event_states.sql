-- What has become of an event. Tokens and conventions: 0001_first.sql.

-- state: as events.state, but for one that was interpreted when it came: it keeps 0 on disk, and the mark has passed it.
CREATE VIEW events_now AS
SELECT id, workspace_id, source_id, request_id, type, name, key, occurred_ms, received_ms,
  CASE WHEN state = 0 AND id <= (SELECT m.event_id FROM marks m WHERE m.name = 'interpreted') THEN 1 ELSE state END AS state
FROM events;
