-- Open answers by address and by key, as leases that a crash frees by time. Unlogged: after a crash of the
-- database nobody is streaming any more.

grant usage, create on schema limits to app_directory;
grant app_directory to current_user;

create unlogged table limits.stream_leases (
  id text primary key,
  session_id text not null,
  key_id text not null,
  address text not null,
  expires_at timestamptz not null
);
create index stream_leases_key on limits.stream_leases (key_id);
create index stream_leases_address on limits.stream_leases (address);
grant select, insert, update, delete on limits.stream_leases to app_directory;

-- Takes a lease if the address and the key have room; exact, because takers of one key queue.
create function limits.take_stream(p_id text, p_session_id text, p_key_id text, p_address text,
                                   p_address_cap int, p_key_cap int, p_seconds int)
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
  insert into limits.stream_leases (id, session_id, key_id, address, expires_at)
  values (p_id, p_session_id, p_key_id, p_address, clock_timestamp() + make_interval(secs => p_seconds));
  return true;
end $$;

create function limits.free_stream(p_id text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from limits.stream_leases s where s.id = p_id
$$;

create or replace function directory.renew_streams(p_ids text[], p_seconds int) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update public.sessions s set streaming_until = now() + make_interval(secs => p_seconds)
  where s.id = any (p_ids) and s.streaming_until is not null;
  update limits.stream_leases l set expires_at = now() + make_interval(secs => p_seconds)
  where l.session_id = any (p_ids);
$$;

do $$
declare f text;
begin
  foreach f in array array['limits.take_stream(text, text, text, text, int, int, int)', 'limits.free_stream(text)'] loop
    execute format('alter function %s owner to app_directory', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to app', f);
  end loop;
end $$;

revoke create on schema limits from app_directory;
revoke app_directory from current_user;
