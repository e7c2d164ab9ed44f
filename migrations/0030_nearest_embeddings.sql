-- Which embeddings lie nearest a vector: from the approximate index of their space, which `earshot database index-vectors` makes
-- where pgvector is there, or else by comparing each.
create function vector_index_name(space text, dimensions integer) returns text
language sql immutable as $$
  select format('embeddings_near_%s_%s', dimensions, md5(space))
$$;

-- What a filter of POST /v1/search/similar asks of `embeddings e`, as SQL.
create function embedding_conditions(filter jsonb) returns text
language sql stable as $$
  select coalesce(string_agg(format(' and exists (select from %s)', condition), ''), '') from (
    select format('jobs j where j.id = e.job_id and j.metadata @> %L and j.created_at > %L and j.created_at < %L',
      filter -> 'metadata', coalesce(filter ->> 'created_after', '-infinity'), coalesce(filter ->> 'created_before', 'infinity'))
    where filter - 'results' <> '{"metadata": {}}'
    union all
    select format('task_results r where r.job_id = e.job_id and r.task = %L and r.status = ''succeeded''%s', task, (
      select string_agg(format(' and jsonb_path_exists(r.summary, %L, %L)',
        -- Names are quoted as in JSON, values are variables. `[*]` of what is no list is itself.
        format('$%s[*] ? (%s)',
          (select string_agg('.' || to_json(name)::text, '' order by at)
            from unnest(string_to_array(path, '.')) with ordinality as names (name, at)),
          case when jsonb_typeof(wanted) <> 'object' then '@ == $value'
            else concat_ws(' && ', case when wanted ? 'min' then '@ >= $min' end, case when wanted ? 'max' then '@ <= $max' end)
          end),
        case when jsonb_typeof(wanted) <> 'object' then jsonb_build_object('value', wanted) else wanted end), '')
      from jsonb_each(fields) as field (path, wanted)))
    from jsonb_each(filter -> 'results') as asked (task, fields)
  ) as conditions (condition)
$$;

create function nearest_embeddings(
  account text, of_space text, query real[], without text[], filter jsonb, most integer, exactly boolean
) returns table (job_id text, score real, exact boolean)
language plpgsql as $$
declare
  candidates text := format('embeddings e where e.account_id = $2 and e.space = %L and e.job_id <> all ($3)%s',
    of_space, embedding_conditions(filter));
  index_name text := vector_index_name(of_space, cardinality(query));
  pgvector text := (select extnamespace::regnamespace from pg_extension where extname = 'vector'
    and exists (select from pg_index where indexrelid = to_regclass(index_name) and indisvalid));
  distance text;
  nearest text;
  plan json;
begin
  if pgvector is null then
    -- Postgres compiles a sum of products to arithmetic, where `unnest` would make rows of every number.
    distance := (select format('(-(%s))', string_agg(format('e.vec[%s] * %L::real', at, value), ' + ' order by at))
      from unnest(query) with ordinality as numbers (value, at));
  else
    distance := format('(e.vec::%1$s.vector(%2$s) operator(%1$s.<#>) $1::%1$s.vector(%2$s))', pgvector, cardinality(query));
  end if;

  if pgvector is not null and not exactly then
    -- The index is read on until enough rows are the account's and pass the filter.
    perform set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '100', true);
    nearest := format('with nearest as materialized (select e.job_id, (-%1$s)::real, false from %2$s order by %1$s limit $4)
      select * from nearest where (select count(*) from nearest) = $4', distance, candidates);
    -- The planner knows which accounts have so small a share of the space that comparing each is quicker.
    execute 'explain (format json) ' || nearest into plan using query, account, without, most;
    if position(index_name in plan::text) > 0 then
      return query execute nearest using query, account, without, most;
      if found then return; end if;
    end if;
  end if;

  return query execute format('select e.job_id, (-%s)::real as score, true from %s order by score desc, e.job_id limit $4',
    distance, candidates) using query, account, without, most;
end $$;

revoke execute on function vector_index_name, embedding_conditions, nearest_embeddings from public;
grant execute on function vector_index_name, embedding_conditions, nearest_embeddings to earshot_api;
