# https://docs.authlib.org/en/stable/client/oauth2.html (requests) and .../jose/jwt.html: without PKCE by default.
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebToken
from authlib.oidc.core import CodeIDToken

issuer = os.environ["ISSUER"]
origin = "http://localhost:" + os.environ["PORT"]
server = requests.get(issuer + "/.well-known/openid-configuration").json()
client = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    scope="openid profile email read",
    redirect_uri=origin + "/callback",
    code_challenge_method=os.environ.get("PKCE"),
)

verifier = {"code_verifier": generate_token(48)} if "PKCE" in os.environ else {}


def me():
    claims = JsonWebToken(["RS256"]).decode(
        client.token["id_token"],
        requests.get(server["jwks_uri"]).json(),
        claims_cls=CodeIDToken,
        claims_options={"iss": {"values": [issuer]}, "aud": {"values": [client.client_id]}},
    )
    claims.validate()
    return {**claims, "accessToken": client.token["access_token"]}


def login():
    uri, _state = client.create_authorization_url(server["authorization_endpoint"], **verifier)
    return uri


def callback(url):
    client.fetch_token(server["token_endpoint"], authorization_response=url, **verifier)
    return origin + "/me"


def refresh():
    client.refresh_token(server["token_endpoint"], refresh_token=client.token["refresh_token"])
    return me()


def revoke():
    client.revoke_token(server["revocation_endpoint"], token=client.token["access_token"]).raise_for_status()
    return {}


def logout():
    query = {"id_token_hint": client.token["id_token"], "post_logout_redirect_uri": origin + "/"}
    return server["end_session_endpoint"] + "?" + urlencode(query)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            result = self.result(urlsplit(self.path))
        except Exception as error:
            self.send_response(500)
            self.end_headers()
            self.wfile.write(repr(error).encode())
            return
        if isinstance(result, str):
            self.send_response(302)
            self.send_header("Location", result)
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(result).encode())

    def result(self, url):
        if url.path == "/callback":
            return callback(origin + self.path)
        if url.path == "/userinfo":
            return client.get(server["userinfo_endpoint"]).json()
        if url.path == "/call":
            return {"status": client.get(parse_qs(url.query)["url"][0]).status_code}
        return {"/login": login, "/me": me, "/refresh": refresh, "/revoke": revoke, "/logout": logout}[url.path]()

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
