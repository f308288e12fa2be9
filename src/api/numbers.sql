-- name: numbers_list
SELECT id, channel, account, owner, number FROM own_numbers WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;
