"""pcp-ddns with providers that speak dyndns2 over HTTPS: dnsd itself, and a scripted one."""
import http.server
import os
import ssl
import threading
import time
import urllib.parse

from harness import BIN, Dnsd, Process, SystemTest, free_port, key, main, make_certificate, run
from pcp import PcpServer

HOST = "h1.dyn.example"
WEB = f"_http._tcp.{HOST}"
SERVICE = f'[[service]]\nhost = "{HOST}."\ntype = "_http._tcp"\nport = 8000\nexternal-port = 8001\n'
GRANT = 'names = ["self", "below-self"]\ntypes = ["service"]\naddresses = ["198.51.100.0/24"]\nports = "1024-65535"'


class Scripted:
    """Answers each request with the next of its words, the last one again and again."""

    def __init__(self, case, folder, words):
        self.words, self.requests = list(words), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, self.headers["User-Agent"], self.headers["Host"]))
                status, body, *fields = outer.words.pop(0) if len(outer.words) > 1 else outer.words[0]
                self.send_response(status)
                for field in fields:
                    self.send_header(*field)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.server.server_close)
        case.addCleanup(self.server.shutdown)


class Dyndns(SystemTest):
    def set_up(self, words=None, services=SERVICE, more="", name="localhost", password=None):
        """With `words`, the scripted provider; else dnsd."""
        self.https = free_port()
        one = key(HOST + ".")
        self.password = password or one.secret
        self.dnsd = Dnsd(self, keys=[one], grants=[(one.name, GRANT)], tables=(
            f'[http]\ntls-listen = "127.0.0.1:{self.https}"\ncertificate = "cert.pem"\nkey = "key.pem"\n'
            'names = ["localhost"]\ndyndns = true\n'))
        make_certificate(os.path.join(self.dnsd.folder, "cert.pem"), os.path.join(self.dnsd.folder, "key.pem"), f"DNS:{name}")
        if words:
            self.provider = Scripted(self, self.dnsd.folder, words)
            self.https = self.provider.port
        self.dnsd.start()
        self.pcp = PcpServer(self)
        os.chmod(self.dnsd.write("password", self.password + "\n"), 0o600)
        self.config = self.dnsd.write("agent.toml", f"""
            state = "agent.state"
            [log]
            level = "debug"
            [pcp]
            servers = ["{self.pcp.name}"]
            accept-external = ["198.51.100.0/24"]
            [[provider]]
            name = "club"
            protocol = "dyndns2"
            server = "localhost:{self.https}"
            login = "{HOST}"
            password-file = "password"
            ca-file = "cert.pem"
            {more}
            """ + services)
        self.start_agent()

    def start_agent(self):
        self.agent = Process([os.path.join(BIN, "pcp-ddns"), "--config", self.config])
        self.addCleanup(self.dnsd.make_sure_it_ended, self.agent)
        self.addCleanup(lambda: self.assertNotIn(self.password, self.agent.log()))

    def command(self, word):
        return run([os.path.join(BIN, "pcp-ddns"), word, "--config", self.config])

    def records(self):
        return tuple(self.dnsd.dig("+short", owner, rtype).strip() for owner, rtype in ((HOST, "A"), (WEB, "SRV")))

    def wait_for_records(self, *want):
        begin = time.monotonic()
        while self.records() != want:
            self.assertLess(time.monotonic() - begin, 30, f"{self.records()}\n{self.agent.log()}")
            time.sleep(0.05)

    def test_dnsd_with_ports(self):
        self.set_up(more="ports = true")
        self.wait_for_records("198.51.100.1", f"0 0 8001 {HOST}.")
        self.pcp.update(external="198.51.100.7", port=9001)
        self.wait_for_records("198.51.100.7", f"0 0 9001 {HOST}.")
        self.assertIn("mapped, published", self.command("status")[1])
        # What is there is known after a restart, and taken away on a clean stop.
        self.agent.kill()
        self.start_agent()
        self.agent.wait_for(f"club: {HOST}. 198.51.100.7, _http._tcp at port 9001 was there already")
        self.assertEqual(self.agent.terminate(), 0)
        self.assertEqual(self.records(), ("", ""))
        code, text = self.command("check")
        self.assertEqual(code, 0, text)
        self.assertIn("ok      provider club at localhost takes the login", text)
        self.dnsd.stop()

    def test_addresses_alone(self):
        self.set_up()
        self.wait_for_records("198.51.100.1", "")
        self.pcp.update(port=9001)
        self.agent.wait_for("is mapped to 198.51.100.1:9001")
        self.assertEqual(self.agent.terminate(), 0)
        self.assertEqual(self.records(), ("198.51.100.1", ""), "dyndns2 has no word to take a name away")
        self.dnsd.stop()

    def test_what_is_sent(self):
        self.set_up(words=[(200, "good 198.51.100.1\r\n")], more='path = "/v3/update"')
        self.agent.wait_for("is published")
        (path, agent, host), = self.provider.requests
        self.assertEqual(urllib.parse.parse_qs(urllib.parse.urlsplit(path).query),
                         {"hostname": [HOST], "myip": ["198.51.100.1"]})
        self.assertTrue(path.startswith("/v3/update?") and agent.startswith("pcp-ddns/"), (path, agent))
        self.assertEqual(host, f"localhost:{self.https}")

    def test_a_refused_login_is_not_tried_again(self):
        self.set_up(words=[(401, "badauth")])
        self.agent.wait_for("club: h1.dyn.example.: badauth: login or password is wrong; not tried again before a restart")
        self.pcp.update(external="198.51.100.7")
        self.agent.wait_for("is mapped to 198.51.100.7")
        time.sleep(2)
        self.assertEqual(len(self.provider.requests), 1)
        self.assertIn("badauth: login or password is wrong", self.command("status")[1])
        code, text = self.command("check")
        self.assertEqual(code, 1, text)
        self.assertIn("FAILED  provider club at localhost does not know this login and password", text)

    def test_a_provider_that_wants_to_be_left_alone(self):
        self.set_up(words=[(200, "w3s"), (200, "good")])
        self.agent.wait_for("w3s: the provider wants to be left alone")
        begin = time.monotonic()
        self.agent.wait_for("is published")
        self.assertGreater(time.monotonic() - begin, 2)

    def test_a_refusal_is_judged_however_long_it_is(self):
        self.set_up(words=[(503, "<html>" + 20_000 * "x", ("Retry-After", "7")), (200, "good")])
        self.agent.wait_for("911: the provider has failed; next try in [789] s")

    def test_the_certificate_has_to_be_the_servers(self):
        self.set_up(words=[(200, "good")], name="elsewhere.example")
        self.agent.wait_for(r"no TLS with localhost port \d+: hostname mismatch")
        self.assertEqual(self.provider.requests, [])

    def test_memory_with_ten_services(self):
        if "DNSD_SANITIZED" in os.environ:
            self.skipTest("a sanitizer has its own memory")
        services = "".join(SERVICE.replace("h1.", f"h{i}.").replace("8000", str(8000 + i)) for i in range(10))
        self.set_up(words=[(200, "good")], services=services)
        begin = time.monotonic()
        while len({path for path, *_ in self.provider.requests}) < 10:
            self.assertLess(time.monotonic() - begin, 30, self.agent.log())
            time.sleep(0.05)
        with open(f"/proc/{self.agent.pid}/status") as status:
            peak = {line.split()[0]: int(line.split()[1]) for line in status if line.startswith(("VmHWM", "VmRSS"))}
        print(", ".join(f"{name} {size / 1024:.1f} MiB" for name, size in peak.items()))
        self.assertLess(peak["VmRSS:"], 16 * 1024)


if __name__ == "__main__":
    main()
