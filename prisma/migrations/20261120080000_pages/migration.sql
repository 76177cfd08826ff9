-- Web pages and whole sites as knowledge, sources that are replaced and read again, notices.

grant app_directory to current_user;
grant create on schema directory to app_directory;

-- One website that a bot reads: its pages are sources, and a run reads each of them once.
create table crawls (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  url text not null,
  schedule text not null default 'never' check (schedule in ('never', 'daily', 'weekly')),
  status text not null default 'queued'
    check (status in ('queued', 'starting', 'running', 'done', 'failed', 'stopped')),
  run int not null default 0,
  max_pages int not null,
  -- Addresses taken up in this run, those skipped later included.
  found_count int not null default 0,
  byte_count bigint not null default 0,
  -- The site's robots.txt as this run found it.
  robots text not null default '',
  skipped jsonb not null default '[]',
  skipped_count int not null default 0,
  notice text,
  error text,
  attempts int not null default 0,
  started_at timestamptz,
  finished_at timestamptz,
  next_run_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, bot_id, url),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);
create index crawls_due on crawls (status, next_run_at);

alter table crawls enable row level security;
alter table crawls force row level security;
create policy tenant on crawls to app using (tenant_id = (select sec.current_tenant()))
  with check (tenant_id = (select sec.current_tenant()));
create policy visitor on crawls as restrictive to app using ((select sec.current_visitor()) is null);
grant select, insert, update, delete on crawls to app;

alter table sources
  add column notice text,
  -- Counts claims and never goes back: a reading that was stopped or overtaken holds an old number.
  add column claim int not null default 0,
  add column retry_at timestamptz,
  add column pages_done int not null default 0,
  add column page_count int,
  add column etag text,
  add column last_modified text,
  add column content_hash text,
  add column checked_at timestamptz,
  add column crawl_id text,
  add column crawl_run int not null default 0,
  add column depth int not null default 0,
  add foreign key (tenant_id, crawl_id) references crawls (tenant_id, id) on delete no action;
create unique index sources_page on sources (tenant_id, bot_id, url) where kind = 'page';
create index sources_crawl on sources (tenant_id, crawl_id) where crawl_id is not null;

-- The next version of a source waits here while the one in use goes on answering.
alter table source_originals
  add column pending bytea,
  add column pending_name text,
  add column pending_type text;

grant select (retry_at) on sources to app_directory;
grant select (id, tenant_id, status, updated_at, next_run_at) on crawls to app_directory;
create policy directory on crawls for select to app_directory using (true);

create or replace function directory.list_unfinished_sources(p_idle_seconds int)
returns table (source_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select q.id from (
    select s.id, s.updated_at, row_number() over (partition by s.tenant_id order by s.updated_at) as place
    from public.sources s
    where s.status in ('queued', 'processing') and s.updated_at < now() - make_interval(secs => p_idle_seconds)
      and (s.retry_at is null or s.retry_at <= now())
  ) q where q.place <= 8 order by q.place, q.updated_at limit 200
$$;

-- Sites whose turn it is: asked for, due by their schedule, or left behind by a worker that died.
create function directory.list_due_crawls()
returns table (crawl_id text, tenant_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select q.id, q.tenant_id from (
    select c.id, c.tenant_id, c.updated_at,
      row_number() over (partition by c.tenant_id order by c.updated_at) as place
    from public.crawls c join public.tenants t on t.id = c.tenant_id
    where t.status = 'active'
      and (c.status = 'queued' and (c.next_run_at is null or c.next_run_at <= now())
        or c.status = 'starting' and c.updated_at < now() - interval '60 seconds'
        or c.status = 'running' and c.updated_at < now() - interval '30 seconds'
        or c.status in ('done', 'failed') and c.next_run_at <= now())
  ) q where q.place <= 4 order by q.place, q.updated_at limit 50
$$;

-- How many sources wait or are being read, of all tenants together: for the operator's metrics.
create function directory.count_queue()
returns table (status text, count int)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.status, count(*)::int from public.sources s
  where s.status in ('queued', 'processing') group by s.status
$$;

do $$
declare f text;
begin
  foreach f in array array['directory.list_due_crawls()', 'directory.count_queue()'] loop
    execute format('alter function %s owner to app_directory', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to app', f);
  end loop;
end $$;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
