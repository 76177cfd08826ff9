-- At most eight waiting sources of each tenant are handed out at a time: one tenant's thousand files do not
-- hide another's first.
grant app_directory to current_user;

create or replace function directory.list_unfinished_sources(p_idle_seconds int)
returns table (source_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select q.id from (
    select s.id, s.updated_at, row_number() over (partition by s.tenant_id order by s.updated_at) as place
    from public.sources s
    where s.status in ('queued', 'processing') and s.updated_at < now() - make_interval(secs => p_idle_seconds)
  ) q where q.place <= 8 order by q.place, q.updated_at limit 200
$$;

revoke app_directory from current_user;
