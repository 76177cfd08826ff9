-- The whole schema and both walls' database half. Read with lib/tenancy/: withTenant sets the signed
-- tenant setting that every policy here proves.
--
-- Roles: the migrating role owns everything; "app" is what the server runs as and owns nothing;
-- "app_directory" and "app_search" are NOLOGIN owners of the definer functions.

do $$
declare r text;
begin
  foreach r in array array['app', 'app_directory', 'app_search'] loop
    if not exists (select from pg_roles where rolname = r) then
      execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole', r);
    end if;
  end loop;
end $$;

grant app_directory, app_search to current_user;

create extension if not exists btree_gin;

create schema sec;
create schema directory;
create schema limits;
create schema search;

revoke all on schema public from public;
grant usage on schema public to app, app_directory, app_search;
grant usage on schema sec to app, app_directory, app_search;
grant usage on schema directory, limits, search to app;
grant usage, create on schema directory, limits to app_directory;
grant usage, create on schema search to app_search;

-- ---------------------------------------------------------------------------------------------
-- The signed tenant setting. Any SQL can set a plain setting, so a setting counts only with a MAC
-- that needs a key the app role cannot read.

create table sec.setting_key (
  only_row boolean primary key default true check (only_row),
  key bytea not null
);
revoke all on sec.setting_key from public;

create function sec.install_setting_key(hex text) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into sec.setting_key (key) values (decode(hex, 'hex'))
  on conflict (only_row) do update set key = excluded.key
$$;
revoke all on function sec.install_setting_key(text) from public;

create function sec.current_tenant() returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  tenant text := nullif(current_setting('app.tenant_id', true), '');
  mac text := nullif(current_setting('tenant.mac', true), '');
  secret bytea;
  message bytea;
begin
  if tenant is null or mac is null then return null; end if;
  select s.key into secret from sec.setting_key s;
  if secret is null then return null; end if;
  message := convert_to(
    tenant || chr(31) || coalesce(current_setting('app.bot_id', true), '')
           || chr(31) || coalesce(current_setting('app.visitor_id', true), ''), 'UTF8');
  if mac = encode(sha256(secret || '\x01'::bytea || sha256(secret || '\x00'::bytea || message)), 'hex') then
    return tenant;
  end if;
  return null;
end $$;
revoke all on function sec.current_tenant() from public;
grant execute on function sec.current_tenant() to app, app_search, app_directory;

-- The MAC covers these two as well: changing either voids the tenant.
create function sec.current_bot() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select nullif(current_setting('app.bot_id', true), '')
$$;
create function sec.current_visitor() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select nullif(current_setting('app.visitor_id', true), '')
$$;
revoke all on function sec.current_bot(), sec.current_visitor() from public;
grant execute on function sec.current_bot(), sec.current_visitor() to app, app_search, app_directory;

-- ---------------------------------------------------------------------------------------------
-- Tables. "epoch" counts how often a thing was switched off: a pass remembers the epochs it was
-- bought under, so a pass that was cut off stays dead when the thing is switched on again.

create table tenants (
  id text primary key,
  name text not null,
  status text not null default 'active' check (status in ('active', 'suspended')),
  is_self_registered boolean not null default false,
  epoch int not null default 0,
  created_at timestamptz not null default now()
);

-- Outside RLS: answers "who signs in?" before a tenant is known. The app role reaches it through
-- directory functions alone.
create table users (
  id text primary key,
  email text not null unique,
  name text not null,
  password_hash text not null,
  created_at timestamptz not null default now()
);

-- One row a signed-in browser: signing out deletes one, a new password all of them, and the cookie that
-- names a deleted row is worthless on its next request.
create table sign_ins (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sign_ins_user on sign_ins (user_id);

create table memberships (
  tenant_id text not null references tenants (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id)
);
create index memberships_user on memberships (user_id);

create table bots (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  name text not null,
  instructions text not null default '',
  greeting text not null default '',
  color text not null default '#1f6b4f',
  position text not null default 'right' check (position in ('left', 'right')),
  label text,
  locale text,
  starters jsonb not null default '[]',
  is_published boolean not null default false,
  is_named boolean not null default false,
  epoch int not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id)
);

