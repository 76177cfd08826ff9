-- Quality: questions whose answers are known, what became of them in each run, and the gaps that were closed.

create table golden_questions (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  question text not null check (length(question) between 1 and 500),
  expects text not null check (expects in ('answer', 'refusal')),
  -- No foreign key: a question outlives the source it expects, and its next run says that the source is gone.
  source_id text,
  phrase text check (length(phrase) between 1 and 300),
  provenance text not null check (provenance in ('written', 'imported', 'playground', 'gap', 'drafted')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (expects = 'answer' or (source_id is null and phrase is null)),
  unique (tenant_id, id),
  unique (tenant_id, bot_id, question),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);

create table quality_runs (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  reason text not null check (reason in ('asked', 'publish', 'instructions', 'source')),
  mode text not null check (mode in ('quotes', 'model')),
  -- Stopped: the change it judged did not go live. Later runs are compared with kept ones.
  outcome text not null check (outcome in ('kept', 'stopped')),
  question_count int not null,
  passed_count int not null,
  answerable_count int not null,
  found_count int not null,
  cited_count int not null,
  answered_count int not null,
  refused_count int not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, id),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);
create index quality_runs_recent on quality_runs (tenant_id, bot_id, created_at desc);

create table quality_results (
  tenant_id text not null references tenants (id) on delete cascade,
  run_id text not null,
  question_id text not null,
  is_found boolean not null,
  is_cited boolean not null,
  is_answered boolean not null,
  is_passed boolean not null,
  primary key (tenant_id, run_id, question_id),
  foreign key (tenant_id, run_id) references quality_runs (tenant_id, id) on delete cascade,
  foreign key (tenant_id, question_id) references golden_questions (tenant_id, id) on delete cascade
);

create table closed_gaps (
  id text primary key,
  tenant_id text not null references tenants (id) on delete cascade,
  bot_id text not null,
  question text not null,
  outcome text not null check (outcome in ('answered', 'dismissed')),
  -- What the answer became; both may be deleted later, and the gap still tells where they came from.
  source_id text,
  question_id text,
  is_fixed boolean,
  closed_at timestamptz not null default now(),
  retested_at timestamptz,
  unique (tenant_id, id),
  foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade
);
create index closed_gaps_recent on closed_gaps (tenant_id, bot_id, closed_at desc);

-- Which unanswered messages a closed gap covers: asked again later, a question is a new gap.
create table closed_gap_messages (
  tenant_id text not null references tenants (id) on delete cascade,
  message_id text not null,
  gap_id text not null,
  primary key (tenant_id, message_id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade,
  foreign key (tenant_id, gap_id) references closed_gaps (tenant_id, id) on delete cascade
);
create index closed_gap_messages_gap on closed_gap_messages (tenant_id, gap_id);

do $$
declare t text;
begin
  foreach t in array array['golden_questions', 'quality_runs', 'quality_results', 'closed_gaps',
                           'closed_gap_messages'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format(
      'create policy tenant on %I to app using (tenant_id = (select sec.current_tenant()))
       with check (tenant_id = (select sec.current_tenant()))', t);
    -- The owner's own affair: a visitor neither reads nor writes it.
    execute format(
      'create policy visitor on %I as restrictive to app using ((select sec.current_visitor()) is null)', t);
    execute format('grant select, insert, update, delete on %I to app', t);
  end loop;
end $$;
