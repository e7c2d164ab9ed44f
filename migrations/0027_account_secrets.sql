-- While a rotation of an account's signing secret lasts, the one before signs beside it.
set local lock_timeout = '2s';
alter table accounts
  add column previous_webhook_secret_sealed text,
  add column previous_webhook_secret_until timestamptz(3);
