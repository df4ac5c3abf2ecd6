-- Asks Tallystick's gateway whether a request may pass. Needs HAProxy 2.6 or newer with Lua, such as Debian's package.
-- `haproxy.cfg` beside this file shows how to use it.

-- The decision endpoint, with `for: haproxy`.
local endpoint = os.getenv("TALLYSTICK_DECISION") or "http://127.0.0.1:4100/decision"
-- Milliseconds: longer than the gateway waits for an authorization server (`timeouts.authorizationServer`).
local timeout = 5000

-- Headers not sent to the gateway: hop-by-hop (RFC 9110 section 7.6.1), or about the body, which it does not get.
local not_asked = {
  ["connection"] = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["te"] = true, ["trailer"] = true,
  ["upgrade"] = true, ["transfer-encoding"] = true, ["content-length"] = true, ["expect"] = true,
  ["x-forwarded-method"] = true, ["x-forwarded-uri"] = true,
}

-- Credentials for the API. They replace the client's, which do not go upstream.
local for_api = { "authorization", "dpop", "client-cert" }

-- Headers for the client, added to the response of the API.
local for_client = {
  "dpop-nonce", "access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers", "vary",
}

local not_answered = {
  ["connection"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true, ["content-length"] = true, ["date"] = true,
  ["authorization"] = true, ["dpop"] = true, ["client-cert"] = true,
}

local function first(headers, name)
  return headers[name] and headers[name][0]
end

local function question(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not not_asked[name] then
      headers[name] = {}
      for _, value in pairs(values) do table.insert(headers[name], value) end
    end
  end
  headers["x-forwarded-method"] = { txn.sf:method() }
  headers["x-forwarded-uri"] = { txn.sf:pathq() }
  return headers
end

local function unavailable(txn)
  local reply = txn:reply({ status = 503 })
  reply:add_header("Content-Type", "application/json")
  reply:add_header("Cache-Control", "no-store")
  reply:add_header("Retry-After", "1")
  reply:set_body('{"error":"temporarily_unavailable","error_description":"the gateway cannot be reached"}')
  txn:done(reply)
end

local function refuse(txn, answer)
  local reply = txn:reply({ status = answer.status, reason = answer.reason })
  for name, values in pairs(answer.headers) do
    if not not_answered[name] then
      for _, value in pairs(values) do reply:add_header(name, value) end
    end
  end
  reply:set_body(answer.body or "")
  txn:done(reply)
end

-- For a server that it cannot reach, HAProxy answers itself, in HTML. A refusal of the gateway is JSON.
local function is_of_gateway(answer)
  local status = answer and answer.status or 0
  if status < 200 then return false end
  return status < 500 or first(answer.headers, "content-type") == "application/json"
end

core.register_action("tallystick_decide", { "http-req" }, function(txn)
  local answer = core.httpclient():get({ url = endpoint, headers = question(txn), timeout = timeout })
  if not is_of_gateway(answer) then return unavailable(txn) end
  -- Only 200 lets a request pass. Any other response goes to the client, with its status, headers and body.
  if answer.status ~= 200 then return refuse(txn, answer) end

  for _, name in ipairs(for_api) do
    local value = first(answer.headers, name)
    if value then txn.http:req_set_header(name, value) else txn.http:req_del_header(name) end
  end
  local headers = {}
  for _, name in ipairs(for_client) do headers[name] = first(answer.headers, name) end
  txn:set_priv(headers)
end)

core.register_action("tallystick_answer", { "http-res" }, function(txn)
  for name, value in pairs(txn:get_priv() or {}) do txn.http:res_add_header(name, value) end
end)
