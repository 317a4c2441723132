"""pcp-ddns behind a real CGN, by each protocol that gives mappings."""
import json
import time

from cgn import CGN, SERVER, CgnTest
from harness import ZONE, main


class Cgn(CgnTest):
    def test_a_visitor_follows_the_name(self):
        self.set_up()
        took = {"start": self.wait_for_visit(("11.0.0.1", 8001, "welcome"))}
        time.sleep(3)
        self.renumber()
        took["renumbered"] = self.wait_for_visit(("11.0.0.77", 8001, "welcome"))
        # The PCP server loses all, and another one has the port when it comes back.
        time.sleep(3)
        self.stop_pcp()
        self.lose_mappings()
        self.assertIsNone(self.visit())
        self.start_pcp()
        took["restarted"] = self.wait_for_visit(("11.0.0.77", 8001, "welcome"))
        # This host moves.
        self.net.ip("host", "addr del 10.64.0.2/24 dev eth0", "addr add 10.64.0.9/24 dev eth0", f"route add default via {CGN}")
        took["moved"] = self.wait_for_visit(("11.0.0.77", 8002, "welcome"))
        print(", ".join(f"{what}: {seconds:.1f} s" for what, seconds in took.items()))
        self.assertEqual(self.agent.terminate(), 0)
        self.assertIsNone(self.visit())
        self.assertNotIn("dport 8002", self.net.run("cgn", "nft", "list", "ruleset"))
        self.assertEqual(self.server.terminate(), 0)

    def test_the_name_leads_to_the_portal(self):
        # RFC 7393 figure 4: address and port of the portal are at the name, and of the service where SRV leads.
        self.set_up(provider=f'server = "{SERVER}"\nportal = ["{SERVER}"]\nportal-port = 8080', service="portal = true",
                    tables=f'[http]\nlisten = "{SERVER}:8080"\naddresses = ["{SERVER}"]\n')
        self.wait_for_visit(("11.0.0.1", 8001, "welcome"))
        dig = ["dig", f"@{SERVER}", "+short", "h1.dyn.example."]
        self.assertEqual(self.visitor(*dig, "A"), f"{SERVER}\n")
        self.assertEqual(self.visitor(*dig, "URI"), '0 0 "http://h1.dyn.example:8080/?portal"\n')
        curl = ["curl", "-s", "--resolve", f"h1.dyn.example:8080:{SERVER}", "-H", "Accept: application/json"]
        page = json.loads(self.visitor(*curl, "http://h1.dyn.example:8080/?portal"))
        self.assertEqual([(one["service"], one["host"], one["port"]) for one in page["services"]],
                         [("http", "direct.h1.dyn.example", 8001)], "the portal itself is none")
        self.assertEqual(self.visitor(*curl, "-w", "%{redirect_url}", "-o", "/dev/null", "http://h1.dyn.example:8080/cam"),
                         "http://direct.h1.dyn.example:8001/cam")
        self.assertEqual(self.agent.terminate(), 0)
        self.assertEqual(self.visitor(*dig, "URI") + self.visitor(*dig, "A"), "")
        self.assertEqual(self.server.terminate(), 0)

    def test_by_nat_pmp(self):
        self.set_up(pcp='protocols = ["nat-pmp"]')
        took = {"start": self.wait_for_visit(("11.0.0.1", 8001, "welcome"))}
        self.agent.wait_for("NAT-PMP server 10.64.0.1, asked from 10.64.0.2")
        time.sleep(3)
        self.renumber()
        took["renumbered"] = self.wait_for_visit(("11.0.0.77", 8001, "welcome"))
        self.leave("8001")
        print("NAT-PMP:", ", ".join(f"{what}: {seconds:.1f} s" for what, seconds in took.items()))

    def test_by_upnp_where_there_is_nothing_newer(self):
        self.set_up(pcp='probe-interval = "10s"', natpmp="no", upnp="yes")
        took = {"start": self.wait_for_visit(("11.0.0.1", 8001, "welcome"), 90)}
        # RFC 6887 8.1, RFC 7723: those that are newer were asked first.
        log = self.agent.log()
        asked = [log.index(way) for way in ("PCP server 10.64.0.1 does not answer", "NAT-PMP server 10.64.0.1 does not answer",
                                            "PCP server 192.0.0.9 does not answer", "UPnP gateway, asked from 10.64.0.2")]
        self.assertEqual(asked, sorted(asked), log)
        self.renumber()
        took["renumbered"] = self.wait_for_visit(("11.0.0.77", 8001, "welcome"), 60)
        self.leave("8001")
        print("UPnP:", ", ".join(f"{what}: {seconds:.1f} s" for what, seconds in took.items()))

    def test_one_port_or_none_where_the_server_gives_another(self):
        # miniupnpd takes PREFER_FAILURE and gives the next port all the same.
        self.before_the_agent = lambda: self.neighbour(8001)
        self.set_up(service="prefer-failure = true")
        self.agent.wait_for("the server gives port 8002 instead of 8001; asked again in 30 s")
        self.assertIsNone(self.visit())
        # It is given back in a message of its own, after the line in the log.
        ends = time.monotonic() + 10
        while "dport 8002" in (rules := self.net.run("cgn", "nft", "list", "ruleset")):
            self.assertLess(time.monotonic(), ends, rules)
            time.sleep(0.1)
        self.neighbour(8001, 0)
        print(f"the port is free: {self.wait_for_visit(('11.0.0.1', 8001, 'welcome'), 60):.1f} s")
        self.leave("8001")

    def checks(self, want, **more):
        """What pcp-ddns check tells of the gateway."""
        self.set_up(**more)
        code, text = self.check()
        self.assertEqual(code, 0, text)
        self.assertRegex(text, "(?m)" + want)
        self.assertNotIn("FAILED", text)

    def test_a_set_of_ports(self):
        """miniupnpd takes PORT_SET (RFC 7753) for malformed: it is asked for one port."""
        self.set_up(service=f'[[service]]\nhost = "h1.{ZONE}"\ntype = "_sip._udp"\nport = 5070\nexternal-port = 6070\nport-count = 4\n')
        self.agent.wait_for(r"udp port 5070 is mapped to 11\.0\.0\.1:6070 for")
        self.agent.wait_for("udp port 5070: 1 of 4 ports were given")
        self.wait_for_visit(("11.0.0.1", 8001, "welcome"))

    def test_check_by_pcp(self):
        self.checks(r"ok      PCP server 10\.64\.0\.1, asked from 10\.64\.0\.2, answers; its epoch is \d+ s$(.|\n)*"
                    r"ok      this host's own traffic to 11\.0\.0\.10#53 comes from 11\.0\.0\.1:\d+$")
        self.net.ip("host", "route del default")
        self.assertRegex(self.check()[1], "FAILED  there is no default router")

    def test_check_by_nat_pmp(self):
        self.checks(r"ok      NAT-PMP server 10\.64\.0\.1, asked from 10\.64\.0\.2, answers; its external address is 11\.0\.0\.1$",
                    pcp='protocols = ["nat-pmp"]')
        self.renumber("10.99.0.1")
        self.assertRegex(self.check()[1], "no      NAT-PMP server 10.64.0.1, asked from 10.64.0.2, has no external address itself")

    def test_check_by_upnp(self):
        self.checks(r"no      PCP server 10\.64\.0\.1, asked from 10\.64\.0\.2, does not answer(.|\n)*"
                    r"ok      UPnP gateway, looked for from 10\.64\.0\.2, answers; its external address is 11\.0\.0\.1$",
                    natpmp="no", upnp="yes")

    def test_a_host_with_an_address_of_its_own(self):
        self.set_up(pcp='protocols = ["interface"]', role="cgn")
        self.net.ip("cgn", "route add default dev wan")
        self.wait_for_visit(("11.0.0.1", 8000, "welcome"))
        self.leave()

    def leave(self, port=None):
        self.assertEqual(self.agent.terminate(), 0)
        self.assertIsNone(self.visit())
        if port:
            self.assertNotIn(f"dport {port}", self.net.run("cgn", "nft", "list", "ruleset"))
        self.assertEqual(self.server.terminate(), 0)


if __name__ == "__main__":
    main()
