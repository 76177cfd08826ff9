-- Search past row-level security. "@@" is not leakproof, so under RLS the planner must not use the GIN
-- index and reads every chunk of the tenant instead. This function runs as app_search, which sees all
-- chunks; the tenant (signed) and the visitor's bot are therefore part of its own condition.

grant app_search to current_user;
grant create on schema search to app_search;

-- The best candidates for a question by the words that are rare in the bot, and of each no more than
-- BM25 needs: its length and where the question's own words stand. No text leaves this function.
create function search.find_candidates(p_bot_id text, p_query tsquery, p_terms text[], p_limit int)
returns table (id text, language text, term_count int, positions text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
-- A generic plan would not know how rare the words are.
set plan_cache_mode = force_custom_plan
as $$
declare
  this_tenant text := sec.current_tenant();
  this_bot text := coalesce(sec.current_bot(), p_bot_id);
begin
  -- No proven tenant, or a visitor asking for another bot: nothing, not an error that tells them apart.
  if this_tenant is null or this_bot is distinct from p_bot_id or p_query is null then
    return;
  end if;
  return query
    select best.id, best.language, best.term_count,
      -- Taking away all other words is ten times as fast as unnesting the vector and filtering it.
      ts_delete(best.tsv, tsvector_to_array(ts_delete(best.tsv, p_terms)))::text
    from (
      select c.id, c.language, c.term_count, c.tsv
      from public.chunks c
      where c.tenant_id = this_tenant and c.bot_id = this_bot and c.tsv @@ p_query
      order by ts_rank(c.tsv, p_query, 1) desc, c.id
      limit least(greatest(p_limit, 0), 400)
    ) best;
end $$;

alter function search.find_candidates(text, tsquery, text[], int) owner to app_search;
revoke all on function search.find_candidates(text, tsquery, text[], int) from public;
grant execute on function search.find_candidates(text, tsquery, text[], int) to app;

revoke create on schema search from app_search;
revoke app_search from current_user;
