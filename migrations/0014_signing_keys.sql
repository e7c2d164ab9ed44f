-- Keys that sign access tokens. What a key does is told by the clock alone: before `signs_from` it is published, so that
-- whoever caches the set knows it in time; from then on the newest such key signs; a replaced one stays published until
-- every token of it has expired.
create table signing_keys (
  kid text collate "C" primary key,
  algorithm text not null check (algorithm in ('EdDSA', 'ES256')),
  public_jwk text not null,
  -- Sealed by AES-256-GCM, bound to the kid.
  private_jwk_sealed text not null,
  created_at timestamptz(3) not null default now(),
  signs_from timestamptz(3) not null,
  -- Its tokens are refused from then on.
  revoked_at timestamptz(3)
);

grant select, insert, update (revoked_at, private_jwk_sealed) on signing_keys to earshot_api;
