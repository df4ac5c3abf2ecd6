def test_alice_reads_her_orders(tally):
    answer = tally.call("/orders", tally.token(user="alice", scopes=["read"]))
    assert answer.status_code == 200


def test_a_token_without_the_scope_does_not_order(tally):
    answer = tally.call("/orders", tally.token(user="alice", scopes=["read"]), "POST")
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_a_failure_of_the_api_reaches_the_caller(tally):
    tally.post("/faults", faults=[{"at": "upstream", "status": 503}])
    assert tally.call("/orders", tally.token(user="alice")).status_code == 503


def test_a_token_is_refused_the_next_day(tally):
    token = tally.token(user="alice")
    tally.post("/clock/advance", seconds=86_400)
    assert tally.call("/orders", token).status_code == 401


def test_a_user_signs_in(tally):
    signed_in = tally.post("/sign-ins", user="zoe", claims={"tier": "gold"})
    assert signed_in["scopes"] == ["openid", "read", "write"]
    assert tally.call("/orders", signed_in["accessToken"]).status_code == 200
