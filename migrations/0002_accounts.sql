create table accounts (
  id text collate "C" primary key,
  name text not null,
  -- Signs webhooks that bring no secret of their own; sealed by AES-256-GCM.
  webhook_secret_sealed text not null,
  created_at timestamptz(3) not null default now()
);

create table api_keys (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  name text not null,
  prefix text collate "C" not null unique,
  -- SHA-256 of the secret part, which has 256 random bits.
  secret_hash text not null,
  scopes text[] not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  last_used_at timestamptz(3)
);

create index api_keys_account on api_keys (account_id, created_at);
