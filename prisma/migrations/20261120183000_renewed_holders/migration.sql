-- A process that lost its sign of life makes a new one, under a new number: what it was writing meanwhile moves
-- over, and what it could not finish (the database was away) is as free as if it had died.

grant usage, create on schema directory to app_directory;
grant app_directory to current_user;

grant update (streaming_by) on sessions to app_directory;

-- A process of the release before this one still calls it with two arguments.
drop function directory.renew_streams(text[], int);
create function directory.renew_streams(p_ids text[], p_seconds int, p_holder int default null) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update public.sessions s set streaming_until = now() + make_interval(secs => p_seconds),
    streaming_by = coalesce(p_holder, s.streaming_by)
  where s.id = any (p_ids) and s.streaming_until is not null;
  update limits.stream_leases l set expires_at = now() + make_interval(secs => p_seconds),
    holder = coalesce(p_holder, l.holder)
  where l.session_id = any (p_ids);
$$;
alter function directory.renew_streams(text[], int, int) owner to app_directory;
revoke all on function directory.renew_streams(text[], int, int) from public;
grant execute on function directory.renew_streams(text[], int, int) to app;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
