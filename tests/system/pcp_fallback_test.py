"""pcp-ddns where PCP is not spoken, or not by the first server."""
import time

from harness import main
from pcp import NatPmpServer, PcpServer
from pcp_harness import AgentTest


class Fallback(AgentTest):
    def test_a_server_that_knows_nat_pmp_only(self):
        self.set_up(server=NatPmpServer)
        self.wait_until(self.at())
        self.agent.wait_for("knows NAT-PMP only")
        # RFC 6886 3.2.1: another address, and nothing lost.
        self.pcp.external = "203.0.113.3"
        time.sleep(4)
        self.pcp.announce()
        self.wait_until(self.at("203.0.113.3"))
        # RFC 6886 3.7: the mappings are lost; the first of them is taken.
        time.sleep(4)
        self.pcp.taken.add(8001)
        self.pcp.restart("203.0.113.4")
        self.pcp.announce()
        self.wait_until(self.at("203.0.113.4", 8002))
        self.stop_agent()
        self.assertEqual(self.pcp.mappings, {})
        self.assertEqual(self.pcp.requests[-1], (2, 8000, 0, 0), "RFC 6886 3.4")
        self.assertEqual(self.records(), ([], [], []))
        self.dnsd.stop()

    def test_the_next_configured_server(self):
        second = PcpServer(self, address="127.0.0.3", external="203.0.113.9")
        self.set_up(more_servers=[second.name])
        self.wait_until(self.at())
        self.pcp.close()
        self.stop_agent()
        self.start_agent()
        self.wait_until(self.at("203.0.113.9"), 60)
        self.agent.wait_for("does not answer; the next is asked")
        self.stop_agent()
        self.dnsd.stop()

    def test_a_nat_between_this_host_and_the_server(self):
        self.set_up()
        self.wait_until(self.at())
        time.sleep(4)  # RFC 6887 8.5 forgives an epoch two seconds
        self.pcp.error = ("ADDRESS_MISMATCH", 1800)
        self.pcp.restart()
        self.pcp.announce()
        self.agent.wait_for("ADDRESS_MISMATCH: there is another NAT between this host and the PCP server")
        self.pcp.error = None
        self.stop_agent()
        self.dnsd.stop()


if __name__ == "__main__":
    main()
