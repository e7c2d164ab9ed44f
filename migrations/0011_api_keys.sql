-- Keys through the API: from where they may be used, how often, who made them and what they replaced.
alter table api_keys
  -- Addresses and networks (CIDR); empty is everywhere.
  add column ip_allow_list text[] not null default '{}',
  -- Requests a minute, where it is less than what every key may.
  add column requests_per_minute integer check (requests_per_minute > 0),
  -- Kind and id of the credential that asked for it; null for the command line.
  add column created_by text collate "C",
  add column rotated_from text collate "C" references api_keys (id);

-- ids rise with time: the list is read backwards along this.
create index api_keys_listed on api_keys (account_id, id);
drop index api_keys_account;

-- A key has one successor at most.
create unique index api_keys_rotated_from on api_keys (rotated_from);
