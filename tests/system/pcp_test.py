"""pcp-ddns with a scripted PCP server and dnsd: what is mapped is published, at once, and nothing else is touched."""
import os
import re
import statistics
import struct
import time

from harness import BIN, main, run
from pcp_harness import HOST, SERVICE, WEB, AgentTest


class Published(AgentTest):
    def test_mapped_published_and_withdrawn(self):
        self.set_up()
        self.wait_until(self.at())
        self.assertEqual(os.stat(self.state).st_mode & 0o777, 0o600)
        first, = self.pcp.requests
        self.assertEqual((first.protocol, first.internal, first.external, first.lifetime, first.address),
                         (6, 8000, 8001, 3600, "0.0.0.0"))
        answer = self.dnsd.query(WEB, "SRV")
        self.assertEqual([record.ttl for record in answer.answer], [60])
        # Lease and TTL are over when the mapping is.
        lease = int(self.agent.wait_for(r"published|lease (\d+) s").group(1))
        self.assertLessEqual(lease + 60, 3600)
        self.assertGreater(lease + 60, 3590)
        self.stop_agent()
        self.assertEqual(self.records(), ([], [], []))
        self.assertEqual(self.pcp.mappings, {})
        last = self.pcp.requests[-1]
        self.assertEqual((last.lifetime, last.external, last.nonce), (0, 0, first.nonce))
        self.dnsd.stop()

    def test_renewed_in_time_and_nothing_changes(self):
        self.set_up(lifetime=8)
        self.wait_until(self.at())
        serial = self.dnsd.serial()
        end = time.monotonic() + 11
        while time.monotonic() < end:
            self.assertEqual(self.records(), self.at())
            time.sleep(0.3)
        self.assertEqual(self.dnsd.serial(), serial)
        times = [request.at for request in self.pcp.requests]
        # RFC 6887 §11.2.1: at 1/2 to 5/8 of the lifetime.
        for before, after in zip(times, times[1:]):
            self.assertGreater(after - before, 3.9)
            self.assertLess(after - before, 7)
        self.assertEqual({(one.external, one.address) for one in self.pcp.requests[1:]}, {(8001, "198.51.100.1")})
        self.stop_agent()
        self.dnsd.stop()

    def test_an_update_of_the_server_is_published_at_once(self):
        self.set_up()
        self.wait_until(self.at())
        took = []
        for number in range(50):
            address, port = f"203.0.113.{number + 1}", 9000 + number
            begin = time.monotonic()
            self.pcp.update(external=address, port=port)
            while struct.unpack("!H", self.dnsd.query(WEB, "SRV").answer[0].data[4:6]) != (port,):
                self.assertLess(time.monotonic() - begin, 30, self.agent.log())
            took.append(1000 * (time.monotonic() - begin))
            self.assertEqual(self.records(), self.at(address, port))
        print(f"from a changed answer to the new name, ms: median {statistics.median(took):.1f}, longest {max(took):.1f}")
        self.stop_agent()
        self.dnsd.stop()

    def test_an_address_that_is_not_global_is_not_published(self):
        self.set_up(external="100.64.3.4")
        self.agent.wait_for("100.64.3.4 is not a global address")
        time.sleep(0.5)
        self.assertEqual(self.records(), ([], [], []))
        self.pcp.update(external="198.51.100.5")
        self.wait_until(self.at("198.51.100.5"))
        self.pcp.update(external="192.168.1.1")
        self.wait_until(([], [], []))
        self.stop_agent()
        self.dnsd.stop()

    def test_what_others_own_is_left_alone(self):
        zone = ("$ORIGIN dyn.example.\n@ 60 IN SOA ns h 1 3600 600 604800 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n"
                "h1 60 IN A 192.0.2.1\nh3 60 IN CNAME ns\n")
        services = "".join(SERVICE.replace("h1.", f"{host}.").replace("8000", str(8000 + number)).replace("8001", str(9000 + number))
                           for number, host in enumerate(("h1", "h2", "h3")))
        self.set_up(zone_text=zone, services=services)
        for host in ("h1", "h3"):
            self.agent.wait_for(rf"not published: .*XRRSET: {host}\.dyn\.example\. has records that this agent did not")
        # The one that is free is published all the same.
        begin = time.monotonic()
        while self.answers("_http._tcp.h2.dyn.example.", "SRV") != ["0 0 9001 h2.dyn.example."]:
            self.assertLess(time.monotonic() - begin, 30, self.agent.log())
        self.assertEqual((self.answers(HOST, "A"), self.answers(WEB, "SRV")), (["192.0.2.1"], []))
        self.stop_agent()
        self.assertEqual(self.answers(HOST, "A"), ["192.0.2.1"])
        self.assertEqual(self.answers("h2.dyn.example.", "A"), [])
        # One that shares its name adds nothing to the other's, and replaces it when it is told to.
        with open(self.config) as config:
            text = config.read()
        self.dnsd.write("agent.toml", text.replace('name = "home"', 'name = "home"\nreplace = true'))
        self.start_agent()
        begin = time.monotonic()
        while self.answers(HOST, "A") != ["198.51.100.1"]:
            self.assertLess(time.monotonic() - begin, 30, self.agent.log())
        self.stop_agent()
        self.dnsd.stop()

    def test_a_wrong_key_is_said(self):
        self.set_up()
        self.wait_until(self.at())
        self.stop_agent()
        with open(self.config) as config:
            text = config.read()
        self.dnsd.write("agent.toml", re.sub(r'secret = "[^"]*"', 'secret = "d3JvbmcgYXMgaXQgY2FuIGJlIGJ1dCBsb25n"', text))
        self.start_agent()
        self.agent.wait_for("not published: .*BADSIG")
        self.assertEqual(self.records(), ([], [], []))
        self.stop_agent()
        self.dnsd.stop()

    def test_check(self):
        self.set_up()
        self.wait_until(self.at())
        self.stop_agent()
        status, text = run([os.path.join(BIN, "pcp-ddns"), "--config", self.config, "--check"])
        self.assertEqual(status, 0, text)
        self.assertIn("is right: 1 services, 1 providers", text)
        self.dnsd.write("agent.toml", "[[service]]\nhots = 1\n")
        status, text = run([os.path.join(BIN, "pcp-ddns"), "--config", self.config, "--check"])
        self.assertEqual(status, 1)
        self.assertRegex(text, r"agent\.toml:2: unknown field 'hots' in \[\[service\]\]: did you mean 'host'")
        status, text = run([os.path.join(BIN, "pcp-ddns"), "--config", self.config])
        self.assertEqual(status, 1, text)
        self.dnsd.stop()


if __name__ == "__main__":
    main()
