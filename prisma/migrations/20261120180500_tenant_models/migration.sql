-- A tenant's own model: address and key are one record, so that a key never meets another address.

create table tenant_models (
  id text primary key,
  tenant_id text not null unique references tenants (id) on delete cascade,
  provider text not null check (provider in ('openai', 'anthropic', 'openai-compatible')),
  url text not null,
  name text not null,
  -- Sealed for this tenant, table, column and row.
  secret text not null,
  last_four text not null,
  -- Minor units for a million tokens, as decimals: what a call costs is never a float.
  input_price text not null check (input_price ~ '^\d{1,9}(\.\d{1,3})?$'),
  cached_price text not null check (cached_price ~ '^\d{1,9}(\.\d{1,3})?$'),
  output_price text not null check (output_price ~ '^\d{1,9}(\.\d{1,3})?$'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

alter table tenant_models enable row level security;
alter table tenant_models force row level security;
create policy tenant on tenant_models to app using (tenant_id = (select sec.current_tenant()))
  with check (tenant_id = (select sec.current_tenant()));
-- A visitor's turn reads it, to ask it, and changes nothing.
create policy visitor_inserts on tenant_models as restrictive for insert to app
  with check ((select sec.current_visitor()) is null);
create policy visitor_updates on tenant_models as restrictive for update to app
  using ((select sec.current_visitor()) is null);
create policy visitor_deletes on tenant_models as restrictive for delete to app
  using ((select sec.current_visitor()) is null);
grant select, insert, update, delete on tenant_models to app;
