-- The two hops of every visitor, at the price of one round trip and a handful of primary-key lookups.

grant app_directory to current_user;

-- The live check as one primary-key lookup a hop: what it costs must not hang on the planner's statistics.
-- (Joined freely, the planner read every visitor of the tenant, or every session of the key.)
create or replace function directory.find_live_sessions(p_ids text[])
returns table (session_id text, tenant_id text, bot_id text, key_id text, visitor_id text, kind text,
               origin text, mode text, limits jsonb, bot_name text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
-- A plan made for each call costs more than the call.
set plan_cache_mode = force_generic_plan as $$
  select s.id, s.tenant_id, s.bot_id, s.key_id, s.visitor_id, s.kind, s.origin, k.mode, k.limits, b.name
  from unnest(p_ids) as wanted (id)
  cross join lateral (select x.id, x.tenant_id, x.bot_id, x.key_id, x.visitor_id, x.kind, x.origin, x.stamp,
      x.key_version, x.origin_rule_id, x.address from public.sessions x
    where x.id = wanted.id and x.ended_at is null offset 0) s
  cross join lateral (select x.epoch from public.tenants x
    where x.id = s.tenant_id and x.status = 'active' offset 0) t
  cross join lateral (select x.mode, x.limits, x.epoch, x.purpose, x.version, x.previous_expires_at
    from public.embed_keys x
    where x.tenant_id = s.tenant_id and x.id = s.key_id and x.status = 'active' offset 0) k
  cross join lateral (select x.name, x.epoch from public.bots x
    where x.tenant_id = s.tenant_id and x.id = s.bot_id
      and (x.is_published or k.purpose = 'preview') offset 0) b
  cross join lateral (select 1 from public.embed_key_bots x
    where x.tenant_id = s.tenant_id and x.key_id = s.key_id and x.bot_id = s.bot_id offset 0) kb
  cross join lateral (select 1 from public.visitors x
    where x.tenant_id = s.tenant_id and x.id = s.visitor_id and x.blocked_at is null offset 0) v
  where s.stamp = t.epoch || '.' || k.epoch || '.' || b.epoch
    and (s.key_version = k.version
         or (s.key_version = k.version - 1 and k.previous_expires_at > now()))
    and (s.address is null or not exists (
      select from public.blocked_networks n
      where n.tenant_id = s.tenant_id and n.key_id = s.key_id and n.network >>= s.address::inet))
    and (s.kind <> 'page' or exists (
      select from public.embed_key_origins o
      where o.tenant_id = s.tenant_id and o.id = s.origin_rule_id and o.key_id = s.key_id))
$$;

-- Redeems a ticket in one statement: spends it, and makes the visitor and the session where they are new. Not
-- a definer: it sets the signed setting like any transaction of the app role, and row-level security judges
-- every row. False when the ticket was spent before.
create function sec.open_session(p_tenant text, p_mac text, p_ticket jsonb, p_visitor jsonb, p_session jsonb)
returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('app.tenant_id', p_tenant, true), set_config('app.bot_id', '', true),
    set_config('app.visitor_id', '', true), set_config('tenant.mac', p_mac, true);
  insert into public.spent_tickets (tenant_id, ticket_id, session_id)
  values (p_tenant, p_ticket ->> 'id', p_session ->> 'id') on conflict do nothing;
  if not found then return false; end if;
  if (p_visitor ->> 'isNew')::boolean then
    insert into public.visitors (id, tenant_id, bot_id, origin, secret_hash)
    values (p_visitor ->> 'id', p_tenant, p_ticket ->> 'botId', p_ticket ->> 'origin', p_visitor ->> 'secretHash');
  end if;
  if (p_session ->> 'isNew')::boolean then
    insert into public.sessions (id, tenant_id, bot_id, key_id, visitor_id, kind, origin, origin_rule_id,
      key_version, stamp, page_url, page_title, language, device, address, bot_checked_at)
    values (p_session ->> 'id', p_tenant, p_ticket ->> 'botId', p_ticket ->> 'keyId', p_visitor ->> 'id',
      p_ticket ->> 'kind', p_ticket ->> 'origin', p_ticket ->> 'originRuleId', (p_ticket ->> 'keyVersion')::int,
      p_ticket ->> 'stamp', p_session ->> 'pageUrl', p_session ->> 'pageTitle', p_session ->> 'language',
      p_session ->> 'device', p_session ->> 'address',
      case when (p_session ->> 'hasPassed')::boolean then now() end);
  end if;
  if p_ticket ->> 'kind' = 'page' then
    insert into public.sites as s (tenant_id, key_id, origin, key_version)
    values (p_tenant, p_ticket ->> 'keyId', p_ticket ->> 'origin', (p_ticket ->> 'keyVersion')::int)
    on conflict (tenant_id, key_id, origin) do update set last_seen_at = now(), key_version = excluded.key_version
    where s.last_seen_at < now() - interval '20 seconds' or s.key_version <> excluded.key_version;
  end if;
  return true;
end $$;
revoke all on function sec.open_session(text, text, jsonb, jsonb, jsonb) from public;
grant execute on function sec.open_session(text, text, jsonb, jsonb, jsonb) to app;

revoke app_directory from current_user;
