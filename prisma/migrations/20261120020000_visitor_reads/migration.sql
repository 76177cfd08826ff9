-- A visitor reads the bot and its knowledge and writes none of it, and has no business with the tenant's
-- own row: a statement that forgets its `where` in a visitor's turn meets the wall here as well.

do $$
declare t text;
begin
  foreach t in array array['bots', 'sources', 'chunks', 'bot_terms', 'bot_corpora', 'embed_key_bots'] loop
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

create policy visitor on tenants as restrictive to app using ((select sec.current_visitor()) is null);

-- Triggers call these whatever their rights are; nobody else has a reason to.
revoke all on function sec.bump_epoch(), sec.bump_key_epoch(), sec.announce_revocation() from public;
