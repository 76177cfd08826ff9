-- How often an answer was begun: a few retries of a cut answer are free, an endless loop is not.
alter table messages add column attempts int not null default 1;

-- No sum goes down but by what was set aside.
grant usage, create on schema limits to app_directory;
grant app_directory to current_user;
create or replace function limits.settle_deployment(p_month text, p_reserved bigint, p_spent bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update limits.deployment_spend d
  set reserved_nanos = greatest(0, d.reserved_nanos - greatest(0, p_reserved)),
      spent_nanos = d.spent_nanos + greatest(0, p_spent)
  where d.month = p_month
$$;
revoke create on schema limits from app_directory;
revoke app_directory from current_user;
