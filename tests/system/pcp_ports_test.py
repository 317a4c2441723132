"""Ports that will not do, hosts behind this one, and IPv4 by NAT64: pcp-ddns with a scripted PCP server."""
import time

from harness import main
from pcp import NatPmpServer, PcpServer
from pcp_harness import HOST, SERVICE, AgentTest

TCP, UDP = 6, 17
VOICE = "".join(f'[[service]]\nhost = "{HOST}"\ntype = "_mumble._{protocol}"\nport = 8000\nequal-ports = {equal}\n'
                for protocol, equal in (("tcp", "true"), ("udp", "false")))
RANGE = f'[[service]]\nhost = "{HOST}"\ntype = "_sip._udp"\nport = 5070\nexternal-port = 6070\nport-count = 10\ntxt = ["a=b"]\n'


class NatsServer(PcpServer):
    def __init__(self, case, **more):
        super().__init__(case, address="::1", **more)


class Ports(AgentTest):
    def port(self, owner):
        """Of the SRV; None when there is none."""
        srv = self.answers(owner, "SRV")
        return int(srv[0].split()[2]) if srv else None

    def wait_for_ports(self, *owners):
        begin = time.monotonic()
        while None in (ports := [self.port(owner) for owner in owners]):
            self.assertLess(time.monotonic() - begin, 30, f"{ports}\n{self.agent.log()}")
            time.sleep(0.05)
        return ports

    def finish(self):
        self.stop_agent()
        self.assertEqual(self.pcp.mappings, {})
        self.dnsd.stop()

    def test_tcp_and_udp_get_the_same_port(self):
        self.set_up(services=VOICE)
        self.assertEqual(self.wait_for_ports(f"_mumble._tcp.{HOST}", f"_mumble._udp.{HOST}"), [8000, 8000])
        self.finish()

    def test_a_port_that_is_taken_for_udp_alone(self):
        class Server(PcpServer):
            def __init__(self, case, **more):
                super().__init__(case, **more)
                self.taken.add((UDP, 8000))
        self.set_up(services=VOICE, server=Server)
        tcp, udp = self.wait_for_ports(f"_mumble._tcp.{HOST}", f"_mumble._udp.{HOST}")
        self.assertEqual(tcp, udp)
        self.assertGreaterEqual(tcp, 20000)
        self.assertTrue(any(request.strict for request in self.pcp.requests), "RFC 6887 13.2: it asked for just that port first")
        # After the loss of all, renewals and another address are not hindered by that.
        time.sleep(4)  # RFC 6887 8.5 forgives an epoch two seconds
        self.pcp.restart("203.0.113.7")
        self.pcp.announce()
        begin = time.monotonic()
        while self.answers(HOST, "A") != ["203.0.113.7"]:
            self.assertLess(time.monotonic() - begin, 40, self.agent.log())
            time.sleep(0.05)
        self.finish()

    def test_a_server_that_never_gives_the_same(self):
        class Server(PcpServer):
            def _answer(self, octets, peer):
                self.taken = {(UDP, port) for port in range(1, 40000)} if len(octets) > 36 and octets[36] == UDP else set()
                return super()._answer(octets, peer)
        self.set_up(services=VOICE, server=Server)
        tcp, udp = self.wait_for_ports(f"_mumble._tcp.{HOST}", f"_mumble._udp.{HOST}")
        self.assertEqual(udp, 40000)
        self.assertLess(len(self.pcp.requests), 60, "it gives up")
        self.agent.wait_for("udp port 8000 stays at external port 40000: one that TCP and UDP both get was not to be had after 6 tries")
        self.finish()

    def ask_for_a_set(self, max_ports, given, server=PcpServer):
        """RFC 7753: ten ports, of which the server gives so many."""
        class Server(server):
            def __init__(self, case, **more):
                super().__init__(case, **more)
                self.max_ports = max_ports
        self.set_up(services=RANGE, server=Server)
        owner = f"_sip._udp.{HOST}"
        self.assertEqual(self.wait_for_ports(owner), [6070])
        ports = f'"ports=6070-{6069 + given}" ' if given > 1 else ""
        self.assertEqual(self.answers(owner, "TXT"), [f'"a=b" {ports}"endpoint=198.51.100.1:6070"'])
        self.assertEqual(self.status()["services"][0]["external"],
                         "198.51.100.1:6070" + (f"-{6069 + given}" if given > 1 else ""))
        if given < 10:
            self.agent.wait_for(rf"warning.*udp port 5070: {given} of 10 ports were given")
        else:
            self.assertNotIn("were given", self.agent.log())

    def test_a_set_of_ports(self):
        self.ask_for_a_set(10, 10)
        self.finish()
        self.assertEqual([request.port_set for request in self.pcp.requests], len(self.pcp.requests) * [(10, 5070, 0)], "the deletion too")

    def test_a_set_of_fewer_ports(self):
        self.ask_for_a_set(4, 4)
        self.finish()

    def test_a_server_that_knows_no_sets(self):
        self.ask_for_a_set(1, 1)
        self.finish()

    def test_nat_pmp_knows_no_sets(self):
        self.ask_for_a_set(1, 1, server=NatPmpServer)
        self.finish()

    def test_a_port_that_browsers_refuse(self):
        self.set_up(services=SERVICE.replace("8001", "6000"))
        port, = self.wait_for_ports(f"_http._tcp.{HOST}")
        self.assertGreaterEqual(port, 20000)
        self.assertEqual([request.external for request in self.pcp.requests[:3]], [6000, 0, port])
        self.finish()

    def test_the_same_port_for_others(self):
        self.set_up(services=SERVICE.replace("8001", "6000").replace("_http", "_ssh"))
        self.assertEqual(self.wait_for_ports(f"_ssh._tcp.{HOST}"), [6000])
        self.finish()

    def test_one_port_or_none(self):
        class Server(PcpServer):
            def __init__(self, case, **more):
                super().__init__(case, **more)
                self.taken.add(8001)
        self.set_up(services=SERVICE + "prefer-failure = true\n", server=Server)
        self.agent.wait_for("tcp port 8000: CANNOT_PROVIDE_EXTERNAL; asked again in 30 s")
        self.assertEqual(self.records(), ([], [], []))
        self.pcp.taken.clear()
        self.wait_until(self.at(), 40)
        self.assertTrue(all(request.strict and request.external == 8001 for request in self.pcp.requests))
        self.finish()

    def test_filter_and_description(self):
        self.set_up(services=SERVICE + 'filter = ["192.0.2.0/24", "2001:db8::/32", "203.0.113.9"]\ndescription = "Käse"\n')
        self.wait_until(self.at())
        request = self.pcp.requests[0]
        self.assertEqual(request.filters, ["::/0", "192.0.2.0/120", "203.0.113.9/128"], "RFC 6887 13.3: the first lifts those of before")
        self.assertEqual(request.description, "Käse")
        self.assertNotIn("filters", self.agent.log())
        self.finish()

    def test_a_server_that_knows_no_filters(self):
        class Server(PcpServer):
            def _answer(self, octets, peer):
                answer = super()._answer(octets, peer)
                return answer[:60] if answer and len(answer) > 60 else answer
        self.set_up(services=SERVICE + 'filter = ["192.0.2.0/24"]\n', server=Server)
        self.wait_until(self.at())
        self.agent.wait_for("does not say that it filters, so all may come in")
        self.finish()

    def test_for_a_host_behind_this_one(self):
        self.set_up(services=SERVICE + 'internal-address = "10.9.9.9"\n')
        self.wait_until(self.at())
        self.assertEqual(self.pcp.requests[0].third_party, "10.9.9.9")
        self.agent.wait_for("tcp port 8000 of 10.9.9.9 is mapped to 198.51.100.1:8001")
        self.agent.kill()
        self.start_agent()
        self.pcp.wait_for(lambda server: len(server.requests) == 2)
        self.assertEqual(self.pcp.requests[1].nonce, self.pcp.requests[0].nonce)
        self.assertEqual(self.pcp.requests[1].external, 8001)
        self.finish()

    def test_ipv4_by_nat64(self):
        self.set_up(pcp='external-family = "ipv4"', server=NatsServer)
        self.wait_until(self.at())
        self.assertEqual((self.pcp.requests[0].client, self.pcp.requests[0].address), ("::1", "0.0.0.0"))
        self.finish()

    def test_ds_lite_by_plain_ipv6(self):
        self.set_up(services=SERVICE + 'internal-address = "192.0.0.2"\n', server=NatsServer)
        self.wait_until(self.at())
        request = self.pcp.requests[0]
        self.assertEqual((request.client, request.third_party, request.address), ("::1", "192.0.0.2", "0.0.0.0"))
        self.finish()


if __name__ == "__main__":
    main()
