-- What an owner needs when a key is abused: which addresses, and a way to keep them out.

grant usage, create on schema directory to app_directory;
grant app_directory to current_user;

-- An IPv4 address or an IPv6 /64, as limits count it.
alter table sessions add column address text;
create index sessions_recent on sessions (tenant_id, key_id, created_at desc);

create table blocked_networks (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  key_id text not null,
  network cidr not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, key_id, network),
  foreign key (tenant_id, key_id) references embed_keys (tenant_id, id) on delete cascade
);
alter table blocked_networks enable row level security;
alter table blocked_networks force row level security;
create policy tenant on blocked_networks to app
  using (tenant_id = (select sec.current_tenant())) with check (tenant_id = (select sec.current_tenant()));
create policy visitor on blocked_networks as restrictive to app using ((select sec.current_visitor()) is null);
create policy directory on blocked_networks for select to app_directory using (true);
grant select, insert, update, delete on blocked_networks to app;
grant select on blocked_networks to app_directory;
grant select (address) on sessions to app_directory;

create trigger announce after insert on blocked_networks for each statement execute function sec.announce_revocation();

drop function directory.find_embed_key(text, text, int);
create function directory.find_embed_key(p_id text, p_random text, p_version int, p_address text)
returns table (tenant_id text, key_id text, version int, mode text, purpose text, limits jsonb,
               origins jsonb, bots jsonb, is_blocked boolean)
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
       where n.tenant_id = k.tenant_id and n.key_id = k.id and n.network >>= p_address::inet)
  from public.embed_keys k
  join public.tenants t on t.id = k.tenant_id
  where k.id = p_id and k.status = 'active' and t.status = 'active'
    and (k.random = p_random or k.version = p_version
         or (k.previous_expires_at > now()
             and (k.previous_random = p_random or k.version - 1 = p_version)))
$$;

-- As before, and the visitor's address is not blocked on this key.
create or replace function directory.find_live_sessions(p_ids text[])
returns table (session_id text, tenant_id text, bot_id text, key_id text, visitor_id text, kind text,
               origin text, mode text, limits jsonb, bot_name text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id, s.tenant_id, s.bot_id, s.key_id, s.visitor_id, s.kind, s.origin, k.mode, k.limits, b.name
  from public.sessions s
  join public.tenants t on t.id = s.tenant_id
  join public.embed_keys k on k.tenant_id = s.tenant_id and k.id = s.key_id
  join public.bots b on b.tenant_id = s.tenant_id and b.id = s.bot_id
  join public.embed_key_bots kb on kb.tenant_id = s.tenant_id and kb.key_id = s.key_id and kb.bot_id = s.bot_id
  join public.visitors v on v.tenant_id = s.tenant_id and v.id = s.visitor_id
  where s.id = any (p_ids)
    and s.ended_at is null
    and t.status = 'active'
    and k.status = 'active'
    and (b.is_published or k.purpose = 'preview')
    and v.blocked_at is null
    and (s.address is null or not exists (
      select from public.blocked_networks n
      where n.tenant_id = s.tenant_id and n.key_id = s.key_id and n.network >>= s.address::inet))
    and s.stamp = t.epoch || '.' || k.epoch || '.' || b.epoch
    and (s.key_version = k.version
         or (s.key_version = k.version - 1 and k.previous_expires_at > now()))
    and (s.kind <> 'page' or exists (
      select from public.embed_key_origins o
      where o.tenant_id = s.tenant_id and o.id = s.origin_rule_id and o.key_id = s.key_id))
$$;

alter function directory.find_embed_key(text, text, int, text) owner to app_directory;
revoke all on function directory.find_embed_key(text, text, int, text) from public;
grant execute on function directory.find_embed_key(text, text, int, text) to app;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
