-- The bot check: whether a key asks for one, which sessions passed it, and what makes a client suspicious.

grant usage, create on schema directory, limits to app_directory;
grant app_directory to current_user;

alter table embed_keys add column bot_check text not null default 'off'
  check (bot_check in ('off', 'always', 'suspicious'));

-- When this session last solved a challenge: its renewals are free for a day.
alter table sessions add column bot_checked_at timestamptz;

-- Tickets sold and requests refused, by key, address and hour; the row with the empty address is the whole
-- key. Unlogged: a crash forgets two hours of suspicion.
create unlogged table limits.bot_signals (
  key_id text not null,
  address text not null,
  hour timestamptz not null,
  tickets int not null default 0,
  refusals int not null default 0,
  primary key (key_id, address, hour)
);
create index bot_signals_age on limits.bot_signals (hour);
grant select, insert, update, delete on limits.bot_signals to app_directory;

-- Counts one ticket and answers with the last hour of this address and of the key: the hour that runs, and
-- of the one before the share that is less than an hour old.
create function limits.note_ticket(p_key_id text, p_address text)
returns table (address_tickets real, address_refusals real, key_tickets real, key_refusals real)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  this_hour timestamptz := date_trunc('hour', now());
  rest real := 1 - extract(epoch from now() - date_trunc('hour', now())) / 3600;
begin
  -- The key's row first, always: takers queue in one order.
  insert into limits.bot_signals as b (key_id, address, hour, tickets)
  select p_key_id, a.address, this_hour, 1
  from unnest(array['', nullif(p_address, '')]) with ordinality as a (address, place)
  where a.address is not null order by a.place
  on conflict (key_id, address, hour) do update set tickets = b.tickets + 1;
  return query
    select coalesce(sum(s.tickets * s.weight) filter (where s.address <> ''), 0)::real,
      coalesce(sum(s.refusals * s.weight) filter (where s.address <> ''), 0)::real,
      coalesce(sum(s.tickets * s.weight) filter (where s.address = ''), 0)::real,
      coalesce(sum(s.refusals * s.weight) filter (where s.address = ''), 0)::real
    from (select b.address, b.tickets, b.refusals, case when b.hour = this_hour then 1 else rest end as weight
      from limits.bot_signals b
      where b.key_id = p_key_id and b.address in ('', coalesce(p_address, ''))
        and b.hour in (this_hour, this_hour - interval '1 hour')) s;
end $$;

-- As before, and remembers for two hours which address was refused.
create function directory.count_refusal(p_key_id text, p_reason text, p_origin text, p_address text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform directory.count_refusal(p_key_id, p_reason, p_origin);
  insert into limits.bot_signals as b (key_id, address, hour, refusals)
  select k.id, a.address, date_trunc('hour', now()), 1
  from public.embed_keys k
  cross join unnest(array['', nullif(p_address, '')]) with ordinality as a (address, place)
  where k.id = p_key_id and a.address is not null order by a.place
  on conflict (key_id, address, hour) do update set refusals = b.refusals + 1;
end $$;

create or replace function limits.sweep() returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with signals as (delete from limits.bot_signals b where b.hour < now() - interval '3 hours' returning 1),
    gone as (delete from limits.rates r where r.window_start < now() - interval '2 days' returning 1)
  select (select count(*) from gone) + (select count(*) from signals)
$$;

-- As before, and says whether the key asks for a bot check.
drop function directory.find_embed_key(text, text, int, text);
create function directory.find_embed_key(p_id text, p_random text, p_version int, p_address text)
returns table (tenant_id text, key_id text, version int, mode text, purpose text, limits jsonb,
               origins jsonb, bots jsonb, is_blocked boolean, bot_check text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select k.tenant_id, k.id,
    coalesce(p_version, case when k.random = p_random then k.version else k.version - 1 end),
    k.mode, k.purpose, k.limits,
    coalesce((select jsonb_agg(jsonb_build_object('id', o.id, 'pattern', o.pattern))
       from public.embed_key_origins o where o.tenant_id = k.tenant_id and o.key_id = k.id), '[]'::jsonb),
    coalesce((select jsonb_agg(jsonb_build_object(
         'id', b.id, 'name', b.name, 'color', b.color, 'position', b.position, 'label', b.label,
         'greeting', b.greeting, 'locale', b.locale, 'starters', b.starters,
         'stamp', t.epoch || '.' || k.epoch || '.' || b.epoch) order by kb.ordinal)
       from public.embed_key_bots kb
       join public.bots b on b.tenant_id = kb.tenant_id and b.id = kb.bot_id
       where kb.tenant_id = k.tenant_id and kb.key_id = k.id
         and (b.is_published or k.purpose = 'preview')), '[]'::jsonb),
    p_address is not null and exists (select from public.blocked_networks n
       where n.tenant_id = k.tenant_id and n.key_id = k.id and n.network >>= p_address::inet),
    k.bot_check
  from public.embed_keys k
  join public.tenants t on t.id = k.tenant_id
  where k.id = p_id and k.status = 'active' and t.status = 'active'
    and (k.random = p_random or k.version = p_version
         or (k.previous_expires_at > now()
             and (k.previous_random = p_random or k.version - 1 = p_version)))
$$;

do $$
declare f text;
begin
  foreach f in array array['limits.note_ticket(text, text)', 'directory.count_refusal(text, text, text, text)',
                           'directory.find_embed_key(text, text, int, text)'] loop
    execute format('alter function %s owner to app_directory', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to app', f);
  end loop;
end $$;

revoke create on schema directory, limits from app_directory;
revoke app_directory from current_user;
