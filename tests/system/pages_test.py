"""The pages as people see them: axe-core finds nothing to complain about, on a phone and a desktop, dark and light.

Screenshots of all are left in the build's folder, in screenshots/, for somebody to look at.
"""
import os
import shutil
import time
import unittest
from urllib.parse import quote
from urllib.request import Request, urlopen

import dns
from chromium import Chromium
from harness import BIN, TIME_LIMIT, Dnsd, SystemTest, free_port, key, main, make_certificate

AXE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "axe/node_modules/axe-core/axe.min.js")
SCREENSHOTS = os.path.join(BIN, "../screenshots")
HOST = "h1.dyn.example"
LOOKS = {"phone": (390, 844, True), "desktop": (1280, 800, False)}
ZONE_TEXT = """\
$ORIGIN dyn.example.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 604800 60
@ IN NS ns
ns IN A 127.0.0.1
h1 IN A 127.0.0.1
direct.h1 IN A 192.0.2.1
_http._tcp.h1 IN SRV 0 0 8001 direct.h1
_http._tcp.h1 IN TXT "path=/cam" "note=The camera above the door, which sees who comes and who goes" "endpoint=192.0.2.1:8001"
_https._tcp.h1 IN SRV 0 0 6000 direct.h1
_ssh._tcp.h1 IN SRV 0 0 22022 direct.h1
_minecraft._tcp.h1 IN SRV 0 0 25565 direct.h1
_x-unheard-of._udp.h1 IN SRV 0 0 4711 a-host-with-quite-a-long-name-of-its-own.somewhere-else.example.
_xmpp-client._tcp.h1 IN SRV 5 0 5222 direct.h1
nothing IN A 127.0.0.1
"""


@unittest.skipUnless(shutil.which("chromium") and os.path.exists(AXE), "no chromium or axe-core: tools/setup test")
class Pages(SystemTest):
    def setUp(self):
        self.http, self.https = free_port(), free_port()
        self.key = key(HOST + ".")
        tables = (f'[http]\nlisten = "127.0.0.1:{self.http}"\ntls-listen = "127.0.0.1:{self.https}"\n'
                  'certificate = "cert.pem"\nkey = "key.pem"\nnames = ["localhost"]\naccount = true\ndyndns = true\n')
        grant = 'names = ["self", "below-self"]\ntypes = ["service"]\naddresses = ["198.51.100.0/24"]\nmax-lease = "1h"'
        self.dnsd = Dnsd(self, keys=[self.key], grants=[(self.key.name, grant)], zone_text=ZONE_TEXT, tables=tables)
        make_certificate(os.path.join(self.dnsd.folder, "cert.pem"), os.path.join(self.dnsd.folder, "key.pem"), "DNS:localhost")
        self.dnsd.start()
        self.browser = Chromium(self, "--host-resolver-rules=MAP *.dyn.example 127.0.0.1", "--ignore-certificate-errors")
        with open(AXE) as source:
            self.axe = source.read()

    def look_at(self, name, url):
        os.makedirs(SCREENSHOTS, exist_ok=True)
        for device, (width, height, mobile) in LOOKS.items():
            for scheme in ("light", "dark"):
                with self.subTest(page=name, device=device, scheme=scheme):
                    self.browser.show_as(width, height, scheme, mobile)
                    self.assertEqual(self.browser.visit(url), "")
                    self.browser.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
                    self.browser.screenshot(os.path.join(SCREENSHOTS, f"{name}-{device}-{scheme}.png"))
                    self.browser.evaluate(self.axe + "\n;0")
                    found = self.browser.evaluate("axe.run().then(all => all.violations.map("
                                                  "one => [one.id, one.help, one.nodes.map(node => node.html)]))")
                    self.assertEqual(found, [])
                    self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), width, "it fits")

    def statuses(self, *paths):
        """Of requests by the browser, which asks nobody for a login."""
        urls = [f"https://localhost:{self.https}{path}" for path in paths]
        answers = []
        for url in urls:
            self.browser.visit(url)
            answers.append(self.browser.evaluate("performance.getEntriesByType('navigation')[0].responseStatus"))
        return answers

    def test_portal(self):
        self.dnsd.update(dns.add(f"_sip._udp.{HOST}.", 60, "SRV", f"0 0 5070 {HOST}."))  # with the grant's lease
        page = Request(f"http://127.0.0.1:{self.http}/?portal", headers={"Host": HOST})
        end = time.monotonic() + TIME_LIMIT
        while b"Until" not in urlopen(page).read():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.look_at("portal", f"http://{HOST}:{self.http}/?portal")
        self.look_at("portal-nothing", f"http://nothing.dyn.example:{self.http}/")
        self.look_at("portal-404", f"http://nobody.dyn.example:{self.http}/")

    def test_account(self):
        for update in (dns.add(HOST + ".", 60, "A", "198.51.100.7"),
                       dns.add(f"_sip._udp.{HOST}.", 60, "SRV", f"0 0 5060 {HOST}."),
                       dns.add(f"_acme-challenge.{HOST}.", 60, "A", "203.0.113.1"),
                       dns.add(f"_http._tcp.{HOST}.", 60, "TXT", "note=" + "a long text " * 15)):
            self.dnsd.update(update)
        login = f"{quote(HOST)}:{quote(self.key.secret, safe='')}"
        self.look_at("account", f"https://{login}@localhost:{self.https}/account/?decided=good")
        self.look_at("account-refused", f"https://localhost:{self.https}/account/?decided=dnserr")
        # The login that the browser remembers is for this page alone: no picture on a page of another site updates by it.
        self.assertEqual(self.statuses("/account/?host=h1.dyn.example", "/nic/update?hostname=h1.dyn.example"), [200, 401])


if __name__ == "__main__":
    main()
