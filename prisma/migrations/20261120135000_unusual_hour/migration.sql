-- The bot check rises by itself when half of a key's day goes in an unusual hour, until that day is over.

grant usage, create on schema directory, limits to app_directory;
grant app_directory to current_user;

alter table embed_keys add column bot_check_raised_until timestamptz;
grant update (bot_check_raised_until) on embed_keys to app_directory;
create policy directory_raises on embed_keys for update to app_directory
  using (tenant_id = (select sec.current_tenant())) with check (tenant_id = (select sec.current_tenant()));

-- A visitor's turn sees no key, and has to raise the check on its own. False when it is raised already.
create function limits.raise_bot_check(p_key_id text, p_until timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update public.embed_keys k set bot_check_raised_until = p_until
  where k.tenant_id = (select sec.current_tenant()) and k.id = p_key_id
    and (k.bot_check_raised_until is null or k.bot_check_raised_until < now());
  return found;
end $$;

-- As before, and says whether the check has risen.
drop function directory.find_embed_key(text, text, int, text);
create function directory.find_embed_key(p_id text, p_random text, p_version int, p_address text)
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

do $$
declare f text;
begin
  foreach f in array array['limits.raise_bot_check(text, timestamptz)',
                           'directory.find_embed_key(text, text, int, text)'] loop
    execute format('alter function %s owner to app_directory', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to app', f);
  end loop;
end $$;

revoke create on schema directory, limits from app_directory;
revoke app_directory from current_user;
