-- What is kept and for how long. The sweep takes a bounded bite each minute; policies and grants go no further
-- than the columns it judges by.

grant usage, create on schema directory to app_directory;
grant app_directory to current_user;

create index visitors_idle on visitors (last_seen_at);
create index sessions_idle on sessions (renewed_at);

grant select (last_seen_at, created_at) on visitors to app_directory;
grant delete on visitors, sessions, refusals, counters to app_directory;
grant select (renewed_at) on sessions to app_directory;
grant select (tenant_id, name, period) on counters to app_directory;
grant select (visitor_id, tenant_id) on conversations, leads to app_directory;
create policy directory_sweeps on visitors for delete to app_directory
  using (last_seen_at < now() - interval '30 days');
create policy directory_sweeps on sessions for delete to app_directory
  using (renewed_at < now() - interval '30 days');
create policy directory_sweeps on counters for delete to app_directory
  using (period < to_char((now() - interval '35 days') at time zone 'UTC', 'YYYY-MM-DD'));
create policy directory_sweeps_reads on counters for select to app_directory
  using (period < to_char((now() - interval '35 days') at time zone 'UTC', 'YYYY-MM-DD'));
create policy directory_sweeps_reads on conversations for select to app_directory using (true);
create policy directory_sweeps_reads on leads for select to app_directory using (true);

-- Sessions nobody renewed for 30 days (a visitor secret resumes none of them any more), visitors idle as long
-- who said and left nothing, refusals and sums of days that no screen shows any more.
create function directory.sweep_idle(p_limit int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  total bigint := 0;
  n bigint;
begin
  delete from public.sessions s where s.id in (
    select x.id from public.sessions x where x.renewed_at < now() - interval '30 days'
    order by x.renewed_at limit p_limit);
  get diagnostics n = row_count; total := total + n;
  delete from public.visitors v where v.id in (
    select x.id from public.visitors x where x.last_seen_at < now() - interval '30 days' and x.blocked_at is null
      and not exists (select from public.conversations c where c.tenant_id = x.tenant_id and c.visitor_id = x.id)
      and not exists (select from public.leads l where l.tenant_id = x.tenant_id and l.visitor_id = x.id)
    order by x.last_seen_at limit p_limit);
  get diagnostics n = row_count; total := total + n;
  delete from public.refusals r where r.hour < now() - interval '35 days';
  get diagnostics n = row_count; total := total + n;
  delete from public.counters c
  where c.period < to_char((now() - interval '35 days') at time zone 'UTC', 'YYYY-MM-DD');
  get diagnostics n = row_count; total := total + n;
  -- Of money, only what counted single days and addresses: months are the ledger's short form.
  delete from public.spend_counters s where length(s.period) > 7
    and s.period < to_char((now() - interval '35 days') at time zone 'UTC', 'YYYY-MM-DD');
  get diagnostics n = row_count; total := total + n;
  return total;
end $$;

alter function directory.sweep_idle(int) owner to app_directory;
revoke all on function directory.sweep_idle(int) from public;
grant execute on function directory.sweep_idle(int) to app;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;

-- As before, and a key remembers 200 websites: under a wildcard anyone can make up more.
create or replace function sec.open_session(p_tenant text, p_mac text, p_ticket jsonb, p_visitor jsonb, p_session jsonb)
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
    select p_tenant, p_ticket ->> 'keyId', p_ticket ->> 'origin', (p_ticket ->> 'keyVersion')::int
    where exists (select from public.sites x where x.tenant_id = p_tenant and x.key_id = p_ticket ->> 'keyId'
        and x.origin = p_ticket ->> 'origin')
      or (select count(*) from public.sites x where x.tenant_id = p_tenant and x.key_id = p_ticket ->> 'keyId') < 200
    on conflict (tenant_id, key_id, origin) do update set last_seen_at = now(), key_version = excluded.key_version
    where s.last_seen_at < now() - interval '20 seconds' or s.key_version <> excluded.key_version;
  end if;
  return true;
end $$;
