"""A browser arrives: the redirect and the portal page over HTTP and HTTPS, with curl, Chromium and bare sockets."""
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from datetime import datetime, timedelta

import dns
from harness import BIN, TIME_LIMIT, ZONE, Dnsd, SystemTest, free_port, main, run
from lease_test import with_lease

ZONE_TEXT = """\
$ORIGIN dyn.example.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 604800 60
@ IN NS ns
ns IN A 127.0.0.1
web.h1 IN A 127.0.0.1
direct.h1 IN A 127.0.0.1
_http._tcp.web.h1 IN SRV 0 0 {web} direct.h1
h2 IN A 127.0.0.1
_http._tcp.h2 IN SRV 0 0 8001 h2
_http._tcp.h2 IN TXT "path=/<script>alert(1)</script>" "note=\\"><img src=x onerror=alert(1)>"
_https._tcp.h2 IN SRV 0 0 6000 h2
_ssh._tcp.h2 IN SRV 0 0 22022 h2
loop IN A 127.0.0.1
_http._tcp.loop IN SRV 0 0 {http} loop
js IN URI 10 1 "javascript:alert(1)"
bank IN URI 10 1 "http://www.bank.example@192.0.2.66/"
"""


def make_certificate(folder, name):
    """A self-signed wildcard certificate; its common name tells it from others."""
    certificate, key = (os.path.join(folder, f"{name}.{kind}") for kind in ("crt", "key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    key, "-out", certificate, "-days", "30", "-subj", f"/CN={name}", "-addext",
                    "subjectAltName=DNS:*.dyn.example,DNS:*.h1.dyn.example"], check=True, capture_output=True)
    return certificate, key


class WebServer(http.server.BaseHTTPRequestHandler):
    """The host behind the NAT."""

    def do_GET(self):
        body = f"<!doctype html><title>arrived</title><p>arrived at {self.path}</p>".encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            pass  # a browser that ends

    def log_message(self, *args):
        pass


