-- What a dead process left open is closed at once, not when its lease runs out: a lease names its holder, and a
-- holder is alive as long as it keeps its advisory lock, which the database drops with its connection.

grant usage, create on schema limits to app_directory;
grant app_directory to current_user;

alter table sessions add column streaming_by int;
alter table limits.stream_leases add column holder int;
create index sessions_streaming on sessions (streaming_until) where streaming_until is not null;
create index messages_streaming on messages (tenant_id, visitor_id) where status = 'streaming';

grant select (streaming_by) on sessions to app_directory;
grant select (tenant_id, visitor_id, status), update (status, updated_at) on messages to app_directory;
create policy directory on messages to app_directory using (true) with check (true);

-- A process of the release before this one still calls it with seven arguments.
drop function limits.take_stream(text, text, text, text, int, int, int);
create function limits.take_stream(p_id text, p_session_id text, p_key_id text, p_address text,
                                   p_address_cap int, p_key_cap int, p_seconds int, p_holder int default null)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('stream:' || least(p_key_id, p_address), 0));
  perform pg_advisory_xact_lock(hashtextextended('stream:' || greatest(p_key_id, p_address), 0));
  delete from limits.stream_leases s where s.expires_at < now() and (s.key_id = p_key_id or s.address = p_address);
  if (select count(*) from limits.stream_leases s where s.address = p_address) >= p_address_cap
    or (select count(*) from limits.stream_leases s where s.key_id = p_key_id) >= p_key_cap then
    return false;
  end if;
  insert into limits.stream_leases (id, session_id, key_id, address, expires_at, holder)
  values (p_id, p_session_id, p_key_id, p_address, clock_timestamp() + make_interval(secs => p_seconds), p_holder);
  return true;
end $$;

-- The holders of one kind that are alive right now: 1 web processes, 2 workers.
create function limits.list_alive(p_kind int) returns int[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(l.objid::bigint::int), '{}') from pg_locks l
  where l.locktype = 'advisory' and l.classid = 20261120 + p_kind and l.objsubid = 2 and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
$$;

-- Ends the streams of holders that are gone, and those whose lease ran out. Returns how many there were.
create function limits.free_gone_streams() returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  alive int[] := limits.list_alive(1);
  places int;
  answers int;
begin
  with gone as (
    select s.id from limits.stream_leases s where s.holder is not null and s.holder <> all (alive)
    for update skip locked
  ) delete from limits.stream_leases s using gone g where s.id = g.id;
  get diagnostics places = row_count;
  with gone as (
    select s.id from public.sessions s
    where s.streaming_until is not null
      and (s.streaming_until < now() or (s.streaming_by is not null and s.streaming_by <> all (alive)))
    for update skip locked
  ), ended as (
    update public.sessions s set streaming_until = null from gone g where s.id = g.id
    returning s.tenant_id, s.visitor_id
  ), told as (
    -- A process that only lagged writes its own end over this one.
    update public.messages m set status = 'interrupted', updated_at = now() from ended e
    where m.tenant_id = e.tenant_id and m.visitor_id = e.visitor_id and m.status = 'streaming'
  )
  select count(*) into answers from ended;
  return places + answers;
end $$;

do $$
declare f text;
begin
  foreach f in array array['limits.take_stream(text, text, text, text, int, int, int, int)', 'limits.free_gone_streams()'] loop
    execute format('alter function %s owner to app_directory', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to app', f);
  end loop;
end $$;
revoke all on function limits.list_alive(int) from public;
grant execute on function limits.list_alive(int) to app, app_directory;

revoke create on schema limits from app_directory;
revoke app_directory from current_user;
