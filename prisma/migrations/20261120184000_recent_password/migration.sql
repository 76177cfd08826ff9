-- When the password behind a sign-in was last given: acts that make secrets ask for it again after a while.

grant usage, create on schema directory to app_directory;
grant app_directory to current_user;

-- Sign-ins from before this count as never confirmed; new ones begin with a password.
alter table sign_ins add column confirmed_at timestamptz not null default 'epoch';
alter table sign_ins alter column confirmed_at set default now();
grant update (confirmed_at) on sign_ins to app_directory;

create function directory.is_confirmed(p_sign_in text, p_seconds int) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from public.sign_ins s
    where s.id = p_sign_in and s.confirmed_at > now() - make_interval(secs => p_seconds))
$$;

-- Conditional on the hash that was just proven: a password that changed meanwhile confirms nothing.
create function directory.confirm_sign_in(p_sign_in text, p_hash text) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with confirmed as (
    update public.sign_ins s set confirmed_at = now() from public.users u
    where s.id = p_sign_in and s.expires_at > now() and u.id = s.user_id and u.password_hash = p_hash
    returning 1)
  select exists (select from confirmed)
$$;

do $$
declare f text;
begin
  foreach f in array array['directory.is_confirmed(text, int)', 'directory.confirm_sign_in(text, text)'] loop
    execute format('alter function %s owner to app_directory', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to app', f);
  end loop;
end $$;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