class Portal(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.web_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), WebServer)
        cls.web = cls.web_server.server_address[1]
        threading.Thread(target=cls.web_server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.web_server.shutdown()
        cls.web_server.server_close()

    def setUp(self):
        self.http, self.https = free_port(), free_port()
        self.dnsd = Dnsd(self, zone_text=ZONE_TEXT.format(web=self.web, http=self.http))
        self.certificate, self.key = make_certificate(self.dnsd.folder, "first")

    def start(self, more=""):
        self.dnsd.text += (f'[http]\nlisten = ["127.0.0.1:{self.http}"]\ntls-listen = ["127.0.0.1:{self.https}"]\n'
                           f'certificate = "first.crt"\nkey = "first.key"\n{more}\n')
        self.dnsd.write("dnsd.toml", self.dnsd.text)
        self.dnsd.start()

    def curl(self, host, path="/", *options, tls=False):
        """Status and fields of the response (names in lower case), and its body."""
        port = self.https if tls else self.http
        scheme = "https" if tls else "http"
        status, text = run(["curl", "-sS", "-i", "--max-time", "60", "--cacert", self.certificate, "--path-as-is",
                            "--connect-to", f"::127.0.0.1:{port}", *options, f"{scheme}://{host}{path}"])
        self.assertEqual(status, 0, text)
        head, _, body = text.partition("\n\n")
        lines = head.split("\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), {name.lower(): value for name, value in fields.items()}, body

    def raw(self, octets, port=None):
        """What comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", port or self.http), TIME_LIMIT) as connection:
            connection.sendall(octets)
            answer = b""
            while True:
                try:
                    more = connection.recv(65536)
                except ConnectionResetError:
                    return answer
                if not more:
                    return answer
                answer += more

    def test_redirect(self):
        self.start()
        there = f"http://direct.h1.dyn.example:{self.web}"
        for tls in (False, True):
            with self.subTest(tls=tls):
                status, fields, _ = self.curl("web.h1.dyn.example", "/a/b?c=d", tls=tls)
                self.assertEqual((status, fields["location"], fields["cache-control"]), (301, there + "/a/b?c=d", "no-store"))
                status, fields, body = self.curl("WEB.h1.dyn.example.", "/", "--head", tls=tls)
                self.assertEqual((status, fields["location"], body), (301, there + "/", ""))
                for options in (["--data", "a=b"], ["-X", "DELETE"]):
                    status, fields, _ = self.curl("web.h1.dyn.example", "/form", *options, tls=tls)
                    self.assertEqual((status, fields["location"]), (307, there + "/form"))
                self.assertEqual(self.curl("nobody.dyn.example", tls=tls)[0], 404)
                status, fields, _ = self.curl("web.h1.dyn.example", "/", "--http1.0", tls=tls)
                self.assertEqual((status, fields.get("connection")), (301, "close"))
        for version in ("--tlsv1.2", "--tls-max"):
            options = [version] if version == "--tlsv1.2" else [version, "1.2"]
            self.assertEqual(self.curl("web.h1.dyn.example", "/", *options, tls=True)[0], 301)
        # Both over one connection.
        status, text = run(["curl", "-sSv", "--max-time", "60", "--connect-to", f"::127.0.0.1:{self.http}",
                            "http://web.h1.dyn.example/1", "http://web.h1.dyn.example/2"])
        self.assertEqual(status, 0, text)
        self.assertIn("Re-using existing connection", text)
        self.assertIn(there + "/2", text)

    def test_what_the_dns_says_now(self):
        self.start("redirect = 302")
        self.assertEqual(self.curl("new.dyn.example")[0], 404)
        self.dnsd.update(dns.add("new.dyn.example.", 60, "A", "127.0.0.1"),
                         dns.add("_http._tcp.new.dyn.example.", 60, "SRV", "0 0 8001 new.dyn.example."))
        status, fields, _ = self.curl("new.dyn.example")
        self.assertEqual((status, fields["location"]), (302, "http://new.dyn.example:8001/"))
        self.dnsd.update(dns.delete_rrset("_http._tcp.new.dyn.example.", "SRV"),
                         dns.add("_http._tcp.new.dyn.example.", 60, "SRV", "0 0 8002 new.dyn.example."))
        self.assertEqual(self.curl("new.dyn.example")[1]["location"], "http://new.dyn.example:8002/")

    def test_page(self):
        self.start()
        status, fields, page = self.curl("h2.dyn.example")
        self.assertEqual(status, 200)
        self.assertIn("default-src 'none'", fields["content-security-policy"])
        self.assertEqual(fields["x-content-type-options"], "nosniff")
        self.assertIn('href="ssh://h2.dyn.example:22022"', page)
        self.assertIn("Browsers refuse", page)
        self.assertNotRegex(page, "<script|<img")
        self.assertNotRegex(page, r'(src|href)="(https?:)?//(?!h2\.dyn\.example)')
        _, fields, text = self.curl("h2.dyn.example", "/", "-H", "Accept: application/json")
        self.assertEqual(fields["content-type"], "application/json")
        services = json.loads(text)["services"]
        self.assertEqual([(one["service"], one["host"], one["port"]) for one in services],
                         [("http", "h2.dyn.example", 8001), ("https", "h2.dyn.example", 6000), ("ssh", "h2.dyn.example", 22022)])
        status, _, page = self.curl("web.h1.dyn.example", "/?portal")
        self.assertEqual(status, 200)
        self.assertIn(f'href="http://direct.h1.dyn.example:{self.web}/"', page)

    def test_since_and_until_when_a_service_is_published(self):
        self.start()
        host, owner = f"h3.{ZONE[:-1]}", f"_ssh._tcp.h3.{ZONE}"

        def publish(seconds, *updates):
            octets, _ = self.dnsd.keys[0].sign(with_lease(dns.update(ZONE, updates), seconds))
            self.assertEqual(self.dnsd.exchange(octets).rcode, "NOERROR")

        def page_with(is_right, *options):
            """The store's row of the name may be behind for a moment, and a busy server shows the page without times."""
            end = time.monotonic() + TIME_LIMIT
            while not is_right(page := self.curl(host, "/", *options)[2]):
                self.assertLess(time.monotonic(), end, page)
                time.sleep(0.05)
            return page

        def times(after=""):
            """Port, since and until of the host's only service, once it is published until later than that."""
            page = page_with(lambda page: json.loads(page)["services"][0].get("until", "") > after, "-H", "Accept: application/json")
            [service] = json.loads(page)["services"]
            return service["port"], *(datetime.strptime(service[name], "%Y-%m-%dT%H:%M:%SZ") for name in ("since", "until"))

        def tick():
            """Until another second has begun."""
            time.sleep(1.1 - time.time() % 1)

        before = datetime.utcnow().replace(microsecond=0)
        publish(600, dns.add(f"h3.{ZONE}", 60, "A", "127.0.0.1"), dns.add(owner, 60, "SRV", f"0 0 22022 h3.{ZONE}"))
        port, since, until = times()
        self.assertEqual(port, 22022)
        self.assertLessEqual(before, since)
        self.assertLessEqual(since, datetime.utcnow())
        self.assertLessEqual(timedelta(seconds=600), until - before)
        page = page_with(lambda page: "<time " in page)
        for moment in (since, until):
            self.assertIn(f'<time datetime="{moment.isoformat()}Z">{moment} UTC</time>', page)

        tick()
        publish(1200, dns.add(owner, 60, "SRV", f"0 0 22022 h3.{ZONE}"))
        _, refreshed, later = times(after=until.isoformat() + "Z")
        self.assertEqual(refreshed, since, "a refresh is no change")
        self.assertLess(until, later)

        # The same after a crash: what the journal has above the rows is of its own time.
        tick()
        publish(1200, dns.delete_rrset(owner, "SRV"), dns.add(owner, 60, "SRV", f"0 0 22023 h3.{ZONE}"))
        after = datetime.utcnow()
        self.dnsd.kill()
        tick()
        self.dnsd.start()
        port, changed, _ = times()
        self.assertEqual(port, 22023)
        self.assertLess(since, changed)
        self.assertLessEqual(changed, after)

        # What was imported has been there for nobody knows how long.
        for service in json.loads(self.curl("h2.dyn.example", "/", "-H", "Accept: application/json")[2])["services"]:
            self.assertFalse({"since", "until"} & set(service), service)

    def test_never_an_open_redirect(self):
        self.start()
        there = f"http://direct.h1.dyn.example:{self.web}"
        for path in ("//evil.example/", "/@evil.example", "/%0d%0aSet-Cookie:a", "/..//../", "/\\evil.example"):
            with self.subTest(path):
                status, fields, _ = self.curl("web.h1.dyn.example", path)
                self.assertEqual((status, fields["location"]), (301, there + path))
                self.assertNotIn("set-cookie", fields)
        for host in ("js.dyn.example", "bank.dyn.example", "loop.dyn.example", "evil.example"):
            with self.subTest(host):
                status, fields, page = self.curl(host)
                self.assertIn(status, (200, 404))
                self.assertNotIn("location", fields)
                if host != "loop.dyn.example":
                    self.assertNotIn("href=", page)

    def test_what_is_no_request(self):
        self.start()
        get = b"GET / HTTP/1.1\r\n"
        for what, octets, status in (
                ("no Host", get + b"\r\n", 400),
                ("two Hosts", get + b"Host: web.h1.dyn.example\r\nHost: evil.example\r\n\r\n", 400),
                ("CR in Host", get + b"Host: web.h1.dyn.example\rX: y\r\n\r\n", 400),
                ("user information", get + b"Host: web.h1.dyn.example@evil.example\r\n\r\n", 400),
                ("smuggling", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
                ("a large header", get + b"Host: h\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
                ("many fields", get + b"Host: h\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
                ("a large body", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", 413),
                ("TLS on the plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", 400)):
            with self.subTest(what):
                self.assertRegex(self.raw(octets), rb"^HTTP/1\.1 %d " % status)
        self.assertNotIn(b"HTTP/1.1 301", self.raw(b"GET / HTTP/1.1\r\nHost: web.h1.dyn.example\r\n\r\n", self.https))

    def test_slow_clients_and_dns(self):
        self.start('request-timeout = "2s"\nidle-timeout = "2s"\nmax-connections = 40\nmax-connections-per-client = 30')
        slow = []
        for _ in range(30):
            connection = socket.create_connection(("127.0.0.1", self.http), TIME_LIMIT)
            self.addCleanup(connection.close)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: web.h1.dyn.example\r\nX-")
            slow.append(connection)
        extra = socket.create_connection(("127.0.0.1", self.http), TIME_LIMIT)
        self.addCleanup(extra.close)
        self.assertEqual(extra.recv(1), b"", "a client has its limit")
        for _ in range(50):
            self.assertEqual(self.dnsd.query("web.h1.dyn.example.", "A").rcode, "NOERROR")
        begin = time.monotonic()
        for connection in slow:
            answer = b""
            while more := connection.recv(4096):
                answer += more
            self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)
        self.assertLess(time.monotonic() - begin, TIME_LIMIT)
        self.assertEqual(self.curl("web.h1.dyn.example")[0], 301)

    def common_name(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.https), TIME_LIMIT) as tcp:
            with context.wrap_socket(tcp, server_hostname="h2.dyn.example") as tls:
                version = tls.version()
                ran = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"],
                                     input=tls.getpeercert(True), capture_output=True, check=True)
        return re.search(rb"CN = (\w+)", ran.stdout)[1].decode(), version

    def test_certificate_is_reloaded(self):
        self.start()
        self.assertEqual(self.common_name(), ("first", "TLSv1.3"))
        with open(self.key, "rb") as key:
            first_key = key.read()
        second_certificate, second_key = make_certificate(self.dnsd.folder, "second")
        # The certificate without its key: the first one stays.
        os.replace(second_certificate, self.certificate)
        self.dnsd.running.wait_for("the certificate is as before: key .* is not the key of")
        self.assertEqual(self.common_name()[0], "first")
        os.replace(second_key, self.key)
        self.dnsd.running.wait_for("certificate .* loaded", start=len(self.dnsd.running.lines) - 1)
        self.assertEqual(self.common_name()[0], "second")
        self.assertNotIn(first_key.split(b"\n")[1].decode(), self.dnsd.running.log())

    def test_check_judges_certificate_and_template(self):
        for what, more, said in (
                ("no certificate", 'tls-listen = "127.0.0.1:443"', "needs 'certificate'"),
                ("no such file", 'tls-listen = "127.0.0.1:443"\ncertificate = "none.pem"\nkey = "first.key"', "none.pem"),
                ("another key", 'tls-listen = "127.0.0.1:443"\ncertificate = "first.crt"\nkey = "other.key"',
                 "other.key is not the key of"),
                ("status", 'listen = "127.0.0.1:80"\nredirect = 303', "must be 301, 302, 307 or 308"),
                ("template", 'listen = "127.0.0.1:80"\ntemplate = "bad.html"', "is no mustache")):
            with self.subTest(what):
                make_certificate(self.dnsd.folder, "other")
                self.dnsd.write("bad.html", "{{#services}}")
                config = self.dnsd.write("check.toml", self.dnsd.text + "[http]\n" + more + "\n")
                status, text = run([os.path.join(BIN, "dnsd"), "--check", "--config", config])
                self.assertNotEqual(status, 0)
                self.assertRegex(text, r"check\.toml:\d+: ")
                self.assertIn(said, text)

    @unittest.skipUnless(shutil.which("chromium"), "no chromium here")
    def test_chromium_arrives(self):
        self.start()
        for scheme, port in (("http", self.http), ("https", self.https)):
            with self.subTest(scheme), tempfile.TemporaryDirectory(prefix="dnsd-test-") as profile:
                ran = subprocess.run(
                    ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     f"--user-data-dir={profile}", "--ignore-certificate-errors", "--disable-background-networking",
                     f"--host-resolver-rules=MAP web.h1.dyn.example:{port} 127.0.0.1:{port},MAP *.dyn.example 127.0.0.1",
                     "--dump-dom", f"{scheme}://web.h1.dyn.example:{port}/cam?x=1"],
                    capture_output=True, text=True, timeout=TIME_LIMIT, env={**os.environ, "HOME": profile})
                self.assertIn("arrived at /cam?x=1", ran.stdout, ran.stderr[-2000:])


if __name__ == "__main__":
    main()
