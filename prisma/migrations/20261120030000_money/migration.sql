-- Money. All amounts are nanos: billionths of a minor unit of the deployment's currency, so that one token of
-- the cheapest model is still a whole number.

grant usage, create on schema limits to app_directory;
grant app_directory to current_user;

alter table tenants add column monthly_spend_minor int;
alter table usage_entries add column cost_nanos bigint not null default 0;

-- What a tenant, key or bot has spent in a UTC month ('2026-11') or day ('2026-11-20'), and what is set aside
-- for calls under way.
create table spend_counters (
  tenant_id text not null references tenants (id) on delete cascade,
  subject text not null,
  period text not null,
  reserved_nanos bigint not null default 0 check (reserved_nanos >= 0),
  spent_nanos bigint not null default 0 check (spent_nanos >= 0),
  primary key (tenant_id, subject, period)
);

-- One billable call under way. A crash leaves its row; the sweep gives the money back.
create table spend_reservations (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  subjects jsonb not null,
  month text not null,
  nanos bigint not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, id)
);
create index spend_reservations_age on spend_reservations (created_at);

do $$
declare t text;
begin
  foreach t in array array['spend_counters', 'spend_reservations'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format(
      'create policy tenant on %I to app using (tenant_id = (select sec.current_tenant()))
       with check (tenant_id = (select sec.current_tenant()))', t);
    execute format('create policy directory on %I to app_directory using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to app', t);
    execute format('grant select, update, delete on %I to app_directory', t);
  end loop;
end $$;

-- All tenants together, on the deployment's own model. Not a tenant's row: reached by functions alone.
create table limits.deployment_spend (
  month text primary key,
  reserved_nanos bigint not null default 0,
  spent_nanos bigint not null default 0
);
grant select, insert, update on limits.deployment_spend to app_directory;

-- Sets money aside if the deployment's month has room for it; one conditional write.
create function limits.reserve_deployment(p_month text, p_nanos bigint, p_cap bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into limits.deployment_spend (month) values (p_month) on conflict do nothing;
  update limits.deployment_spend d set reserved_nanos = d.reserved_nanos + p_nanos
  where d.month = p_month and d.spent_nanos + d.reserved_nanos + p_nanos <= p_cap;
  return found;
end $$;

create function limits.settle_deployment(p_month text, p_reserved bigint, p_spent bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update limits.deployment_spend d
  set reserved_nanos = greatest(0, d.reserved_nanos - p_reserved), spent_nanos = d.spent_nanos + p_spent
  where d.month = p_month
$$;

-- Gives back what calls of crashed processes had set aside.
create function limits.reclaim_reservations(p_older_than_seconds int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  r record;
  s record;
  reclaimed bigint := 0;
begin
  for r in delete from public.spend_reservations x
           where x.created_at < now() - make_interval(secs => p_older_than_seconds)
           returning x.tenant_id, x.subjects, x.month, x.nanos loop
    for s in select e.value ->> 'subject' as subject, e.value ->> 'period' as period
             from jsonb_array_elements(r.subjects) e loop
      update public.spend_counters c set reserved_nanos = greatest(0, c.reserved_nanos - r.nanos)
      where c.tenant_id = r.tenant_id and c.subject = s.subject and c.period = s.period;
    end loop;
    perform limits.settle_deployment(r.month, r.nanos, 0);
    reclaimed := reclaimed + 1;
  end loop;
  return reclaimed;
end $$;

-- A visitor's turn may not read the tenant's row, and has to know what it may spend.
grant select (monthly_spend_minor) on tenants to app_directory;
create function limits.read_tenant_cap() returns table (monthly_spend_minor int, is_self_registered boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.monthly_spend_minor, t.is_self_registered from public.tenants t where t.id = sec.current_tenant()
$$;

do $$
declare f text;
begin
  foreach f in array array['limits.read_tenant_cap()',
                           'limits.reserve_deployment(text, bigint, bigint)',
                           'limits.settle_deployment(text, bigint, bigint)',
                           'limits.reclaim_reservations(int)'] loop
    execute format('alter function %s owner to app_directory', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to app', f);
  end loop;
end $$;

revoke create on schema limits from app_directory;
revoke app_directory from current_user;
