"""pcp-ddns in a B4: IPv4 in a tunnel to the AFTR, which is the NAT (RFC 6333)."""
import time

from cgn import AFTR, CgnTest, DsLite
from harness import main


class DualStackLite(CgnTest):
    def arrives(self, **more):
        self.set_up(net=DsLite, **more)
        took = {"start": self.wait_for_visit(("11.0.0.1", 8001, "welcome"))}
        time.sleep(3)
        self.renumber()
        took["renumbered"] = self.wait_for_visit(("11.0.0.77", 8001, "welcome"))
        self.assertEqual(self.agent.terminate(), 0)
        self.assertIsNone(self.visit())
        self.assertNotIn("dport 8001", self.net.run("cgn", "nft", "list", "ruleset"))
        print(", ".join(f"{what}: {seconds:.1f} s" for what, seconds in took.items()))

    def test_inside_of_the_tunnel(self):
        self.arrives()
        self.agent.wait_for("PCP server 192.0.0.1, asked from 192.0.0.2")

    def test_over_plain_ipv6_for_the_inner_address(self):
        # No announcement comes this way.
        self.arrives(pcp=f'servers = ["{AFTR}"]', service='internal-address = "192.0.0.2"', third_party="yes",
                     ipv6_disable="no", lifetime=20)
        self.agent.wait_for("tcp port 8000 of 192.0.0.2 is mapped to 11.0.0.1:8001")


if __name__ == "__main__":
    main()
