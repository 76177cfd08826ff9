-- Optional embeddings. One vector a chunk, gone with it: the same transaction that removes a chunk removes its
-- vector, by the foreign key. `signs` finds the nearest few hundred on any PostgreSQL, without an extension.

create table chunk_vectors (
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  chunk_id text not null,
  model text not null,
  -- One bit a dimension: its sign.
  signs varbit not null,
  -- Little-endian 32-bit floats of length one.
  vector bytea not null,
  primary key (tenant_id, chunk_id),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade,
  foreign key (tenant_id, chunk_id) references chunks (tenant_id, id) on delete cascade
);
create index chunk_vectors_bot on chunk_vectors (tenant_id, bot_id, model);
-- Out of line: reading all signs of a bot must not read its vectors.
alter table chunk_vectors alter column vector set storage external;

alter table chunk_vectors enable row level security;
alter table chunk_vectors force row level security;
create policy tenant on chunk_vectors to app using (tenant_id = (select sec.current_tenant()))
  with check (tenant_id = (select sec.current_tenant()));
create policy visitor_bot on chunk_vectors as restrictive to app
  using ((select sec.current_bot()) is null or bot_id = (select sec.current_bot()));
create policy visitor_inserts on chunk_vectors as restrictive for insert to app
  with check ((select sec.current_visitor()) is null);
create policy visitor_updates on chunk_vectors as restrictive for update to app
  using ((select sec.current_visitor()) is null);
create policy visitor_deletes on chunk_vectors as restrictive for delete to app
  using ((select sec.current_visitor()) is null);
grant select, insert, update, delete on chunk_vectors to app;

alter table sources
  -- The model all of its chunks have vectors of; null after every reading.
  add column vector_model text,
  add column vector_attempts int not null default 0,
  -- Held by a worker until then, or not to be tried again before.
  add column vector_retry_at timestamptz,
  add column vector_notice text;

grant usage, create on schema directory to app_directory;
grant app_directory to current_user;
grant select (chunk_count, vector_model, vector_retry_at) on sources to app_directory;

-- Sources whose chunks have no vectors of this model yet, a few of each tenant. Ids only, for the worker.
create function directory.list_sources_to_embed(p_model text)
returns table (source_id text, tenant_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select q.id, q.tenant_id from (
    select s.id, s.tenant_id, s.updated_at,
      row_number() over (partition by s.tenant_id order by s.updated_at) as place
    from public.sources s join public.tenants t on t.id = s.tenant_id
    where t.status = 'active' and s.status = 'ready' and s.chunk_count > 0
      and s.vector_model is distinct from p_model
      and (s.vector_retry_at is null or s.vector_retry_at <= now())
  ) q where q.place <= 4 order by q.place, q.updated_at limit 50
$$;
alter function directory.list_sources_to_embed(text) owner to app_directory;
revoke all on function directory.list_sources_to_embed(text) from public;
grant execute on function directory.list_sources_to_embed(text) to app;

revoke create on schema directory from app_directory;
revoke app_directory from current_user;
