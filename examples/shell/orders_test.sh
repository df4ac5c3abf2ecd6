#!/usr/bin/env bash
# Tests an API behind the gateway with tokens from the control API. Start Tallystick first, with TALLYSTICK_CONTROL_API_ENABLED=true.
set -euo pipefail

control=${CONTROL_URL:-http://localhost:4300}
gateway=${GATEWAY_URL:-http://localhost:4100}
api=https://api.example.com/split

# Prints a token of a user with one scope.
token() { # user, scope
  curl --fail-with-body --silent --show-error "$control/tokens" \
    --json "{ \"user\": \"$1\", \"api\": \"$api\", \"scopes\": [\"$2\"] }" |
    sed 's/.*"accessToken":"\([^"]*\)".*/\1/'
}

# Prints the status of a call.
status() { # method, token
  curl --silent --output /dev/null --write-out '%{http_code}' --request "$1" "$gateway/split/orders" \
    --header "Authorization: Bearer $2"
}

expect() { # title, expected, found
  if [ "$2" != "$3" ]; then
    echo "not ok - $1: expected $2, found $3"
    exit 1
  fi
  echo "ok - $1"
}

reader=$(token alice read)
expect 'alice reads orders' 200 "$(status GET "$reader")"
expect 'a reader may not write' 403 "$(status POST "$reader")"
expect 'a stranger gets nothing' 401 "$(status GET nonsense)"

curl --fail-with-body --silent --show-error "$control/tokens/revocation" --json "{ \"token\": \"$reader\" }" --output /dev/null
expect 'a revoked token is refused' 401 "$(status GET "$reader")"
