-- Lists holes in tenant isolation; no row = pass. Everything is read from the catalog, so a new table,
-- policy or function is judged from its first migration. Run it as a superuser or the owner:
--   psql -At "$MIGRATION_DATABASE_URL" -f prisma/rls-matrix.sql
-- An exception stands in `allowed` in the very words of its finding, with its reason; one that no longer
-- matches a finding is itself a finding. Schema pgboss is left out: it holds ids and error codes only.
with allowed (finding, reason) as (values
  ('public.tenants: no NOT NULL tenant_id', 'its id is the tenant; its policy tests that id'),
  ('public.users: no NOT NULL tenant_id', 'who signs in is asked before a tenant is known; the app role has no right on it'),
  ('public.users: no policy for the app role', 'definer functions alone reach it'),
  ('public.users: unique index without tenant_id: users_email_key', 'an address is one person in every tenant'),
  ('public.sign_ins: no NOT NULL tenant_id', 'belongs to a person, not to a tenant; the app role has no right on it'),
  ('public.sign_ins: no policy for the app role', 'definer functions alone reach it'),
  ('public._prisma_migrations: no NOT NULL tenant_id', 'names of migrations; the app role has no right on it'),
  ('public._prisma_migrations: row security is off', 'names of migrations; the app role has no right on it'),
  ('public._prisma_migrations: row security is not forced', 'names of migrations; the app role has no right on it'),
  ('public._prisma_migrations: no policy for the app role', 'names of migrations; the app role has no right on it'),
  ('limits.rates: no NOT NULL tenant_id', 'counts by address and key before a tenant is known; limits.take alone reaches it'),
  ('limits.rates: row security is off', 'no tenant content; the app role has no right on it'),
  ('limits.rates: row security is not forced', 'no tenant content; the app role has no right on it'),
  ('limits.rates: no policy for the app role', 'no tenant content; the app role has no right on it'),
  ('limits.rates: primary key without tenant_id: bucket', 'the bucket names whom it counts; nobody can read it'),
  ('sec.setting_key: no NOT NULL tenant_id', 'one row: the key of the tenant setting; the app role has no right on it'),
  ('sec.setting_key: row security is off', 'one row: the key of the tenant setting; the app role has no right on it'),
  ('sec.setting_key: row security is not forced', 'one row: the key of the tenant setting; the app role has no right on it'),
  ('sec.setting_key: no policy for the app role', 'one row: the key of the tenant setting; the app role has no right on it'),
  ('sec.setting_key: primary key without tenant_id: only_row', 'one row'),

  ('public.tenants: policy directory opens every tenant to app_directory', 'status and epoch, for the live check'),
  ('public.blocked_networks: policy directory opens every tenant to app_directory', 'the live check and admission'),
  ('public.users: policy directory opens every tenant to app_directory', 'sign-in by exact address'),
  ('public.spend_counters: policy directory opens every tenant to app_directory', 'giving back what crashed calls had set aside'),
  ('public.spend_reservations: policy directory opens every tenant to app_directory', 'giving back what crashed calls had set aside'),
  ('public.sign_ins: policy directory opens every tenant to app_directory', 'sign-in by exact id'),
  ('public.memberships: policy directory opens every tenant to app_directory', 'the tenants of one person'),
  ('public.bots: policy directory opens every tenant to app_directory', 'public look of a key''s bots, by key; no instructions granted'),
  ('public.sources: policy directory opens every tenant to app_directory', 'which tenant a job''s source has; no content granted'),
  ('public.crawls: policy directory opens every tenant to app_directory', 'whose turn it is, for the worker; no address granted'),
  ('public.embed_keys: policy directory opens every tenant to app_directory', 'key lookup by exact id and random part'),
  ('public.embed_key_bots: policy directory opens every tenant to app_directory', 'bots of one key'),
  ('public.embed_key_origins: policy directory opens every tenant to app_directory', 'origins of one key'),
  ('public.visitors: policy directory opens every tenant to app_directory', 'blocked or not, for the live check'),
  ('public.refusals: policy directory opens every tenant to app_directory', 'a refused request is counted before a tenant is proven'),
  ('public.spent_tickets: policy directory opens every tenant to app_directory', 'sweeping expired ticket ids'),
  ('public.api_keys: policy directory opens every tenant to app_directory', 'key lookup by exact hash'),
  ('public.sessions: policy directory opens every tenant to app_directory', 'the live check by exact id; leases of open answers'),
  ('public.chunks: policy search opens every tenant to app_search', 'the search function carries tenant and bot itself'),
  ('public.bot_terms: policy search opens every tenant to app_search', 'the search function carries tenant and bot itself'),
  ('public.bot_corpora: policy search opens every tenant to app_search', 'the search function carries tenant and bot itself'),

  ('sec.current_tenant(): security definer', 'reads the key that proves the tenant setting, and answers with the caller''s own tenant'),
  ('sec.current_tenant(): definer owned by a role that can log in', 'its owner owns the key''s table; the app role may not become it'),
  ('directory.find_embed_key(text,text,integer,text): security definer', 'one key by exact id and random part or version'),
  ('directory.find_live_sessions(text[]): security definer', 'sessions by exact id: the live check'),
  ('directory.renew_streams(text[],integer,integer): security definer', 'leases of sessions by exact id'),
  ('directory.find_api_key(text): security definer', 'one key by exact hash'),
  ('directory.touch_api_key(text): security definer', 'last use of one key by exact id'),
  ('directory.find_user_by_email(text): security definer', 'one person by exact address'),
  ('directory.find_signed_in_user(text): security definer', 'one person by exact sign-in'),
  ('directory.create_user(text,text,text,text): security definer', 'adds one person'),
  ('directory.create_sign_in(text,text,integer,text): security definer', 'adds one sign-in'),
  ('directory.end_sign_in(text): security definer', 'removes one sign-in by exact id'),
  ('directory.is_confirmed(text,integer): security definer', 'one sign-in by exact id; returns yes or no'),
  ('directory.confirm_sign_in(text,text): security definer', 'one sign-in by exact id, given the hash in force'),
  ('directory.touch_sign_in(text): security definer', 'notes that one sign-in is used; returns nothing'),
  ('directory.list_sign_ins(text): security definer', 'where the person behind one sign-in that stands is signed in'),
  ('directory.end_own_sign_in(text,text): security definer', 'ends a sign-in of the same person; returns yes or no'),
  ('directory.set_password(text,text,text): security definer', 'one person, given the hash in force'),
  ('directory.list_memberships(text): security definer', 'the tenants of one sign-in'),
  ('directory.list_members(): security definer', 'members of the proven tenant only'),
  ('directory.list_tenants(text,integer): security definer', 'the operator''s list; the route proves the master key'),
  ('directory.find_source_tenant(text): security definer', 'the tenant of one source by exact id, for jobs'),
  ('directory.list_unfinished_sources(integer): security definer', 'ids only, for the worker'),
  ('directory.list_sources_to_embed(text): security definer', 'ids only, for the worker'),
  ('directory.list_due_crawls(): security definer', 'ids only, for the worker'),
  ('directory.list_bots_to_check(): security definer', 'ids only, for the worker'),
  ('directory.list_due_pages(): security definer', 'ids only, for the worker'),
  ('directory.count_queue(): security definer', 'two numbers, for the operator''s metrics'),
  ('directory.count_refusal(text,text,text): security definer', 'adds to a count; returns nothing'),
  ('directory.count_refusal(text,text,text,text): security definer', 'adds to two counts; returns nothing'),
  ('directory.count_session_refusal(text,text): security definer', 'adds to a count; returns nothing'),
  ('directory.sweep_tickets(): security definer', 'deletes expired ticket ids; returns a number'),
  ('directory.sweep_idle(integer): security definer', 'deletes what nobody came back to; returns a number'),
  ('public.conversations: policy directory_sweeps_reads opens every tenant to app_directory', 'whether a visitor has one, for the sweep; no content granted'),
  ('public.leads: policy directory_sweeps_reads opens every tenant to app_directory', 'whether a visitor left one, for the sweep; no content granted'),
  ('public.counters: policy directory_sweeps_reads opens every tenant to app_directory', 'names of counters older than 35 days, for the sweep'),
  ('public.counters: policy directory_sweeps opens every tenant to app_directory', 'deletes counters older than 35 days'),
  ('public.visitors: policy directory_sweeps opens every tenant to app_directory', 'deletes empty visitors idle for 30 days'),
  ('public.sessions: policy directory_sweeps opens every tenant to app_directory', 'deletes sessions idle for 30 days'),
  ('limits.take(text[],integer[],integer[]): security definer', 'buckets by exact name'),
  ('limits.forget_tenant(): security definer', 'deletes counts of the proven tenant only; returns nothing'),
  ('limits.sweep(): security definer', 'deletes old buckets; returns a number'),
  ('limits.stream_leases: no NOT NULL tenant_id', 'who is streaming now, by address and key; functions alone reach it'),
  ('limits.stream_leases: row security is off', 'no tenant content; the app role has no right on it'),
  ('limits.stream_leases: row security is not forced', 'no tenant content; the app role has no right on it'),
  ('limits.stream_leases: no policy for the app role', 'no tenant content; the app role has no right on it'),
  ('limits.bot_signals: no NOT NULL tenant_id', 'tickets and refusals of an hour, by key and address; functions alone reach it'),
  ('limits.bot_signals: row security is off', 'no tenant content; the app role has no right on it'),
  ('limits.bot_signals: row security is not forced', 'no tenant content; the app role has no right on it'),
  ('limits.bot_signals: no policy for the app role', 'no tenant content; the app role has no right on it'),
  ('limits.bot_signals: primary key without tenant_id: key_id, address, hour', 'keys'' ids are random'),
  ('limits.note_ticket(text,text): security definer', 'adds to a count of one key by its id; returns four sums'),
  ('limits.take_stream(text,text,text,text,integer,integer,integer,integer): security definer', 'takes one place; returns yes or no'),
  ('limits.free_gone_streams(): security definer', 'ends what dead processes left open; returns a number'),
  ('public.messages: policy directory opens every tenant to app_directory', 'marks an answer as interrupted, by its visitor; cannot read its text'),
  ('limits.free_stream(text): security definer', 'gives back one place by its id; returns nothing'),
  ('limits.raise_bot_check(text,timestamp with time zone): security definer', 'one moment on one key of the proven tenant; returns yes or no'),
  ('limits.read_tenant_cap(): security definer', 'two figures of the proven tenant'),
  ('limits.reserve_deployment(text,bigint,bigint): security definer', 'adds to one sum of the deployment; returns yes or no'),
  ('limits.settle_deployment(text,bigint,bigint): security definer', 'moves between two sums of the deployment; returns nothing'),
  ('limits.reclaim_reservations(integer): security definer', 'gives back what crashed calls had set aside; returns a number'),
  ('limits.deployment_spend: no NOT NULL tenant_id', 'one sum of all tenants a month; functions alone reach it'),
  ('limits.deployment_spend: row security is off', 'no tenant content; the app role has no right on it'),
  ('limits.deployment_spend: row security is not forced', 'no tenant content; the app role has no right on it'),
  ('limits.deployment_spend: no policy for the app role', 'no tenant content; the app role has no right on it'),
  ('limits.deployment_spend: primary key without tenant_id: month', 'the month of the whole deployment'),
  ('search.find_candidates(text,tsquery,text[],integer): security definer', 'proven tenant and bot in its own condition; returns no text')
),
schemas as (
  select oid, nspname, nspacl from pg_namespace
  where nspname not in ('pg_catalog', 'information_schema', 'pgboss') and nspname !~ '^pg_(toast|temp)'
),
t as (
  select c.oid, n.nspname || '.' || c.relname as name, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
    c.relowner, c.reloptions, c.relacl,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'
      and a.attnotnull and not a.attisdropped) as is_tenant_table
  from pg_class c join schemas n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f')
),
rights as (select unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as verb),
f as (
  select p.oid, p.oid::regprocedure::text as name, p.prosecdef, p.proconfig, p.proowner, p.proacl
  from pg_proc p join schemas n on n.oid = p.pronamespace
  where not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')
),
-- "(tenant_id = ( SELECT sec.current_tenant() AS current_tenant))" and nothing beside it: "or true" would match a search.
policies as (
  select t.name, p.polname, p.polpermissive, p.polcmd, r.role,
    coalesce(pg_get_expr(p.polqual, p.polrelid), '') as using_expr,
    coalesce(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid), '') as check_expr,
    format('(%I = ( SELECT sec.current_tenant() AS current_tenant))',
      case when t.name = 'public.tenants' then 'id' else 'tenant_id' end) as proof
  from t join pg_policy p on p.polrelid = t.oid
  cross join lateral unnest(p.polroles) as r (role)
),
found (finding) as (
  select name || ': no NOT NULL tenant_id' from t where relkind in ('r', 'p', 'f') and not is_tenant_table
  union all select name || ': row security is off' from t where relkind in ('r', 'p', 'f') and not relrowsecurity
  union all select name || ': row security is not forced' from t where relkind in ('r', 'p', 'f') and not relforcerowsecurity
  union all select name || ': no policy for the app role' from t where relkind in ('r', 'p', 'f') and not exists (
    select from pg_policy p where p.polrelid = t.oid and p.polpermissive and 'app'::regrole = any (p.polroles))
  union all select name || ': app may ' || verb || ' outside row security' from t cross join rights
    where relkind in ('r', 'p', 'f') and not (relrowsecurity and relforcerowsecurity)
      and (has_table_privilege('app', t.oid, verb)
        or verb in ('select', 'insert', 'update', 'references') and has_any_column_privilege('app', t.oid, verb))
  union all select name || ': policy ' || polname || ' does not test the tenant' from policies
    where polpermissive and role in ('app'::regrole, 0)
      and ((polcmd <> 'a' and using_expr <> proof) or (polcmd in ('*', 'a', 'w') and check_expr <> proof))
  union all select name || ': policy ' || polname || ' is for PUBLIC' from policies where role = 0
  union all select name || ': policy ' || polname || ' opens every tenant to ' || role::regrole from policies
    where polpermissive and role not in ('app'::regrole, 0) and (using_expr <> proof or check_expr <> proof)
  union all select name || ': app is (a member of) its owner' from t where pg_has_role('app', relowner, 'MEMBER')
  union all select name || ': app may ' || verb from t cross join rights
    where verb in ('truncate', 'references', 'trigger') and has_table_privilege('app', t.oid, verb)
  union all select name || ': PUBLIC has a right' from t cross join lateral aclexplode(relacl) a where a.grantee = 0
  union all select name || ': view without security_invoker' from t
    where relkind = 'v' and not coalesce(reloptions && array['security_invoker=on', 'security_invoker=true'], false)
  union all select name || ': materialized view that app may read' from t where relkind = 'm' and has_table_privilege('app', oid, 'select')
  -- Checks of a foreign key ignore row security: a plain one accepts another tenant's parent.
  union all select c.name || ': foreign key without tenant_id: ' || k.conname
    from pg_constraint k join t c on c.oid = k.conrelid join t p on p.oid = k.confrelid and p.is_tenant_table
    where k.contype = 'f' and not exists (
      select from generate_subscripts(k.conkey, 1) i
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[i]
      join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[i]
      where a.attname = 'tenant_id' and b.attname = 'tenant_id')
  union all select c.name || ': foreign key to tenants not from tenant_id: ' || k.conname
    from pg_constraint k join t c on c.oid = k.conrelid join t p on p.oid = k.confrelid and p.name = 'public.tenants'
    where k.contype = 'f' and not exists (
      select from pg_attribute a where a.attrelid = k.conrelid and a.attnum = k.conkey[1] and a.attname = 'tenant_id')
  union all select c.name || ': tenant_id without a foreign key to tenants' from t c where is_tenant_table and relkind in ('r', 'p')
    and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and k.confrelid = 'public.tenants'::regclass)
  union all select c.name || ': foreign key that nulls tenant_id: ' || k.conname
    from pg_constraint k join t c on c.oid = k.conrelid
    where k.contype = 'f' and (k.confdeltype in ('n', 'd') or k.confupdtype in ('n', 'd')) and coalesce(k.confdelsetcols, '{}') = '{}'
  -- A global unique tells a tenant that another has the value; a primary key on a random id tells nothing.
  union all select t.name || ': unique index without tenant_id: ' || i.indexrelid::regclass
    from pg_index i join t on t.oid = i.indrelid
    where i.indisunique and not i.indisprimary and not exists (
      select from pg_attribute a where a.attrelid = t.oid and a.attnum = any (i.indkey::int2[]) and a.attname = 'tenant_id')
  union all select t.name || ': primary key without tenant_id: ' || string_agg(a.attname, ', ' order by a.attnum)
    from pg_index i join t on t.oid = i.indrelid
    join pg_attribute a on a.attrelid = t.oid and a.attnum = any (i.indkey::int2[])
    where i.indisprimary group by t.name
    having not bool_or(a.attname = 'tenant_id') and not (count(*) = 1 and bool_and(a.attname ~ '(^|_)id$'))
  union all select name || ': security definer' from f where prosecdef
  union all select name || ': PUBLIC may execute' from f
    where proacl is null or exists (select from aclexplode(proacl) a where a.grantee = 0)
  union all select name || ': search_path is not pinned with pg_temp last' from f
    where not exists (select from unnest(proconfig) c where c ~ '^search_path=.*pg_temp$' and c !~ 'public|"\$user"')
  union all select name || ': definer owned by a role that can log in' from f join pg_roles o on o.oid = f.proowner
    where prosecdef and (o.rolcanlogin or o.rolsuper or o.rolbypassrls)
  union all select nspname || ': app may create in this schema' from schemas where has_schema_privilege('app', oid, 'create')
  union all select nspname || ': PUBLIC has a right on this schema' from schemas cross join lateral aclexplode(nspacl) a where a.grantee = 0
  union all select rolname || ': super, bypassrls, createrole, createdb or replication' from pg_roles
    where rolname in ('app', 'app_directory', 'app_search') and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
  union all select rolname || ': can log in' from pg_roles where rolname in ('app_directory', 'app_search') and rolcanlogin
  union all select 'app: may become ' || rolname from pg_roles
    where rolname <> 'app' and pg_has_role('app', oid, 'MEMBER')
  union all select 'database: app may create temporary tables' where has_database_privilege('app', current_database(), 'temporary')
  union all select 'database: app may create schemas' where has_database_privilege('app', current_database(), 'create')
)
select finding from found where finding not in (select finding from allowed)
union all
select 'allowed, but not found any more: ' || finding from allowed where finding not in (select finding from found)
order by 1
