"""Just enough of an ACME server (RFC 8555) for certbot and lego to get a certificate by DNS-01, over HTTP on loopback.

It checks no signature of its clients; it does look the TXT record up, as a certificate authority would, and notes what it has
seen.
"""
import base64
import hashlib
import http.server
import json
import os
import subprocess
import threading

import dns


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def thumbprint(jwk):
    """RFC 7638."""
    members = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]]
    canonical = json.dumps({name: jwk[name] for name in members}, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


class Acme:
    """Runs from start() to stop(). `seen` has (name, TXT records found) for each challenge."""

    TOKEN = "dG9rZW4tb2YtdGhlLXRlc3RzLW9ubHk"

    def __init__(self, folder, dns_port):
        self.folder = folder
        self.dns_port = dns_port
        self.seen = []
        self.account = None
        self.names = []
        self.valid = set()
        self.certificate = None
        self.authority, self.authority_key = os.path.join(folder, "ca.pem"), os.path.join(folder, "ca.key")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Test",
                     "-keyout", self.authority_key, "-out", self.authority)
        acme = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                acme.answer(self, None, None)

            def do_GET(self):
                acme.answer(self, None, None)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                payload = unbase64(body["payload"])
                acme.answer(self, json.loads(unbase64(body["protected"])), json.loads(payload) if payload else {})

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @staticmethod
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answer(self, handler, protected, payload):
        status, headers, body = self.route(handler.path, protected, payload)
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Replay-Nonce": "bm9uY2U", "Content-Type": "application/json", **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(octets)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(octets)

    def route(self, path, protected, payload):
        url = self.url
        if path == "/directory":
            return 200, {}, {"newNonce": url + "/nonce", "newAccount": url + "/account", "newOrder": url + "/order",
                             "revokeCert": url + "/revoke", "keyChange": url + "/change"}
        if path == "/nonce":
            return 200, {}, b""
        if path == "/account":
            self.account = thumbprint(protected["jwk"])
            return 201, {"Location": url + "/account/1"}, {"status": "valid", "orders": url + "/orders"}
        if path.startswith("/account/"):
            return 200, {}, {"status": "valid"}
        if path == "/order":
            self.names = [one["value"] for one in payload["identifiers"]]
            return 201, {"Location": url + "/order/1"}, self.order()
        if path == "/order/1":
            return 200, {"Location": url + "/order/1"}, self.order()
        if path.startswith("/authorization/"):
            return 200, {}, self.authorization(int(path.rpartition("/")[2]))
        if path.startswith("/challenge/"):
            number = int(path.rpartition("/")[2])
            self.validate(number)
            link = f'<{url}/authorization/{number}>;rel="up"'
            return 200, {"Link": link}, self.authorization(number)["challenges"][0]
        if path == "/finalize/1":
            self.issue(unbase64(payload["csr"]))
            return 200, {"Location": url + "/order/1"}, self.order()
        if path == "/certificate/1":
            return 200, {"Content-Type": "application/pem-certificate-chain"}, self.certificate
        return 404, {}, {"type": "urn:ietf:params:acme:error:malformed", "detail": path}

    def order(self):
        order = {"status": "pending", "expires": "2099-01-01T00:00:00Z", "finalize": self.url + "/finalize/1",
                 "identifiers": [{"type": "dns", "value": name} for name in self.names],
                 "authorizations": [f"{self.url}/authorization/{i}" for i in range(len(self.names))]}
        if self.certificate:
            order |= {"status": "valid", "certificate": self.url + "/certificate/1"}
        elif len(self.valid) == len(self.names):
            order["status"] = "ready"
        return order

    def authorization(self, number):
        status = "valid" if number in self.valid else "pending"
        name = self.names[number]
        authorization = {"status": status, "expires": "2099-01-01T00:00:00Z",
                         "identifier": {"type": "dns", "value": name.removeprefix("*.")},
                         "challenges": [{"type": "dns-01", "url": f"{self.url}/challenge/{number}", "status": status,
                                         "token": f"{self.TOKEN}{number}"}]}
        return authorization | {"wildcard": True} if name.startswith("*.") else authorization

    def validate(self, number):
        """RFC 8555 8.4, with no resolver between: the server is asked at once."""
        name = "_acme-challenge." + self.names[number].removeprefix("*.") + "."
        digest = hashlib.sha256(f"{self.TOKEN}{number}.{self.account}".encode()).digest()
        wanted = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        answer = dns.Message(dns.exchange(self.dns_port, dns.query(name, "TXT")))
        found = [rr.data[1:].decode() for rr in answer.answer]
        self.seen.append((name, found))
        if wanted in found:
            self.valid.add(number)

    def issue(self, csr):
        path = os.path.join(self.folder, "csr")
        with open(path, "wb") as out:
            out.write(csr)
        certificate = os.path.join(self.folder, "certificate")
        self.openssl("x509", "-req", "-inform", "DER", "-in", path, "-CA", self.authority, "-CAkey", self.authority_key,
                     "-days", "30", "-copy_extensions", "copy", "-out", certificate)
        with open(certificate, "rb") as one, open(self.authority, "rb") as other:
            self.certificate = one.read() + other.read()