create table sources (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  kind text not null check (kind in ('file', 'page', 'text', 'qa')),
  title text not null,
  url text,
  file_name text,
  media_type text,
  byte_size int not null default 0,
  status text not null default 'queued' check (status in ('queued', 'processing', 'ready', 'failed')),
  progress int not null default 0,
  error text,
  chunk_count int not null default 0,
  attempts int not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);
create index sources_bot on sources (tenant_id, bot_id, created_at desc, id);
create index sources_unfinished on sources (updated_at) where status in ('queued', 'processing');

create table source_originals (
  source_id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bytes bytea not null,
  foreign key (tenant_id, source_id) references sources (tenant_id, id) on delete cascade
);

create table chunks (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  source_id text not null,
  ordinal int not null,
  heading text not null default '',
  page int,
  text text not null,
  language text not null,
  tsv tsvector not null,
  term_count int not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, source_id, ordinal),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade,
  foreign key (tenant_id, source_id) references sources (tenant_id, id) on delete cascade
);
create index chunks_search on chunks using gin (tenant_id, bot_id, tsv);

-- How many chunks of a bot hold a term, and how big the bot's knowledge is: BM25's inputs, kept
-- exact in the transaction that adds or removes the chunks.
create table bot_terms (
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  term text not null,
  chunk_count int not null,
  primary key (tenant_id, bot_id, term),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);
create table bot_corpora (
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  chunk_count int not null default 0,
  term_count bigint not null default 0,
  languages jsonb not null default '{}',
  primary key (tenant_id, bot_id),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);

create table embed_keys (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  name text not null,
  mode text not null check (mode in ('live', 'test')),
  -- "preview" keys are built in, one a bot: members' own preview goes through the same counter.
  purpose text not null default 'site' check (purpose in ('site', 'preview')),
  status text not null default 'active' check (status in ('active', 'disabled')),
  random text not null,
  version int not null default 1,
  previous_random text,
  previous_expires_at timestamptz,
  limits jsonb not null default '{}',
  epoch int not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id)
);

create table embed_key_bots (
  tenant_id text not null references tenants (id) on delete cascade,
  key_id text not null,
  bot_id text not null,
  ordinal int not null,
  primary key (tenant_id, key_id, bot_id),
  foreign key (tenant_id, key_id) references embed_keys (tenant_id, id) on delete cascade,
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);
create index embed_key_bots_bot on embed_key_bots (tenant_id, bot_id);

create table embed_key_origins (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  key_id text not null,
  pattern text not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, key_id, pattern),
  foreign key (tenant_id, key_id) references embed_keys (tenant_id, id) on delete cascade
);

-- Where a key was really used.
create table sites (
  tenant_id text not null references tenants (id) on delete cascade,
  key_id text not null,
  origin text not null,
  -- Which version of the key the site showed last: who still has the old line after a rotation.
  key_version int not null default 1,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  primary key (tenant_id, key_id, origin),
  foreign key (tenant_id, key_id) references embed_keys (tenant_id, id) on delete cascade
);

-- Refused requests, as hourly counts. `origin` is '' once an hour has too many different ones.
create table refusals (
  tenant_id text not null references tenants (id) on delete cascade,
  key_id text not null,
  hour timestamptz not null,
  reason text not null,
  origin text not null,
  count int not null default 0,
  last_at timestamptz not null default now(),
  primary key (tenant_id, key_id, hour, reason, origin),
  foreign key (tenant_id, key_id) references embed_keys (tenant_id, id) on delete cascade
);

