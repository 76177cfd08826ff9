-- MCP servers of a bot. A server is one record: its address, its headers as one secret, and what it said of
-- its tools when it was last asked. A tool of one is a row of `tools` that the owner allowed by name.

create table mcp_servers (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  name text not null,
  url text not null,
  -- Names in clear for the owner's screen; the values only inside `secret`, encrypted.
  header_names jsonb not null default '[]',
  secret text,
  -- The definitions as they were read last; a tool whose allowed definition is not among them is not offered.
  catalog jsonb not null default '[]',
  read_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, bot_id, id),
  unique (tenant_id, bot_id, name),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);

alter table tools
  alter column method drop not null,
  alter column url drop not null,
  add column server_id text,
  -- What the server calls it; `name` is what our model calls it.
  add column remote_name text,
  -- Of name, description and schema as the owner saw them when they allowed it.
  add column definition_hash text,
  add check (case kind
    when 'http' then method is not null and url is not null
    else server_id is not null and remote_name is not null and definition_hash is not null and secret is null
  end),
  add unique (tenant_id, server_id, remote_name),
  add foreign key (tenant_id, bot_id, server_id) references mcp_servers (tenant_id, bot_id, id) on delete cascade;

alter table mcp_servers enable row level security;
alter table mcp_servers force row level security;
create policy tenant on mcp_servers to app using (tenant_id = (select sec.current_tenant()))
  with check (tenant_id = (select sec.current_tenant()));
create policy visitor_bot on mcp_servers as restrictive to app
  using ((select sec.current_bot()) is null or bot_id = (select sec.current_bot()));
-- A visitor's turn reads them and changes none.
create policy visitor_inserts on mcp_servers as restrictive for insert to app
  with check ((select sec.current_visitor()) is null);
create policy visitor_updates on mcp_servers as restrictive for update to app
  using ((select sec.current_visitor()) is null);
create policy visitor_deletes on mcp_servers as restrictive for delete to app
  using ((select sec.current_visitor()) is null);
grant select, insert, update, delete on mcp_servers to app;
