-- What an owner chooses for a source: how visitors see it under an answer, when a page is read again, and
-- which parts of a website stay out.

grant app_directory to current_user;
grant create on schema directory to app_directory;

alter table sources
  add column visibility text not null default 'link' check (visibility in ('link', 'title', 'hidden')),
  add column schedule text not null default 'never' check (schedule in ('never', 'daily', 'weekly')),
  add column next_run_at timestamptz;
create index sources_due on sources (next_run_at) where next_run_at is not null;

alter table crawls
  -- For its pages, also those that are found later.
  add column visibility text not null default 'link' check (visibility in ('link', 'title', 'hidden')),
  -- Paths whose pages are left out, and everything below them.
  add column exclude text[] not null default '{}';

grant select (next_run_at) on sources to app_directory;

-- Single pages whose turn it is. Their tenant's own job queues them.
create function directory.list_due_pages()
returns table (source_id text, tenant_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id, s.tenant_id
  from public.sources s join public.tenants t on t.id = s.tenant_id
  where s.next_run_at <= now() and s.status in ('ready', 'failed') and t.status = 'active'
  order by s.next_run_at limit 50
$$;

alter function directory.list_due_pages() owner to app_directory;
revoke all on function directory.list_due_pages() from public;
grant execute on function directory.list_due_pages() to app;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
