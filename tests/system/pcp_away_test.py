"""pcp-ddns when somebody is away: the PCP server is silent, dnsd is down, or the agent is killed."""
import time

from harness import main
from pcp_harness import AgentTest


class Away(AgentTest):
    def test_an_answer_that_is_lost(self):
        self.set_up(lifetime=20)
        self.wait_until(self.at())
        self.pcp.drops = 1  # RFC 6887 §11.2.1: again at 3/4 of the lifetime
        self.pcp.wait_for(lambda server: len(server.requests) == 3)
        self.assertEqual(self.records(), self.at())
        self.assertEqual(len({request.nonce for request in self.pcp.requests}), 1)
        self.assertEqual({request.external for request in self.pcp.requests}, {8001})
        self.stop_agent()
        self.dnsd.stop()

    def test_a_server_that_is_silent(self):
        self.set_up(lifetime=8)
        self.wait_until(self.at())
        self.pcp.drops = 1000
        self.wait_until(([], [], []))
        self.pcp.drops = 0
        self.wait_until(self.at())
        self.stop_agent()
        self.dnsd.stop()

    def test_a_name_server_that_is_away(self):
        self.set_up()
        self.wait_until(self.at())
        self.dnsd.kill()
        self.pcp.update(external="203.0.113.3", port=9003)
        self.agent.wait_for(r"home: not published: .* next try in \d+ s")
        self.dnsd.start()
        self.wait_until(self.at("203.0.113.3", 9003))
        self.stop_agent()
        self.dnsd.stop()

    def test_kill_leaves_the_lease_to_end_it(self):
        self.set_up(lifetime=8)
        self.wait_until(self.at())
        published = time.monotonic()
        self.agent.kill()
        time.sleep(1)
        self.assertEqual(self.records(), self.at())
        self.wait_until(([], [], []))
        # The TTL of two seconds goes by as well before the port is another's.
        self.assertLess(time.monotonic() - published, 30, "lease and TTL are eight seconds")
        self.dnsd.stop()

    def test_after_kill_it_knows_what_is_its_own(self):
        self.set_up()
        self.wait_until(self.at())
        nonce = self.pcp.requests[0].nonce
        self.agent.kill()
        self.start_agent()
        self.pcp.wait_for(lambda server: len(server.requests) == 2)
        again = self.pcp.requests[1]
        self.assertEqual((again.nonce, again.external, again.address), (nonce, 8001, "198.51.100.1"))
        self.wait_until(self.at())
        self.agent.kill()
        self.pcp.restart("203.0.113.9")
        self.pcp.drops = 1
        self.start_agent()
        self.pcp.wait_for(lambda server: len(server.requests) == 3)
        self.assertEqual(self.records(), self.at(), "nothing is withdrawn before there is an answer")
        self.wait_until(self.at("203.0.113.9"))
        self.stop_agent()
        self.assertEqual(self.records(), ([], [], []))
        self.dnsd.stop()


if __name__ == "__main__":
    main()
