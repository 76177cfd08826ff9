-- What a bot may do besides answering: tools of its tenant's, which keys may run those that write, and the
-- calls that wait for a visitor's yes.

create table tools (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  name text not null check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
  description text not null,
  kind text not null default 'http' check (kind in ('http', 'mcp')),
  is_write boolean not null default true,
  is_enabled boolean not null default true,
  method text not null check (method in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
  url text not null,
  parameters jsonb not null,
  -- Names in clear for the owner's screen; the values only inside `secret`, encrypted.
  header_names jsonb not null default '[]',
  secret text,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, bot_id, id),
  unique (tenant_id, bot_id, name),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);

-- A tool that writes runs only on keys that stand here; taking the bot off the key takes the tool as well.
create table embed_key_tools (
  tenant_id text not null references tenants (id) on delete cascade,
  key_id text not null,
  tool_id text not null,
  bot_id text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key_id, tool_id),
  foreign key (tenant_id, key_id) references embed_keys (tenant_id, id) on delete cascade,
  foreign key (tenant_id, key_id, bot_id) references embed_key_bots (tenant_id, key_id, bot_id) on delete cascade,
  foreign key (tenant_id, bot_id, tool_id) references tools (tenant_id, bot_id, id) on delete cascade
);
create index embed_key_tools_tool on embed_key_tools (tenant_id, bot_id, tool_id);

-- A call that the model asked for and the visitor has to approve: once, in time, from the same key.
create table tool_calls (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  tool_id text not null,
  -- Approved for this wording of the tool: a change in between voids the call.
  tool_version int not null,
  key_id text not null,
  session_id text not null,
  visitor_id text not null,
  conversation_id text not null,
  arguments jsonb not null,
  status text not null default 'pending' check (status in ('pending', 'approved', 'declined')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  decided_at timestamptz,
  unique (tenant_id, id),
  foreign key (tenant_id, bot_id, tool_id) references tools (tenant_id, bot_id, id) on delete cascade,
  foreign key (tenant_id, key_id) references embed_keys (tenant_id, id) on delete cascade,
  foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
  foreign key (tenant_id, visitor_id) references visitors (tenant_id, id) on delete cascade,
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade
);
create index tool_calls_visitor on tool_calls (tenant_id, visitor_id, created_at desc);

do $$
declare t text;
begin
  foreach t in array array['tools', 'embed_key_tools', 'tool_calls'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format(
      'create policy tenant on %I to app using (tenant_id = (select sec.current_tenant()))
       with check (tenant_id = (select sec.current_tenant()))', t);
    execute format(
      'create policy visitor_bot on %I as restrictive to app
       using ((select sec.current_bot()) is null or bot_id = (select sec.current_bot()))', t);
    execute format('grant select, insert, update, delete on %I to app', t);
  end loop;
  -- A visitor's turn reads them and changes none.
  foreach t in array array['tools', 'embed_key_tools'] loop
    execute format(
      'create policy visitor_inserts on %I as restrictive for insert to app
       with check ((select sec.current_visitor()) is null)', t);
    execute format(
      'create policy visitor_updates on %I as restrictive for update to app
       using ((select sec.current_visitor()) is null)', t);
    execute format(
      'create policy visitor_deletes on %I as restrictive for delete to app
       using ((select sec.current_visitor()) is null)', t);
  end loop;
end $$;

create policy visitor on tool_calls as restrictive to app
  using ((select sec.current_visitor()) is null or visitor_id = (select sec.current_visitor()));
