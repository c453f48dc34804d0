"""A provider of OpenID Connect on loopback: whoever comes is signed in at once, as whom a test says."""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "forecasts", "known-to-both"


def write_secrets(home, provider, port):
    """``.streamlit/secrets.toml`` in the folder that is ``HOME`` to a server on this port; those of example.org may enter."""
    (home / ".streamlit").mkdir(parents=True)
    (home / ".streamlit" / "secrets.toml").write_text(
        f"""
        FORECAST_ALLOWED = "example.org, grace@example.com"
        [auth]
        redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
        cookie_secret = "{"long and random " * 4}"
        client_id = "{CLIENT}"
        client_secret = "{SECRET}"
        server_metadata_url = "{provider.url}/.well-known/openid-configuration"
        """
    )


class Provider:
    """Authorization code flow with PKCE; `person` has the claims of the next one who signs in."""

    def __init__(self):
        self.person = {}
        self._key = RSAKey.generate_key(2048, parameters={"kid": "one", "alg": "RS256", "use": "sig"})
        self._codes = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.get(self)

            def do_POST(self):
                provider.post(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def get(self, handler):
        path, asked = urlsplit(handler.path).path, parse_qs(urlsplit(handler.path).query)
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            _say(
                handler,
                {name: f"{self.url}/{at}" for name, at in names.items()}
                | {
                    "issuer": self.url,
                    "code_challenge_methods_supported": ["S256"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                },
            )
        elif path == "/keys":
            _say(handler, {"keys": [self._key.as_dict(private=False)]})
        elif path == "/authorize":
            self._authorize(handler, {name: value[0] for name, value in asked.items()})
        else:
            handler.send_error(404)

    def _authorize(self, handler, asked):
        assert asked["client_id"] == CLIENT
        code = f"code-{len(self._codes)}"
        self._codes[code] = (asked, dict(self.person))
        handler.send_response(302)
        back = urlencode({"code": code, "state": asked["state"]})
        handler.send_header("Location", f"{asked['redirect_uri']}?{back}")
        handler.end_headers()

    def post(self, handler):
        asked = parse_qs(handler.rfile.read(int(handler.headers["Content-Length"])).decode())
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        assert handler.headers["Authorization"] == f"Basic {basic}"
        before, person = self._codes.pop(asked["code"][0])
        digest = hashlib.sha256(asked["code_verifier"][0].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == before["code_challenge"]
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": before["nonce"], **person}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._key)
        _say(handler, {"access_token": "none", "token_type": "Bearer", "expires_in": 600, "id_token": token})


def _say(handler, what):
    content = json.dumps(what).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