create table api_keys (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  name text not null,
  hash text not null,
  last_four text not null,
  scopes jsonb not null default '[]',
  default_bot_id text,
  previous_hash text,
  previous_expires_at timestamptz,
  expires_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, hash),
  foreign key (tenant_id, default_bot_id) references bots (tenant_id, id) on delete no action
);
create index api_keys_hash on api_keys (hash);
create index api_keys_previous_hash on api_keys (previous_hash) where previous_hash is not null;

create table visitors (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  origin text not null,
  secret_hash text not null,
  blocked_at timestamptz,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, bot_id, secret_hash),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);

create table sessions (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  key_id text not null,
  visitor_id text not null,
  kind text not null check (kind in ('page', 'preview', 'hosted', 'server')),
  origin text not null,
  -- Null for our own previews: our origin is in no list.
  origin_rule_id text,
  key_version int not null,
  -- The epochs of tenant, key and bot this session was bought under.
  stamp text not null,
  -- A lease: one open answer a session, freed by time if the process dies.
  streaming_until timestamptz,
  page_url text,
  page_title text,
  language text,
  device text,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  renewed_at timestamptz not null default now(),
  unique (tenant_id, id),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade,
  foreign key (tenant_id, key_id) references embed_keys (tenant_id, id) on delete cascade,
  foreign key (tenant_id, visitor_id) references visitors (tenant_id, id) on delete cascade
);
create index sessions_key on sessions (tenant_id, key_id);
create index sessions_visitor on sessions (tenant_id, visitor_id, key_id);

-- A session spends a ticket at every renewal, so single use is a row here and not a column there.
create table spent_tickets (
  tenant_id text not null references tenants (id) on delete cascade,
  ticket_id text not null,
  session_id text not null,
  spent_at timestamptz not null default now(),
  primary key (tenant_id, ticket_id),
  foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    deferrable initially deferred
);
create index spent_tickets_age on spent_tickets (spent_at);

create table conversations (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  visitor_id text not null,
  key_id text,
  kind text not null default 'page',
  origin text not null,
  page_url text,
  page_title text,
  language text,
  device text,
  message_count int not null default 0,
  preview text not null default '',
  is_unanswered boolean not null default false,
  is_thumbs_down boolean not null default false,
  created_at timestamptz not null default now(),
  last_message_at timestamptz not null default now(),
  unique (tenant_id, id),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade,
  foreign key (tenant_id, visitor_id) references visitors (tenant_id, id) on delete cascade
);
create index conversations_recent on conversations (tenant_id, bot_id, last_message_at desc, id);
create index conversations_visitor on conversations (tenant_id, visitor_id);

create table messages (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  conversation_id text not null,
  visitor_id text not null,
  ordinal int not null,
  role text not null check (role in ('user', 'assistant')),
  text text not null,
  status text not null check (status in ('complete', 'streaming', 'interrupted', 'failed')),
  client_message_id text,
  is_answered boolean not null default true,
  mode text check (mode in ('model', 'quotes', 'none')),
  citations jsonb not null default '[]',
  feedback text check (feedback in ('up', 'down')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, conversation_id, ordinal),
  unique (tenant_id, conversation_id, role, client_message_id),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade,
  foreign key (tenant_id, visitor_id) references visitors (tenant_id, id) on delete cascade
);

create table leads (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  visitor_id text not null,
  conversation_id text,
  name text not null,
  email text,
  phone text,
  message text not null default '',
  status text not null default 'new' check (status in ('new', 'done')),
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade,
  foreign key (tenant_id, visitor_id) references visitors (tenant_id, id) on delete cascade,
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade
);
create index leads_recent on leads (tenant_id, created_at desc, id);

-- Append-only. No foreign keys below the tenant: what was used stays on the bill when a bot is deleted.
create table usage_entries (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  key_id text,
  session_id text,
  message_id text,
  kind text not null check (kind in ('chat', 'embedding', 'speech')),
  model text not null,
  input_tokens int not null,
  output_tokens int not null,
  is_estimated boolean not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, id)
);
create index usage_entries_recent on usage_entries (tenant_id, created_at);

