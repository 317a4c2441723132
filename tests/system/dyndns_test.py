"""dyndns2 as routers speak it: curl, and ddclient and inadyn from Debian, unchanged, over HTTP and HTTPS."""
import os
import shutil

from harness import BIN, TIME_LIMIT, Dnsd, SystemTest, free_port, key, main, make_certificate, run

HOST = "h1.dyn.example"
GRANT = ('names = ["self", "below-self"]\ntypes = ["service"]\n'
         'addresses = ["source", "198.51.100.0/24", "2001:db8::/32"]\nports = "1024-65535"')


class DynDns(SystemTest):
    def server(self, plain=True, grant=GRANT, extra=()):
        self.http, self.https = free_port(), free_port()
        tables = (f'[http]\nlisten = "127.0.0.1:{self.http}"\ntls-listen = "127.0.0.1:{self.https}"\n'
                  'certificate = "cert.pem"\nkey = "key.pem"\nnames = ["localhost"]\n'
                  f'dyndns = true\ndyndns-plain = {"true" if plain else "false"}\n')
        one = key(HOST + ".")
        dnsd = Dnsd(self, keys=[one], grants=[(one.name, grant), *extra], tables=tables)
        make_certificate(os.path.join(dnsd.folder, "cert.pem"), os.path.join(dnsd.folder, "key.pem"), "DNS:localhost",
                         "IP:127.0.0.1")
        self.secret = one.secret
        self.addCleanup(self.no_secret_in_the_log, dnsd)
        return dnsd.start()

    def no_secret_in_the_log(self, dnsd):
        self.assertNotIn(self.secret, dnsd.running.log())

    def curl(self, query, *options, path="/nic/update", tls=False, login=None):
        """Status and body."""
        login = login if login is not None else f"{HOST}:{self.secret}"
        url = f"https://localhost:{self.https}" if tls else f"http://127.0.0.1:{self.http}"
        words = ["curl", "-s", "-m", TIME_LIMIT, "--ipv4", "-w", "%{http_code}", *options]
        if login:
            words += ["-u", login]
        status, text = run([*words, f"{url}{path}?{query}"])
        self.assertEqual(status, 0, text)
        return int(text[-3:]), text[:-3]

    def addresses(self, dnsd, rtype, name=HOST):
        return sorted(dnsd.dig("+short", name, rtype).split())

    def test_words(self):
        dnsd = self.server()
        rows = [
            (f"hostname={HOST}&myip=198.51.100.7", 200, "good 198.51.100.7\n"),
            (f"hostname={HOST}&myip=198.51.100.7", 200, "nochg 198.51.100.7\n"),
            (f"hostname={HOST}&myip=2001:db8::7", 200, "good 2001:db8::7\n"),
            (f"hostname={HOST}", 200, "good 127.0.0.1\n"),  # from where it came
            (f"hostname={HOST}&myip=", 200, "nochg 127.0.0.1\n"),
            (f"hostname={HOST}&myip=198.51.100.8,2001:db8::8", 200, "good 198.51.100.8,2001:db8::8\n"),
            (f"hostname={HOST}&myip=198.51.100.9&myipv6=2001:db8::9", 200, "good 198.51.100.9,2001:db8::9\n"),
            (f"hostname=a.{HOST},www.dyn.example,{HOST}&myip=198.51.100.9", 200,
             "good 198.51.100.9\nnohost\nnochg 198.51.100.9\n"),
            ("hostname=www.example.net&myip=198.51.100.9", 200, "nohost\n"),
            ("hostname=h1&myip=198.51.100.9", 200, "notfqdn\n"),
            ("myip=198.51.100.9", 200, "notfqdn\n"),
            (f"hostname={HOST}&myip=8.8.8.8", 200, "dnserr\n"),  # no address that could be this subscriber's
            (f"hostname={HOST}&myip=here", 200, "badagent\n"),
            ("hostname=" + ",".join([HOST] * 21), 200, "numhost\n"),
        ]
        for query, status, body in rows:
            with self.subTest(query):
                self.assertEqual(self.curl(query), (status, body))
        self.assertEqual(self.addresses(dnsd, "A"), ["198.51.100.9"])
        self.assertEqual(self.addresses(dnsd, "AAAA"), ["2001:db8::9"])
        self.assertEqual(self.addresses(dnsd, "A", "www.dyn.example"), ["192.0.2.80"])
        certificate = os.path.join(dnsd.folder, "cert.pem")
        self.assertEqual(self.curl(f"hostname={HOST}&myip=198.51.100.9", "--cacert", certificate,
                                   path="/v3/update", tls=True), (200, "nochg 198.51.100.9\n"))
        self.assertEqual(self.curl(f"hostname={HOST}", login=f"{HOST}:c2VjcmV0"), (401, "badauth\n"))
        self.assertEqual(self.curl(f"hostname={HOST}", login=""), (401, "badauth\n"))
        self.assertIn("Current IP Address: 127.0.0.1<", self.curl("", path="/checkip", login="")[1])
        dnsd.stop()

    def test_a_path_of_a_published_host_is_that_hosts(self):
        dnsd = self.server()
        status, body = self.curl(f"hostname={HOST}", "-H", f"Host: {HOST}")
        self.assertNotIn("good", body)
        self.assertNotEqual(status, 401)
        dnsd.stop()

    def test_a_service_with_its_port(self):
        dnsd = self.server()
        query = f"hostname={HOST}&myip=198.51.100.7&service=_http._tcp&port="
        self.assertEqual(self.curl(query + "8001"), (200, "good 198.51.100.7\n"))
        self.assertEqual(self.curl(query + "8001"), (200, "nochg 198.51.100.7\n"))
        self.assertEqual(self.curl(query + "8002"), (200, "good 198.51.100.7\n"))
        self.assertEqual(self.curl(query + "80"), (200, "dnserr\n"))  # not of the grant's ports
        self.assertEqual(dnsd.dig("+short", f"_http._tcp.{HOST}", "SRV"), f"0 0 8002 {HOST}.\n")
        self.assertEqual(dnsd.dig("+short", f"_http._tcp.{HOST}", "TXT"), '"endpoint=198.51.100.7:8002"\n')
        dnsd.stop()

    def test_good_survives_a_kill(self):
        dnsd = self.server()
        for number in range(1, 6):
            self.assertEqual(self.curl(f"hostname={HOST}&myip=198.51.100.{number}"),
                             (200, f"good 198.51.100.{number}\n"))
            dnsd.kill()
            dnsd.start()
            self.assertEqual(self.addresses(dnsd, "A"), [f"198.51.100.{number}"])
            self.assertEqual(self.curl(f"hostname={HOST}&myip=198.51.100.{number}"),
                             (200, f"nochg 198.51.100.{number}\n"))
        dnsd.stop()

    def test_rate_and_lease_of_the_grant_hold(self):
        dnsd = self.server(grant=GRANT + '\nrate = "2/min"\nmax-lease = "1h"')
        bodies = [self.curl(f"hostname={HOST}&myip=198.51.100.{number}")[1] for number in range(1, 4)]
        self.assertEqual(bodies, ["good 198.51.100.1\n", "good 198.51.100.2\n", "abuse\n"])
        dnsd.stop()
        status, text = run([os.path.join(BIN, "dnsdctl"), "lease", "list", "--store",
                            dnsd.store])
        self.assertEqual(status, 0, text)
        self.assertIn("h1.dyn.example.", text)

    def test_without_tls_only_where_it_is_allowed(self):
        dnsd = self.server(plain=False)
        query = f"hostname={HOST}&myip=198.51.100.7"
        self.assertEqual(self.curl(query), (403, "badauth\n"))
        dnsd.running.wait_for("came without TLS")
        self.assertEqual(self.addresses(dnsd, "A"), [])
        self.assertEqual(self.curl(query, "-k", tls=True), (200, "good 198.51.100.7\n"))
        dnsd.stop()

    def ddclient(self, dnsd, address, tls):
        """One run of it; its output."""
        folder = dnsd.folder
        path = dnsd.write("ddclient.conf", f"""\
daemon=0
ssl={"yes" if tls else "no"}
ssl_ca_file={os.path.join(folder, "cert.pem")}
use=ip, ip={address}
protocol=dyndns2
server=127.0.0.1:{self.https if tls else self.http}
login={HOST}
password='{self.secret}'
{HOST}
""")
        os.chmod(path, 0o600)
        cache = os.path.join(folder, "ddclient.cache")
        if os.path.exists(cache):
            os.remove(cache)
        command = [shutil.which("ddclient"), "-file", path, "-cache", cache, "-daemon=0", "-verbose", "-noquiet", "-force"]
        return run(command)[1]

    def test_ddclient(self):
        dnsd = self.server()
        for number, tls in ((31, False), (32, True)):
            text = self.ddclient(dnsd, f"198.51.100.{number}", tls)
            self.assertRegex(text, rf"SUCCESS:.*{HOST}", text)
            self.assertEqual(self.addresses(dnsd, "A"), [f"198.51.100.{number}"])
        self.assertRegex(self.ddclient(dnsd, "198.51.100.32", False), "nochg|no change|SUCCESS")
        self.assertIn("dnserr", self.ddclient(dnsd, "8.8.8.8", False).lower())
        dnsd.stop()

    def inadyn(self, dnsd, address, tls):
        """One run of it: exit status and output. Its own address it asks of a command."""
        server = f"localhost:{self.https}" if tls else f"127.0.0.1:{self.http}"
        script = dnsd.write("address", f"#!/bin/sh\necho {address}\n")
        os.chmod(script, 0o755)
        path = dnsd.write("inadyn.conf", f"""\
iterations = 1
ca-trust-file = "{os.path.join(dnsd.folder, "cert.pem")}"
custom dnsd {{
    username = "{HOST}"
    password = "{self.secret}"
    ddns-server = "{server}"
    ddns-path = "/nic/update?hostname=%h&myip=%i"
    hostname = "{HOST}"
    ssl = {"true" if tls else "false"}
    checkip-command = "{script}"
}}
""")
        os.chmod(path, 0o600)
        cache = os.path.join(dnsd.folder, "cache")
        shutil.rmtree(cache, ignore_errors=True)
        return run([shutil.which("inadyn"), "--once", "--force", "--foreground", "--config", path, "--cache-dir", cache,
                    "--pidfile", os.path.join(dnsd.folder, "inadyn.pid"), "--loglevel", "debug"])

    def test_inadyn(self):
        dnsd = self.server()
        for number, tls in ((41, False), (42, True)):
            status, text = self.inadyn(dnsd, f"198.51.100.{number}", tls)
            self.assertEqual(status, 0, text)
            self.assertEqual(self.addresses(dnsd, "A"), [f"198.51.100.{number}"], text)
        status, text = self.inadyn(dnsd, "198.51.100.42", True)  # nochg
        self.assertEqual(status, 0, text)
        self.secret, secret = "AAAAAAAAAAAAAAAAAAAAAA==", self.secret
        self.assertNotEqual(self.inadyn(dnsd, "198.51.100.43", False)[0], 0)
        self.secret = secret
        self.assertEqual(self.addresses(dnsd, "A"), ["198.51.100.42"])
        dnsd.stop()


if __name__ == "__main__":
    main()
