-- The owner's own words for the day when messages or money are used up; empty: a plain sentence of ours.

grant create on schema directory to app_directory;
grant app_directory to current_user;

alter table bots add column limit_note text not null default '' check (length(limit_note) <= 300);
grant select (limit_note) on bots to app_directory;

-- As before, with those words in the public look.
create or replace function directory.find_embed_key(p_id text, p_random text, p_version int, p_address text)
returns table (tenant_id text, key_id text, version int, mode text, purpose text, limits jsonb,
               origins jsonb, bots jsonb, is_blocked boolean, bot_check text, is_check_raised boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select k.tenant_id, k.id,
    coalesce(p_version, case when k.random = p_random then k.version else k.version - 1 end),
    k.mode, k.purpose, k.limits,
    coalesce((select jsonb_agg(jsonb_build_object('id', o.id, 'pattern', o.pattern))
       from public.embed_key_origins o where o.tenant_id = k.tenant_id and o.key_id = k.id), '[]'::jsonb),
    coalesce((select jsonb_agg(jsonb_build_object(
         'id', b.id, 'name', b.name, 'color', b.color, 'position', b.position, 'label', b.label,
         'greeting', b.greeting, 'locale', b.locale, 'starters', b.starters,
         'limitNote', b.limit_note,
         'stamp', t.epoch || '.' || k.epoch || '.' || b.epoch) order by kb.ordinal)
       from public.embed_key_bots kb
       join public.bots b on b.tenant_id = kb.tenant_id and b.id = kb.bot_id
       where kb.tenant_id = k.tenant_id and kb.key_id = k.id
         and (b.is_published or k.purpose = 'preview')), '[]'::jsonb),
    p_address is not null and exists (select from public.blocked_networks n
       where n.tenant_id = k.tenant_id and n.key_id = k.id and n.network >>= p_address::inet),
    k.bot_check, coalesce(k.bot_check_raised_until > now(), false)
  from public.embed_keys k
  join public.tenants t on t.id = k.tenant_id
  where k.id = p_id and k.status = 'active' and t.status = 'active'
    and (k.random = p_random or k.version = p_version
         or (k.previous_expires_at > now()
             and (k.previous_random = p_random or k.version - 1 = p_version)))
$$;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