-- Exact counters: one conditional UPDATE takes from a budget. `period` is a UTC day or month.
create table counters (
  tenant_id text not null references tenants (id) on delete cascade,
  name text not null,
  period text not null,
  used int not null default 0,
  primary key (tenant_id, name, period)
);

-- Append-only: the app role has no UPDATE or DELETE here.
create table audit_events (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  action text not null,
  actor_kind text not null,
  actor_id text not null,
  actor_label text not null,
  target text,
  before jsonb,
  after jsonb,
  ip text,
  created_at timestamptz not null default now(),
  unique (tenant_id, id)
);
create index audit_events_recent on audit_events (tenant_id, created_at desc, id);

-- ---------------------------------------------------------------------------------------------
-- Wall 2. One loop, so that no table is forgotten or differs; the catalog test checks the outcome.

do $$
declare t text;
begin
  foreach t in array array[
    'memberships', 'bots', 'sources', 'source_originals', 'chunks', 'bot_terms', 'bot_corpora',
    'embed_keys', 'embed_key_bots', 'embed_key_origins', 'sites', 'refusals', 'api_keys', 'visitors',
    'sessions', 'spent_tickets', 'conversations', 'messages', 'leads', 'usage_entries', 'counters',
    'audit_events'
  ] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format(
      'create policy tenant on %I to app using (tenant_id = (select sec.current_tenant()))
       with check (tenant_id = (select sec.current_tenant()))', t);
    execute format('grant select, insert, update, delete on %I to app', t);
  end loop;
end $$;

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenant on tenants to app
  using (id = (select sec.current_tenant())) with check (id = (select sec.current_tenant()));
grant select, insert, update, delete on tenants to app;

alter table users enable row level security;
alter table users force row level security;
alter table sign_ins enable row level security;
alter table sign_ins force row level security;

revoke update, delete on audit_events, usage_entries from app;

-- A visitor's scope sees its own rows, its own bot, and nothing of the house.
do $$
declare t text;
begin
  foreach t in array array['visitors'] loop
    execute format(
      'create policy visitor on %I as restrictive to app
       using ((select sec.current_visitor()) is null or id = (select sec.current_visitor()))', t);
  end loop;
  foreach t in array array['sessions', 'conversations', 'messages', 'leads'] loop
    execute format(
      'create policy visitor on %I as restrictive to app
       using ((select sec.current_visitor()) is null or visitor_id = (select sec.current_visitor()))', t);
  end loop;
  foreach t in array array['sources', 'chunks', 'bot_terms', 'bot_corpora', 'visitors', 'sessions',
                           'conversations', 'leads', 'usage_entries', 'embed_key_bots'] loop
    execute format(
      'create policy visitor_bot on %I as restrictive to app
       using ((select sec.current_bot()) is null or bot_id = (select sec.current_bot()))', t);
  end loop;
  execute 'create policy visitor_bot on bots as restrictive to app
     using ((select sec.current_bot()) is null or id = (select sec.current_bot()))';
  foreach t in array array['memberships', 'source_originals', 'embed_keys', 'embed_key_origins', 'sites',
                           'refusals', 'api_keys', 'spent_tickets'] loop
    execute format(
      'create policy visitor on %I as restrictive to app using ((select sec.current_visitor()) is null)', t);
  end loop;
  -- Visitors add to these (a charge, an audit line) and never read them back.
  foreach t in array array['usage_entries', 'audit_events'] loop
    execute format(
      'create policy visitor_reads on %I as restrictive for select to app
       using ((select sec.current_visitor()) is null)', t);
  end loop;
end $$;

-- ---------------------------------------------------------------------------------------------
-- Epochs and news of a revocation. Triggers, so that a change made by hand in SQL counts as well.

create function sec.bump_epoch() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.epoch := old.epoch + 1;
  return new;
end $$;
create trigger bump_epoch before update on tenants for each row
  when (old.status = 'active' and new.status <> 'active') execute function sec.bump_epoch();
create trigger bump_epoch before update on bots for each row
  when (old.is_published and not new.is_published) execute function sec.bump_epoch();
create trigger bump_epoch before update on embed_keys for each row
  when (old.status = 'active' and new.status <> 'active') execute function sec.bump_epoch();

-- A bot taken off a key and put back does not bring old passes back either.
create function sec.bump_key_epoch() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update public.embed_keys k set epoch = k.epoch + 1
   where k.tenant_id = old.tenant_id and k.id = old.key_id;
  return null;
end $$;
create trigger bump_key_epoch after delete on embed_key_bots for each row
  execute function sec.bump_key_epoch();

create function sec.announce_revocation() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_notify('revocation', '');
  return null;
end $$;
create trigger announce after update of status or delete on tenants for each statement execute function sec.announce_revocation();
create trigger announce after update of is_published or delete on bots for each statement execute function sec.announce_revocation();
create trigger announce after update of status, version, previous_expires_at or delete on embed_keys for each statement execute function sec.announce_revocation();
create trigger announce after delete on embed_key_origins for each statement execute function sec.announce_revocation();
create trigger announce after delete on embed_key_bots for each statement execute function sec.announce_revocation();
create trigger announce after update of ended_at or delete on sessions for each statement execute function sec.announce_revocation();
create trigger announce after update of blocked_at or delete on visitors for each statement execute function sec.announce_revocation();

-- ---------------------------------------------------------------------------------------------
-- The directory: answers "which tenant is this?" before one is known. Exact match only, columns
-- granted one by one, owned by a role that nobody can log in as.

grant select (id, name, status, epoch, is_self_registered, created_at) on tenants to app_directory;
grant select, insert on users to app_directory;
grant update (password_hash, name) on users to app_directory;
grant select, insert, delete on sign_ins to app_directory;
grant select on memberships to app_directory;
grant select (id, tenant_id, name, color, position, label, greeting, locale, starters, is_published, epoch) on bots to app_directory;
grant select (id, tenant_id, status, updated_at, attempts) on sources to app_directory;
grant select on embed_keys, embed_key_bots, embed_key_origins to app_directory;
grant select (id, tenant_id, scopes, hash, previous_hash, previous_expires_at, default_bot_id, expires_at, last_used_at, name) on api_keys to app_directory;
grant update (last_used_at) on api_keys to app_directory;
grant select (id, tenant_id, blocked_at) on visitors to app_directory;
grant select (id, tenant_id, bot_id, key_id, visitor_id, kind, origin, origin_rule_id, key_version, stamp, ended_at, streaming_until) on sessions to app_directory;
grant update (streaming_until) on sessions to app_directory;
grant select, insert, update on refusals to app_directory;
grant select, delete on spent_tickets to app_directory;

do $$
declare t text;
begin
  foreach t in array array['tenants', 'memberships', 'bots', 'sources', 'embed_keys', 'embed_key_bots',
                           'embed_key_origins', 'visitors'] loop
    execute format('create policy directory on %I for select to app_directory using (true)', t);
  end loop;
  foreach t in array array['users', 'sign_ins', 'refusals', 'spent_tickets', 'api_keys', 'sessions'] loop
    execute format('create policy directory on %I to app_directory using (true) with check (true)', t);
  end loop;
end $$;

-- A live key by id and random part (from a page) or version (from a ticket), with all that admission
-- needs. No row: dead, whatever the reason.
create function directory.find_embed_key(p_id text, p_random text, p_version int)
returns table (tenant_id text, key_id text, version int, mode text, purpose text, limits jsonb,
               origins jsonb, bots jsonb)
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
         and (b.is_published or k.purpose = 'preview')), '[]'::jsonb)
  from public.embed_keys k
  join public.tenants t on t.id = k.tenant_id
  where k.id = p_id and k.status = 'active' and t.status = 'active'
    and (k.random = p_random or k.version = p_version
         or (k.previous_expires_at > now()
             and (k.previous_random = p_random or k.version - 1 = p_version)))
$$;

-- The live check: which of these sessions are still good, re-read from every row they stand on.
create function directory.find_live_sessions(p_ids text[])
returns table (session_id text, tenant_id text, bot_id text, key_id text, visitor_id text, kind text,
               origin text, mode text, limits jsonb, bot_name text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id, s.tenant_id, s.bot_id, s.key_id, s.visitor_id, s.kind, s.origin, k.mode, k.limits, b.name
  from public.sessions s
  join public.tenants t on t.id = s.tenant_id
  join public.embed_keys k on k.tenant_id = s.tenant_id and k.id = s.key_id
  join public.bots b on b.tenant_id = s.tenant_id and b.id = s.bot_id
  join public.embed_key_bots kb on kb.tenant_id = s.tenant_id and kb.key_id = s.key_id and kb.bot_id = s.bot_id
  join public.visitors v on v.tenant_id = s.tenant_id and v.id = s.visitor_id
  where s.id = any (p_ids)
    and s.ended_at is null
    and t.status = 'active'
    and k.status = 'active'
    and (b.is_published or k.purpose = 'preview')
    and v.blocked_at is null
    and s.stamp = t.epoch || '.' || k.epoch || '.' || b.epoch
    and (s.key_version = k.version
         or (s.key_version = k.version - 1 and k.previous_expires_at > now()))
    and (s.kind <> 'page' or exists (
      select from public.embed_key_origins o
      where o.tenant_id = s.tenant_id and o.id = s.origin_rule_id and o.key_id = s.key_id))
$$;

-- Keeps the leases of answers that are still being written; called every few seconds by their process.
create function directory.renew_streams(p_ids text[], p_seconds int) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update public.sessions s set streaming_until = now() + make_interval(secs => p_seconds)
  where s.id = any (p_ids) and s.streaming_until is not null
$$;

create function directory.find_api_key(p_hash text)
returns table (tenant_id text, key_id text, name text, scopes jsonb, default_bot_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select a.tenant_id, a.id, a.name, a.scopes, a.default_bot_id
  from public.api_keys a join public.tenants t on t.id = a.tenant_id
  where (a.hash = p_hash or (a.previous_hash = p_hash and a.previous_expires_at > now()))
    and t.status = 'active' and (a.expires_at is null or a.expires_at > now())
$$;

-- At most one write a minute and key: a busy key is not a hot row.
create function directory.touch_api_key(p_id text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update public.api_keys a set last_used_at = now()
  where a.id = p_id and (a.last_used_at is null or a.last_used_at < now() - interval '1 minute')
$$;

create function directory.find_user_by_email(p_email text)
returns table (id text, name text, email text, password_hash text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select u.id, u.name, u.email, u.password_hash from public.users u where u.email = p_email
$$;

create function directory.find_signed_in_user(p_sign_in text)
returns table (id text, name text, email text, password_hash text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select u.id, u.name, u.email, u.password_hash
  from public.sign_ins s join public.users u on u.id = s.user_id
  where s.id = p_sign_in and s.expires_at > now()
$$;

create function directory.create_user(p_id text, p_email text, p_name text, p_hash text) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with added as (
    insert into public.users (id, email, name, password_hash) values (p_id, p_email, p_name, p_hash)
    on conflict (email) do nothing returning 1)
  select exists (select from added)
$$;

create function directory.create_sign_in(p_id text, p_user_id text, p_days int) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into public.sign_ins (id, user_id, expires_at)
  values (p_id, p_user_id, now() + make_interval(days => p_days))
$$;

create function directory.end_sign_in(p_id text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from public.sign_ins s where s.id = p_id
$$;

-- Conditional on the hash that was just proven, so two changes at once cannot both win.
create function directory.set_password(p_user_id text, p_old_hash text, p_new_hash text) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with changed as (
    update public.users u set password_hash = p_new_hash
    where u.id = p_user_id and u.password_hash = p_old_hash returning u.id
  ), signed_out as (
    delete from public.sign_ins s using changed c where s.user_id = c.id
  )
  select exists (select from changed)
$$;

-- The memberships behind a sign-in that still stands, in active tenants.
create function directory.list_memberships(p_sign_in text)
returns table (tenant_id text, tenant_name text, role text, user_id text, user_name text, user_email text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.id, t.name, m.role, u.id, u.name, u.email
  from public.sign_ins s
  join public.users u on u.id = s.user_id
  join public.memberships m on m.user_id = s.user_id
  join public.tenants t on t.id = m.tenant_id
  where s.id = p_sign_in and s.expires_at > now() and t.status = 'active'
  order by m.created_at, t.id
$$;

-- Names and addresses of the current tenant's members: `users` itself is outside every tenant.
create function directory.list_members()
returns table (user_id text, name text, email text, role text, created_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select u.id, u.name, u.email, m.role, m.created_at
  from public.memberships m join public.users u on u.id = m.user_id
  where m.tenant_id = sec.current_tenant() and sec.current_visitor() is null
  order by m.created_at, u.id
$$;

-- For operators only; the route proves the master key.
create function directory.list_tenants(p_after text, p_limit int)
returns table (id text, name text, status text, created_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.id, t.name, t.status, t.created_at from public.tenants t
  where t.id > p_after order by t.id limit least(p_limit, 200)
$$;

-- For the worker: jobs carry ids, the tenant comes from the row.
create function directory.find_source_tenant(p_id text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.tenant_id from public.sources s where s.id = p_id
$$;

create function directory.list_unfinished_sources(p_idle_seconds int)
returns table (source_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id from public.sources s
  where s.status in ('queued', 'processing') and s.updated_at < now() - make_interval(secs => p_idle_seconds)
  order by s.updated_at limit 200
$$;

-- Counts a refused request where the owner can see it. At most 20 different origins an hour and
-- reason are named; the rest are counted together, so a flood cannot fill the table.
create function directory.count_refusal(p_key_id text, p_reason text, p_origin text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  owner_tenant text;
  this_hour timestamptz := date_trunc('hour', now());
  named text := left(coalesce(p_origin, ''), 300);
begin
  select k.tenant_id into owner_tenant from public.embed_keys k where k.id = p_key_id;
  if owner_tenant is null then return; end if;
  if named <> '' and not exists (
      select from public.refusals r where r.tenant_id = owner_tenant and r.key_id = p_key_id
        and r.hour = this_hour and r.reason = p_reason and r.origin = named)
    and (select count(*) from public.refusals r where r.tenant_id = owner_tenant and r.key_id = p_key_id
        and r.hour = this_hour and r.reason = p_reason) >= 20 then
    named := '';
  end if;
  insert into public.refusals (tenant_id, key_id, hour, reason, origin, count, last_at)
  values (owner_tenant, p_key_id, this_hour, p_reason, named, 1, now())
  on conflict (tenant_id, key_id, hour, reason, origin)
  do update set count = refusals.count + 1, last_at = now();
end $$;

-- The same for a session that is no longer good: the token names it, the row names the key.
create function directory.count_session_refusal(p_session_id text, p_reason text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select directory.count_refusal(s.key_id, p_reason, s.origin) from public.sessions s where s.id = p_session_id
$$;

create function directory.sweep_tickets() returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with gone as (delete from public.spent_tickets t where t.spent_at < now() - interval '10 minutes' returning 1)
  select count(*) from gone
$$;

-- ---------------------------------------------------------------------------------------------
-- Rates: a sliding window of two weighted buckets. UNLOGGED: a crash forgets at most one window.

create unlogged table limits.rates (
  bucket text primary key,
  window_start timestamptz not null,
  previous int not null,
  current int not null
);
grant select, insert, update, delete on limits.rates to app_directory;

-- Takes one from each bucket, or from none. Returns, per bucket, whether it had room, how many are
-- left, and the milliseconds until one is free again. Rows are locked in name order: no deadlock,
-- and exact under concurrency. A refused request costs nothing in the next window.
create function limits.take(p_buckets text[], p_limits int[], p_window_ms int[])
returns table (bucket text, is_allowed boolean, remaining int, retry_ms int)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  at timestamptz;
  all_allowed boolean := true;
  r record;
  start timestamptz;
  prev int; cur int; weight float8; used float8; span interval;
begin
  insert into limits.rates (bucket, window_start, previous, current)
  select b, to_timestamp(0), 0, 0 from unnest(p_buckets) b order by b on conflict do nothing;
  perform 1 from limits.rates x where x.bucket = any (p_buckets) order by x.bucket for update;
  -- After the locks: transactions that waited must not judge by the time they started at.
  at := clock_timestamp();
  for r in select x.bucket as name, x.window_start, x.previous, x.current, w.cap, w.ms
           from unnest(p_buckets, p_limits, p_window_ms) as w(name, cap, ms)
           join limits.rates x on x.bucket = w.name order by x.bucket loop
    span := make_interval(secs => r.ms / 1000.0);
    start := to_timestamp(floor(extract(epoch from at) * 1000 / r.ms) * r.ms / 1000.0);
    if r.window_start = start then prev := r.previous; cur := r.current;
    elsif r.window_start = start - span then prev := r.current; cur := 0;
    else prev := 0; cur := 0;
    end if;
    weight := 1 - extract(epoch from (at - start)) * 1000 / r.ms;
    used := prev * weight + cur;
    bucket := r.name;
    is_allowed := used + 1 <= r.cap;
    remaining := greatest(0, floor(r.cap - used - 1)::int);
    if is_allowed then retry_ms := 0;
    elsif cur + 1 > r.cap then retry_ms := ceil(weight * r.ms)::int;
    else retry_ms := greatest(1, ceil(r.ms * (weight - (r.cap - 1 - cur)::float8 / greatest(prev, 1)))::int);
    end if;
    all_allowed := all_allowed and is_allowed;
    return next;
  end loop;
  if all_allowed then
    update limits.rates x set
      previous = case when x.window_start = y.start then x.previous
                      when x.window_start = y.start - y.span then x.current else 0 end,
      current = case when x.window_start = y.start then x.current + 1 else 1 end,
      window_start = y.start
    from (select w.name, make_interval(secs => w.ms / 1000.0) as span,
            to_timestamp(floor(extract(epoch from at) * 1000 / w.ms) * w.ms / 1000.0) as start
          from unnest(p_buckets, p_window_ms) as w(name, ms)) y
    where x.bucket = y.name;
  end if;
end $$;

create function limits.sweep() returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with gone as (delete from limits.rates r where r.window_start < now() - interval '2 days' returning 1)
  select count(*) from gone
$$;

-- ---------------------------------------------------------------------------------------------
-- The search role reads chunks and term counts past RLS; its functions carry the tenant themselves.

grant select on chunks, bot_terms, bot_corpora to app_search;
create policy search on chunks for select to app_search using (true);
create policy search on bot_terms for select to app_search using (true);
create policy search on bot_corpora for select to app_search using (true);

do $$
declare f record;
begin
  for f in select p.oid::regprocedure as name, n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
           where n.nspname in ('directory', 'limits') loop
    execute format('alter function %s owner to app_directory', f.name);
    execute format('revoke all on function %s from public', f.name);
    execute format('grant execute on function %s to app', f.name);
  end loop;
end $$;

revoke create on schema directory, limits from app_directory;
revoke create on schema search from app_search;
revoke app_directory, app_search from current_user;
