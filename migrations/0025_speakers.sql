-- People whom an account tells by their voice. Biometric: the vector is sealed, and gone with its row.
create table speakers (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  name text not null,
  -- Who agreed to it, when and to what, in the words of whoever enrolled them.
  consent text not null,
  -- Of the weights that made the vector: two spaces are never compared.
  space text collate "C" not null,
  -- AES-256-GCM, bound to the id.
  embedding_sealed text not null,
  speech_seconds double precision not null,
  -- Where they spoke. The job may be deleted before them.
  job_id text collate "C" not null,
  created_at timestamptz(3) not null default now()
);

create index speakers_listed on speakers (account_id, created_at desc, id desc);

grant select, insert, delete on speakers to earshot_api;
