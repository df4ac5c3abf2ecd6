#!/usr/bin/env bash
# Starts Tallystick, runs the tests, and stops it.
set -euo pipefail

export TALLYSTICK_CONTROL_API_ENABLED=true
export CONTROL_URL="http://localhost:${TALLYSTICK_CONTROL_API_PORT:-4300}"
export GATEWAY_URL="http://localhost:${TALLYSTICK_GATEWAY_PORT:-4100}"

tallystick start > tallystick.log 2>&1 &
trap 'kill $! && wait' EXIT
until grep -q '^Tallystick is ready' tallystick.log; do
  kill -0 $! || { cat tallystick.log; exit 1; }
  sleep 0.1
done

bash orders_test.sh
