"""pcp-ddns when the PCP server forgets, moves or refuses."""
import time

from harness import ZONE, main
from pcp_harness import HOST, SERVICE, AgentTest


class Recovery(AgentTest):
    def test_a_restart_that_is_announced(self):
        self.set_up()
        self.wait_until(self.at())
        for external, to in (("203.0.113.7", None), ("203.0.113.8", "unicast")):
            peer = self.pcp.requests[-1].peer
            time.sleep(3.5)  # RFC 6887 §8.5 forgives an epoch two seconds
            self.pcp.taken.add(8001)
            self.pcp.restart(external)
            self.pcp.announce(*([peer] if to else []))
            # RFC 6887 §14.1.3: after a random wait of up to five seconds.
            self.assertLess(self.wait_until(self.at(external, 8002 if to is None else 8002)), 15)
        self.stop_agent()
        self.dnsd.stop()

    def test_a_restart_that_shows_at_a_renewal(self):
        second = SERVICE.replace(HOST, f"h2.{ZONE}").replace("800", "900").replace("_tcp", "_udp")
        self.set_up(lifetime=10, services=SERVICE + second)
        self.wait_until(self.at())
        self.pcp.wait_for(lambda server: len(server.mappings) == 2)
        time.sleep(3.5)
        self.pcp.restart("203.0.113.7")
        self.wait_until(self.at("203.0.113.7"))
        begin = time.monotonic()
        while self.answers(f"h2.{ZONE}", "A") != ["203.0.113.7"]:
            self.assertLess(time.monotonic() - begin, 6, "the other mapping is asked for at once")
        self.assertEqual(self.answers(f"_http._udp.h2.{ZONE}", "SRV"), [f"0 0 9001 h2.{ZONE}"])
        self.stop_agent()
        self.dnsd.stop()

    def test_a_refused_renewal(self):
        self.set_up(lifetime=10)
        self.wait_until(self.at())
        published = time.monotonic()
        self.pcp.error = ("NO_RESOURCES", 6)
        self.agent.wait_for("tcp port 8000: NO_RESOURCES; asked again in [56] s")
        self.assertEqual(self.records(), self.at(), "the record stays for its lease")
        self.wait_until(([], [], []))
        self.assertLess(time.monotonic() - published, 30, "no longer than the mapping")
        self.pcp.error = None
        self.wait_until(self.at())
        self.stop_agent()
        self.dnsd.stop()

    def test_another_port_at_renewal(self):
        self.set_up(lifetime=8)
        self.wait_until(self.at())
        for mapping in self.pcp.mappings.values():
            mapping[1] = 8002
        self.wait_until(self.at(port=8002))
        self.stop_agent()
        self.dnsd.stop()


if __name__ == "__main__":
    main()
