-- People. Who somebody is is proven by an identity at an issuer or by a password here; what he may do is a membership.
create table users (
  id text collate "C" primary key,
  -- In lower case. Of people from issuers it is what the issuer said, and decides nothing.
  email text not null,
  name text,
  -- scrypt; only where the API runs on Node.
  password_hash text,
  created_at timestamptz(3) not null default now()
);

create unique index users_with_password on users (email) where password_hash is not null;

create table identities (
  issuer text collate "C" not null,
  subject text collate "C" not null,
  user_id text collate "C" not null references users (id),
  created_at timestamptz(3) not null default now(),
  primary key (issuer, subject)
);

create table memberships (
  account_id text collate "C" not null references accounts (id),
  user_id text collate "C" not null references users (id),
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz(3) not null default now(),
  primary key (account_id, user_id)
);

create index memberships_of_user on memberships (user_id);

create table invitations (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  -- Whose: the address that an issuer vouches for. Null: the first owner's, who says it himself.
  email text,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  -- SHA-256 of the secret that accepts it here.
  token_hash text collate "C" not null unique,
  created_by text collate "C" not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  ended_at timestamptz(3)
);

create index invitations_open on invitations (email) where ended_at is null;
create index invitations_of_account on invitations (account_id) where ended_at is null;

create table sessions (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  user_id text collate "C" not null references users (id),
  kind text not null check (kind in ('browser', 'device')),
  client_name text,
  ip text,
  -- SHA-256 of the secret, and of the one before, which is good for a moment longer.
  secret_hash text not null,
  previous_hash text,
  previous_until timestamptz(3),
  rotated_at timestamptz(3) not null default now(),
  created_at timestamptz(3) not null default now(),
  last_used_at timestamptz(3) not null default now(),
  idle_seconds integer not null,
  expires_at timestamptz(3) not null,
  revoked_at timestamptz(3)
);

create index sessions_of_user on sessions (account_id, user_id) where revoked_at is null;

create table device_logins (
  -- SHA-256 of what the device holds.
  device_hash text collate "C" primary key,
  -- What a person compares.
  user_code text collate "C" not null unique,
  client_name text not null,
  ip text,
  status text not null default 'pending' check (status in ('pending', 'approved', 'denied', 'used')),
  account_id text collate "C" references accounts (id),
  user_id text collate "C" references users (id),
  polled_at timestamptz(3),
  interval_seconds integer not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  check (status not in ('approved', 'used') or num_nonnulls(account_id, user_id) = 2)
);

create index device_logins_expired on device_logins (expires_at);

-- How long an address that failed has to wait, for one more password.
create table sign_in_delays (
  source text collate "C" primary key,
  failures integer not null,
  failed_at timestamptz(3) not null,
  not_before timestamptz(3) not null
);

create index sign_in_delays_old on sign_in_delays (failed_at);

grant select, insert, update on users, identities, invitations, sessions to earshot_api;
grant select, insert, update, delete on memberships, device_logins, sign_in_delays to earshot_api;
