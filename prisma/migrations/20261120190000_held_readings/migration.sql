-- What was read for a published bot with golden questions stays here, outside `chunks`, until the questions were
-- asked of it. No search reads this table, visitors see nothing of it, and the search function's role has no right
-- to it: whatever a caller forgets, nobody finds what is held.

alter table sources drop constraint sources_status_check;
alter table sources add constraint sources_status_check
  check (status in ('queued', 'processing', 'checking', 'held', 'ready', 'failed'));
-- Of a held source, the golden questions it would make worse.
alter table sources add column worse jsonb;
create index sources_checking on sources (updated_at) where status = 'checking';

create table held_readings (
  tenant_id text not null references tenants (id) on delete cascade,
  source_id text not null,
  reading jsonb not null,
  primary key (tenant_id, source_id),
  foreign key (tenant_id, source_id) references sources (tenant_id, id) on delete cascade
);
alter table held_readings enable row level security;
alter table held_readings force row level security;
create policy tenant on held_readings to app using (tenant_id = (select sec.current_tenant()))
  with check (tenant_id = (select sec.current_tenant()));
create policy visitor on held_readings as restrictive to app
  using ((select sec.current_visitor()) is null);
grant select, insert, update, delete on held_readings to app;

-- A source that is no longer held holds nothing, whoever moved it on: put live, discarded, replaced, read again.
create function sec.drop_held_reading() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from public.held_readings h where h.tenant_id = old.tenant_id and h.source_id = old.id;
  new.worse := null;
  return new;
end $$;
revoke all on function sec.drop_held_reading() from public;
create trigger drop_held_reading before update on sources for each row
  when (old.status in ('checking', 'held') and new.status not in ('checking', 'held'))
  execute function sec.drop_held_reading();

alter table quality_runs drop constraint quality_runs_reason_check;
alter table quality_runs add constraint quality_runs_reason_check
  check (reason in ('asked', 'publish', 'instructions', 'source', 'knowledge'));

grant usage, create on schema directory to app_directory;
grant app_directory to current_user;
grant select (bot_id) on sources to app_directory;

-- Bots with something to check. A bot that is still reading is asked once it is done, or after a minute: many
-- pages of one website are checked together. Ids only, for the worker.
create function directory.list_bots_to_check()
returns table (bot_id text, tenant_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.bot_id, s.tenant_id
  from public.sources s join public.tenants t on t.id = s.tenant_id
  where s.status = 'checking' and t.status = 'active'
  group by s.bot_id, s.tenant_id
  having min(s.updated_at) < now() - interval '60 seconds'
    or not exists (select from public.sources u where u.tenant_id = s.tenant_id and u.bot_id = s.bot_id
      and u.status in ('queued', 'processing'))
  order by min(s.updated_at) limit 50
$$;
alter function directory.list_bots_to_check() owner to app_directory;
revoke all on function directory.list_bots_to_check() from public;
grant execute on function directory.list_bots_to_check() to app;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
