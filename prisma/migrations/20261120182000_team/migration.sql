-- Where somebody is signed in, for themselves to see and to end; and a sign-in that nobody uses ends by itself.

grant usage, create on schema directory to app_directory;
grant app_directory to current_user;

alter table sign_ins add column device text not null default '';
alter table sign_ins add column last_seen_at timestamptz not null default now();
grant update (last_seen_at) on sign_ins to app_directory;

-- A process of the release before this one still calls it with three arguments.
drop function directory.create_sign_in(text, text, int);
create function directory.create_sign_in(p_id text, p_user_id text, p_days int, p_device text default '') returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into public.sign_ins (id, user_id, expires_at, device)
  values (p_id, p_user_id, now() + make_interval(days => p_days), left(p_device, 80))
$$;

-- At most one write a minute and browser, as for API keys.
create function directory.touch_sign_in(p_id text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update public.sign_ins s set last_seen_at = now() where s.id = p_id and s.last_seen_at < now() - interval '1 minute'
$$;

create or replace function directory.find_signed_in_user(p_sign_in text)
returns table (id text, name text, email text, password_hash text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select u.id, u.name, u.email, u.password_hash
  from public.sign_ins s join public.users u on u.id = s.user_id
  where s.id = p_sign_in and s.expires_at > now() and s.last_seen_at > now() - interval '14 days'
$$;

create or replace function directory.list_memberships(p_sign_in text)
returns table (tenant_id text, tenant_name text, role text, user_id text, user_name text, user_email text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.id, t.name, m.role, u.id, u.name, u.email
  from public.sign_ins s
  join public.users u on u.id = s.user_id
  join public.memberships m on m.user_id = s.user_id
  join public.tenants t on t.id = m.tenant_id
  where s.id = p_sign_in and s.expires_at > now() and s.last_seen_at > now() - interval '14 days'
    and t.status = 'active'
  order by m.created_at, t.id
$$;

-- Where the person behind a sign-in that stands is signed in, latest first.
create function directory.list_sign_ins(p_sign_in text)
returns table (id text, device text, created_at timestamptz, last_seen_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id, s.device, s.created_at, s.last_seen_at
  from public.sign_ins mine join public.sign_ins s on s.user_id = mine.user_id
  where mine.id = p_sign_in and mine.expires_at > now() and mine.last_seen_at > now() - interval '14 days'
    and s.expires_at > now() and s.last_seen_at > now() - interval '14 days'
  order by s.last_seen_at desc, s.id
$$;

-- Ends a sign-in of the same person; false for anybody else's.
create function directory.end_own_sign_in(p_sign_in text, p_id text) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with gone as (
    delete from public.sign_ins s using public.sign_ins mine
    where mine.id = p_sign_in and mine.expires_at > now() and s.user_id = mine.user_id and s.id = p_id returning 1)
  select exists (select from gone)
$$;

do $$
declare f text;
begin
  foreach f in array array['directory.create_sign_in(text, text, int, text)', 'directory.touch_sign_in(text)',
                           'directory.list_sign_ins(text)', 'directory.end_own_sign_in(text, text)'] loop
    execute format('alter function %s owner to app_directory', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to app', f);
  end loop;
end $$;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
