-- The three processes, each with what it needs and no more. They get their logins and passwords from the
-- deployment; the owner of the tables is used by `earshot migrate` alone.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['earshot_api', 'earshot_worker', 'earshot_deliver'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin', role_name);
    end if;
  end loop;
end $$;

revoke all on schema public from public;
grant usage on schema public to earshot_api, earshot_worker, earshot_deliver;
