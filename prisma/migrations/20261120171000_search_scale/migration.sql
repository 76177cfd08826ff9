-- The work of one search has a bound: whatever is asked for, at most 6,000 matching chunks are ranked.

grant app_search to current_user;
grant create on schema search to app_search;

create or replace function search.find_candidates(p_bot_id text, p_query tsquery, p_terms text[], p_limit int)
returns table (id text, language text, term_count int, positions text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
-- A generic plan would not know how rare the words are.
set plan_cache_mode = force_custom_plan
-- The index knows tenant, bot and words: it is always right. Statistics are of all tenants together and must
-- not talk the planner into reading a table.
set enable_seqscan = off
set enable_indexscan = off
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
      select found.id, found.language, found.term_count, found.tsv
      from (
        select c.id, c.language, c.term_count, c.tsv
        from public.chunks c
        where c.tenant_id = this_tenant and c.bot_id = this_bot and c.tsv @@ p_query
        limit 6000
      ) found
      order by ts_rank(found.tsv, p_query, 1) desc, found.id
      limit least(greatest(p_limit, 0), 400)
    ) best;
end $$;

revoke create on schema search from app_search;
revoke app_search from current_user;
