#!/bin/sh
# The counter with nothing but curl: from the master key to an answer with its source, and the switch.
# Wants BASE (such as http://127.0.0.1:3000) and MASTER_API_KEY in the environment.
set -eu

field() { node -p "JSON.parse(require('fs').readFileSync(0, 'utf8')).$1"; } # one field of the JSON on stdin
post() { url=$1; body=$2; shift 2; curl -fsSN "$BASE$url" -H 'content-type: application/json' -d "$body" "$@"; }

# The operator makes a tenant; its API key is shown this once.
SK=$(post /admin/tenants '{"name":"Corner Shop"}' -H "x-master-key: $MASTER_API_KEY" | field api_key)
# The tenant's server makes a bot, publishes it, and gives it something to know.
BOT=$(post /v1/bots '{"name":"Shop help"}' -H "x-api-key: $SK" | field id)
post "/v1/bots/$BOT" '{"published":true}' -H "x-api-key: $SK" -X PATCH
SOURCE=$(post "/v1/bots/$BOT/sources" '{"title":"Returns","text":"Return any item within 30 days."}' -H "x-api-key: $SK" | field id)
until [ "$(curl -fsS "$BASE/v1/sources/$SOURCE" -H "x-api-key: $SK" | field status)" = ready ]; do sleep 0.2; done
# An embed key for one website: it goes into that website's page, for everyone to see.
KEY=$(post "/v1/bots/$BOT/embed-keys" '{"mode":"test","allowedOrigins":["http://shop.localhost:4000"]}' -H "x-api-key: $SK")
PK=$(echo "$KEY" | field key)
# The page shows its key at the counter (a browser adds the true Origin), the frame spends the ticket and asks.
TICKET=$(post /api/embed/ticket "{\"key\":\"$PK\"}" -H 'origin: http://shop.localhost:4000' | field ticket)
TOKEN=$(post /api/embed/session "{\"ticket\":\"$TICKET\"}" | field token)
post /api/embed/chat '{"message":"Can I return an item?"}' -H "authorization: Bearer $TOKEN"
# The owner switches the key off: the same pass is dead on its next request (401).
post "/v1/embed-keys/$(echo "$KEY" | field id)" '{"status":"disabled"}' -H "x-api-key: $SK" -X PATCH
post /api/embed/chat '{"message":"Still there?"}' -H "authorization: Bearer $TOKEN" || echo "Refused."
