-- The URLs that an account's jobs bring share 64 lanes: a claim leaps over every lane in which something waits, and nobody may
-- make as many of them as he likes.
drop index deliveries_lane;
alter table deliveries drop column lane;
alter table deliveries add column lane text collate "C" not null generated always as (
  coalesce(endpoint_id, account_id || ' ' || (hashtext(lower(substring(url from '^[^/]+//[^/?#]+'))) & 63)::text)
) stored;
create index deliveries_lane on deliveries (lane, next_attempt_at) where status = 'pending';
