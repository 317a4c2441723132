"""Self-service: what a subscriber does with a browser and the key of the host, over HTTPS."""
import base64
import os
import re

import dns
from harness import TIME_LIMIT, Dnsd, SystemTest, free_port, key, main, make_certificate, run

HOST = "h1.dyn.example"
GRANT = ('names = ["self", "below-self"]\ntypes = ["service"]\n'
         'addresses = ["198.51.100.0/24", "2001:db8::/32"]\nports = "1024-65535"\nmax-lease = "1h"')


class Account(SystemTest):
    def setUp(self):
        self.plain, self.https = free_port(), free_port()
        tables = (f'[http]\nlisten = "127.0.0.1:{self.plain}"\ntls-listen = "127.0.0.1:{self.https}"\n'
                  'certificate = "cert.pem"\nkey = "key.pem"\nnames = ["localhost"]\naccount = true\ndyndns = true\n')
        self.key = key(HOST + ".")
        self.other = dns.Key("h2.dyn.example.", base64.b64encode(bytes(range(32))).decode())
        self.dnsd = Dnsd(self, keys=[self.key, self.other], grants=[(self.key.name, GRANT), (self.other.name, GRANT)],
                         tables=tables)
        self.certificate = os.path.join(self.dnsd.folder, "cert.pem")
        make_certificate(self.certificate, os.path.join(self.dnsd.folder, "key.pem"), "DNS:localhost")
        self.dnsd.start()

    def tearDown(self):
        self.assertNotIn(self.key.secret, self.dnsd.running.log())
        self.dnsd.stop()

    def curl(self, *options, query="", login=None, tls=True, path="/account/"):
        """Status, headers and body."""
        login = f"{HOST}:{self.key.secret}" if login is None else login
        url = f"https://localhost:{self.https}" if tls else f"http://127.0.0.1:{self.plain}"
        words = ["curl", "-s", "-i", "-m", TIME_LIMIT, "--ipv4", "--cacert", self.certificate, *options]
        if login:
            words += ["-u", login]
        status, text = run([*words, f"{url}{path}{query}"])
        self.assertEqual(status, 0, text)
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        return int(head.split()[1]), head, body

    def token(self, **login):
        return re.search(r'name="token" value="([0-9a-f]+)"', self.curl(**login)[2]).group(1)

    def send(self, *fields, token=None, options=(), **login):
        words = []
        for field in (f"hostname={HOST}", f"token={self.token() if token is None else token}", *fields):
            words += ["--data-urlencode", field]
        return self.curl(*words, *options, **login)

    def test_announces_by_hand_and_shows_what_happened(self):
        status, head, body = self.curl()
        self.assertEqual(status, 200)
        self.assertIn("no-store", head)
        self.assertIn("default-src 'none'", head)
        self.assertNotIn(self.key.secret, body)
        self.assertIn("Nothing that is still kept", body)
        status, head, _ = self.send("myip=198.51.100.7", "service=http", "port=8001")
        self.assertEqual(status, 303)
        self.assertIn(f"/account/?host={HOST}.&decided=good", head)
        self.assertEqual(self.dnsd.dig("+short", f"_http._tcp.{HOST}", "SRV"), f"0 0 8001 {HOST}.\n")
        _, _, body = self.curl(query=f"?host={HOST}&decided=good")
        self.assertIn("stored and published", body)
        self.assertIn("198.51.100.7", body)
        self.assertRegex(body, r"since <time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</time>, by the key h1.dyn.example from 127.0.0.1")
        self.assertRegex(body, r"until <time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</time>")
        self.assertIn("external-port = 8001", body)  # the agent's configuration
        self.assertRegex(body, r"\+ h1\.dyn\.example\.\s+60\s+IN\s+A\s+198\.51\.100\.7")
        # Nothing answered is lost, and the history with it.
        self.dnsd.kill()
        self.dnsd.start()
        _, _, body = self.curl()
        self.assertRegex(body, r"\+ h1\.dyn\.example\.\s+60\s+IN\s+A\s+198\.51\.100\.7")
        status, head, _ = self.send("offline=yes")
        self.assertIn("decided=good", head)
        self.assertEqual(self.dnsd.dig("+short", HOST, "A"), "")

    def test_grants_hold(self):
        for fields, word in [(["myip=8.8.8.8"], "dnserr"), (["myip=198.51.100.7", "service=http", "port=80"], "dnserr"),
                             (["myip=here"], "badagent"), (["myip="], "badagent"),
                             (["myip=198.51.100.7", "service=http"], "badagent"),
                             (["myip=198.51.100.7", "service=http", "port=99999"], "badagent")]:
            with self.subTest(fields):
                status, head, _ = self.send(*fields)
                self.assertEqual(status, 303)
                self.assertIn(f"decided={word}", head)
        self.assertEqual(self.dnsd.dig("+short", HOST, "A"), "")

    def test_nobody_sees_or_alters_what_is_not_theirs(self):
        other = f"h2.dyn.example:{self.other.secret}"
        self.assertEqual(self.curl(query=f"?host={HOST}", login=other)[0], 403)
        self.assertEqual(self.curl(query="?host=dyn.example")[0], 403)
        # A form of another key's page, and one of mine for another's name.
        self.assertEqual(self.send("myip=198.51.100.7", token=self.token(login=other))[0], 403)
        status, head, _ = self.send("myip=198.51.100.7", token=self.token(login=other), login=other)
        self.assertIn("decided=nohost", head)
        self.assertEqual(self.dnsd.dig("+short", HOST, "A"), "")
        # Forms that a page of another site sends with the login that a browser remembers.
        self.assertEqual(self.send("myip=198.51.100.7", token="")[0], 403)
        self.assertEqual(self.send("myip=198.51.100.7", token="0" * 32)[0], 403)
        origin = f"https://localhost:{self.https}"
        for field, status in (("Sec-Fetch-Site: cross-site", 403), ("Sec-Fetch-Site: same-site", 403), ("Origin: null", 403),
                              ("Origin: https://evil.example", 403), (f"Origin: {origin}0", 403),
                              (f"Origin: {origin}.evil.example", 403), ("Referer: https://localhost/account/", 403),
                              (f"Referer: https://evil.example/{origin}/", 403)):
            with self.subTest(field):
                self.assertEqual(self.send("myip=198.51.100.7", options=["-H", field])[0], status)
                # The same with an address that a picture of that site has.
                status, _, body = self.curl("-H", field, path=f"/nic/update?hostname={HOST}&myip=198.51.100.7")
                self.assertEqual((status, body), (403, "badagent\n"))
        self.assertEqual(self.dnsd.dig("+short", HOST, "A"), "")

    def test_what_the_page_itself_sends(self):
        origin = f"https://localhost:{self.https}"
        for number, field in enumerate((f"Origin: {origin}", f"Referer: {origin}/account/?host=x", "Sec-Fetch-Site: same-origin")):
            self.assertIn("decided=good", self.send(f"myip=198.51.100.{number}", options=["-H", field])[1])

    def test_its_short_path(self):
        status, head, _ = self.curl(path="/account", query="?host=h1.dyn.example", login="")
        self.assertEqual(status, 307)
        self.assertIn("Location: /account/?host=h1.dyn.example\n", head + "\n")

    def test_login(self):
        for login in ("", f"{HOST}:c2VjcmV0", f"{HOST}:{self.other.secret}", f"nobody.example:{self.key.secret}"):
            status, head, _ = self.curl(login=login)
            self.assertEqual(status, 401)
            self.assertIn("WWW-Authenticate: Basic", head)
        self.assertEqual(self.curl(tls=False)[0], 403)
        self.assertEqual(self.curl("-X", "DELETE")[0], 405)

    def test_what_was_published_is_escaped(self):
        answer = self.dnsd.update(dns.add(HOST + ".", 60, "TXT", "<script>alert(1)</script>"))
        self.assertEqual(answer.rcode, "NOERROR")
        body = self.curl(query=f"?host={HOST}&decided=<script>")[2]
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", body)
        self.assertNotIn("<script", body)

    def test_a_path_of_a_published_host_is_that_hosts(self):
        self.assertNotEqual(self.curl("-H", f"Host: {HOST}")[0], 401)


if __name__ == "__main__":
    main()
