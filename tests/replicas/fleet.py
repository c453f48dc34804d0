"""Two real servers on one database behind a real nginx, with the configuration that is deployed."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from process_watchdog import also_watch
from served import standing_still

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
(TLS,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"), re.DOTALL)
#: Seconds in which anything happens on a machine that does much else.
PATIENCE = 90
#: Seconds after which a server takes over from a dead one.
LEASE = 2
#: Seconds in which a client must have sent the head of its request.
HEAD = 2
#: No connection is used again: the server may have been another one.
ONE_BY_ONE = httpx.Limits(max_keepalive_connections=0)


def until(true, what, patience=PATIENCE):
    """Waits until `true()` is, and gives that."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)  # between two questions to another process
    raise AssertionError(f"in {patience} seconds it did not come to this: {what}")


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Replica:
    """One server, as ``python -m forecasting serve`` starts it; it can be killed and begin again."""

    def __init__(self, home, port, database="", **more):
        self.port, self.url, self.log = port, f"http://127.0.0.1:{port}", home / "log"
        home.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
        own = {"FORECAST_HOME": str(home), "FORECAST_DB_URL": database, "FORECAST_LEASE": str(LEASE)}
        self._environment = (
            kept
            | own
            | {
                "FORECAST_OFFLINE": "1",
                "FORECAST_WORKERS": "1",
                "FORECAST_WARM_UP": "0",
                "FORECAST_MODELS": "ets",
                "FORECAST_API_RATE": "100000/minute",
                **more,
            }
        )
        self._process = None
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE, limits=ONE_BY_ONE)

    def start(self):
        """Begins, unless it runs."""
        if self.lives:
            return
        command = [sys.executable, "-m", "forecasting", "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = psutil.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    @property
    def lives(self):
        return self._process is not None and self._process.poll() is None

    def await_ready(self):
        """Waits until it can work and has nothing to do."""
        until(self._ready, f"{self.url} is ready")
        until(lambda: not self.count("forecast_running") + self.count("forecast_waiting"), f"{self.url} has done all")

    def _ready(self):
        assert self._process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return self.get("/readyz").status_code == 200

    def get(self, path):
        return self._client.get(path)

    def delete(self, path):
        return self._client.delete(path)

    def ask(self, **question):
        return self._client.post("/api/v1/forecast", json=question)

    def count(self, name, **labels):
        """One of its metrics, over all values of the labels that are not given."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in self.get("/metrics").text.splitlines() if re.match(rf"{name}[{{ ]", line)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(one in line for one in wanted))

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def held(self):
        """Its fits stand still; whatever becomes of it, its workers go on afterwards, and end if it has."""
        with standing_still(self._process.children()):
            yield

    def kill(self):
        """As the kernel does when memory runs out: no farewell."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def end(self):
        """All of it is gone afterwards."""
        if not self.lives:
            return
        children = self._process.children(recursive=True)
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except psutil.TimeoutExpired:
            self._process.kill()
        _, left = psutil.wait_procs(children, timeout=PATIENCE)
        for one in left:
            one.kill()
        assert not left, f"the server left processes behind: {left}"


def certify(folder):
    """A certificate for 127.0.0.1, for an hour, by the names that docs/deploy.md has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "privkey.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


class Proxy:
    """nginx with `deploy/nginx.conf`, on loopback and in a folder of its own; never as root.

    With `tls` it has a certificate, which it signed itself, as docs/deploy.md says.
    """

    def __init__(self, program, servers, tls=False):
        self._folder = Path(tempfile.mkdtemp(prefix="proxy"))  # not in pytest's, which only its owner may enter
        (port,) = free_ports(1)
        self.port, self.url = port, f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        said = CONFIGURATION.replace("/tmp/", f"{self._folder}/")
        if tls:
            certify(self._folder)
            said = said.replace("listen 8080;\n", TLS.replace("/etc/nginx/tls", str(self._folder)))
        changes = {"app-1:8501": servers[0], "app-2:8501": servers[1], "listen 8080": f"listen 127.0.0.1:{port}"}
        changes |= {"client_header_timeout 10s": f"client_header_timeout {HEAD}s"}
        for old, new in changes.items():
            assert said.count(old) == 1, old
            said = said.replace(old, new)
        file = self._folder / "nginx.conf"
        file.write_text(said, encoding="utf-8")
        user = "nobody" if os.geteuid() == 0 else None
        if user:
            for one in (self._folder, *self._folder.iterdir()):
                shutil.chown(one, user)
        command = [program, "-p", str(self._folder), "-c", str(file), "-g", "daemon off;"]
        self.log = self._folder / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, user=user, cwd="/", stdout=log, stderr=log)
        also_watch(self._process.pid)

    def await_ready(self):
        until(self._listens, "nginx listens")

    def _listens(self):
        assert self._process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            return True

    def client(self, **options):
        """Somebody who asks through the proxy, and keeps cookies as a browser does."""
        return httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE, **options)

    def end(self):
        self._process.terminate()
        self._process.wait(PATIENCE)
        shutil.rmtree(self._folder)


class Fleet:
    """Both servers and the proxy; what a test has killed is there again for the next one."""

    def __init__(self, home, program, database):
        ports = free_ports(2)
        self.replicas = [Replica(home / f"server {port}", port, database) for port in ports]
        self._program = program
        self.proxy = self.proxied()

    def proxied(self, **options):
        """A proxy before these servers."""
        return Proxy(self._program, [one.address for one in self.replicas], **options)

    def ready(self):
        begun = [one for one in self.replicas if not one.lives]
        for one in begun:
            one.start()
        for one in self.replicas:
            one.await_ready()
        self.proxy.await_ready()
        for one in begun:
            until(lambda one=one: self._reached(one), f"the proxy uses {one.url} again")
        return self

    def _reached(self, replica):
        with self.proxy.client() as somebody:
            return self.which(somebody) is replica

    def which(self, client, path="/healthz"):
        """The server that answers this client."""
        living = [one for one in self.replicas if one.lives]
        before = [one.count("forecast_requests_total", route=path) for one in living]
        assert client.get(path).status_code == 200
        after = [one.count("forecast_requests_total", route=path) for one in living]
        assert sum(after) - sum(before) == 1
        return next(one for one, was, now in zip(living, before, after, strict=True) if now > was)

    def other(self, replica):
        (found,) = [one for one in self.replicas if one is not replica]
        return found

    def end(self):
        self.proxy.end()
        for one in self.replicas:
            one.end()
