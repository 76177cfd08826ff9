-- Rates under a clock that is set, and nothing left of a tenant that is deleted.

grant usage, create on schema limits to app_directory;
grant app_directory to current_user;

-- As before, but: a window that seems to lie ahead (the clock was set back) counts as the present one, which
-- gives no second budget and locks nobody out; and who waits exactly as long as told gets in.
create or replace function limits.take(p_buckets text[], p_limits int[], p_window_ms int[])
returns table (bucket text, is_allowed boolean, remaining int, retry_ms int)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  at timestamptz;
  all_allowed boolean := true;
  r record;
  start timestamptz;
  prev int; cur int; weight float8; used float8; span interval;
begin
  insert into limits.rates (bucket, window_start, previous, current)
  select b, to_timestamp(0), 0, 0 from unnest(p_buckets) b order by b on conflict do nothing;
  perform 1 from limits.rates x where x.bucket = any (p_buckets) order by x.bucket for update;
  -- After the locks: transactions that waited must not judge by the time they started at.
  at := clock_timestamp();
  for r in select x.bucket as name, x.window_start, x.previous, x.current, w.cap, w.ms
           from unnest(p_buckets, p_limits, p_window_ms) as w(name, cap, ms)
           join limits.rates x on x.bucket = w.name order by x.bucket loop
    span := make_interval(secs => r.ms / 1000.0);
    start := to_timestamp(floor(extract(epoch from at) * 1000 / r.ms) * r.ms / 1000.0);
    if r.window_start > start then
      update limits.rates x set window_start = start where x.bucket = r.name;
    end if;
    if r.window_start >= start then prev := r.previous; cur := r.current;
    elsif r.window_start = start - span then prev := r.current; cur := 0;
    else prev := 0; cur := 0;
    end if;
    weight := 1 - extract(epoch from (at - start)) * 1000 / r.ms;
    used := prev * weight + cur;
    bucket := r.name;
    is_allowed := used + 1 <= r.cap;
    remaining := greatest(0, floor(r.cap - used - 1)::int);
    if is_allowed then retry_ms := 0;
    -- Full by itself: the rest of this window, and as much of the next one as frees a place.
    elsif cur + 1 > r.cap then
      retry_ms := ceil(r.ms * (weight + 1 - greatest(r.cap - 1, 0)::float8 / greatest(cur, 1)))::int;
    else retry_ms := greatest(1, ceil(r.ms * (weight - (r.cap - 1 - cur)::float8 / greatest(prev, 1)))::int);
    end if;
    all_allowed := all_allowed and is_allowed;
    return next;
  end loop;
  if all_allowed then
    update limits.rates x set
      previous = case when x.window_start = y.start then x.previous
                      when x.window_start = y.start - y.span then x.current else 0 end,
      current = case when x.window_start = y.start then x.current + 1 else 1 end,
      window_start = y.start
    from (select w.name, make_interval(secs => w.ms / 1000.0) as span,
            to_timestamp(floor(extract(epoch from at) * 1000 / w.ms) * w.ms / 1000.0) as start
          from unnest(p_buckets, p_window_ms) as w(name, ms)) y
    where x.bucket = y.name;
  end if;
end $$;

-- Counts name the tenant, key or session they count for: called before these go, of the proven tenant alone.
create function limits.forget_tenant() returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from limits.rates r using public.sessions s
  where s.tenant_id = sec.current_tenant() and r.bucket = 'chat.session:' || s.id;
  delete from limits.rates r using public.embed_keys k
  where k.tenant_id = sec.current_tenant() and strpos(r.bucket, k.id) > 0;
  delete from limits.rates r where strpos(r.bucket, sec.current_tenant()) > 0;
  delete from limits.bot_signals b using public.embed_keys k
  where k.tenant_id = sec.current_tenant() and b.key_id = k.id;
  delete from limits.stream_leases l using public.embed_keys k
  where k.tenant_id = sec.current_tenant() and l.key_id = k.id;
$$;
alter function limits.forget_tenant() owner to app_directory;
revoke all on function limits.forget_tenant() from public;
grant execute on function limits.forget_tenant() to app;

revoke create on schema limits from app_directory;
revoke app_directory from current_user;
