-- The person on whose behalf a key was made, by a session or by a key of his: when he leaves or may do less, so do his keys.
alter table api_keys add column made_for text collate "C" references users (id) on delete set null;
create index api_keys_made_for on api_keys (account_id, made_for) where made_for is not null and revoked_at is null;

-- Of keys that there are: by the session that made them, or made what they replace.
update api_keys k set made_for = s.user_id from sessions s where k.created_by = 'session:' || s.id;
