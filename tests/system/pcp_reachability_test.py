"""Whether visitors can come in, as far as the name server has tried: what pcp-ddns asks it, and tells."""
import socket
import struct
import threading
import time

import dns
from harness import TIME_LIMIT, main
from pcp_harness import HOST, SERVICE, WEB, AgentTest

REACHABILITY, COOKIE = 65310, 10
TRYING, ANSWERED, REFUSED, SILENT = 1, 2, 3, 4


def options_of(message):
    """{code: data} of EDNS."""
    found, at = {}, 0
    data = next((rr.data for rr in message.additional if rr.type == dns.TYPES["OPT"]), b"")
    while at < len(data):
        code, size = struct.unpack_from("!2H", data, at)
        found[code] = data[at + 4:at + 4 + size]
        at += 4 + size
    return found


class Trying:
    """In front of a name server, over UDP: says what it is told to say to questions about reachability."""

    def __init__(self, case, server):
        self.server = server            # a function: its port
        self.states = []                # of the next questions; the last stays. None: as a server that knows no such option
        self.questions = []             # (name, protocol, port, address)
        self.updates = []               # the COOKIE option of each UPDATE
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        case.addCleanup(self.sock.close)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                octets, peer = self.sock.recvfrom(65535)
                answer = dns.exchange(self.server(), octets)
                if answer:
                    self.sock.sendto(self._spoken(octets, answer), peer)
            except OSError:
                return

    def _spoken(self, octets, answer):
        message = dns.Message(octets)
        options = options_of(message)
        if message.flags >> 11 & 15 == dns.UPDATE:
            self.updates.append(options.get(COOKIE, b""))
        asked = options.get(REACHABILITY)
        if asked is None:
            return answer
        protocol, port = struct.unpack_from("!BH", asked)
        self.questions.append((message.question[0][0], protocol, port, socket.inet_ntoa(asked[3:])))
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is None:
            return answer
        opt = dns.Message(answer).additional[-1]
        assert opt.type == dns.TYPES["OPT"]
        said = asked + struct.pack("!BI", state, 7)
        data = opt.data + struct.pack("!2H", REACHABILITY, len(said)) + said
        return answer[:len(answer) - len(opt.data) - 2] + struct.pack("!H", len(data)) + data


class Reachability(AgentTest):
    def wait_for(self, condition):
        begin = time.monotonic()
        while not condition():
            self.assertLess(time.monotonic() - begin, TIME_LIMIT, self.agent.log())
            time.sleep(0.05)

    def reached(self):
        return self.status()["services"][0]["providers"][0]["reached"]


class Scripted(Reachability):
    def provider_port(self):
        self.trying = Trying(self, lambda: self.dnsd.port)
        self.trying.states = [TRYING, ANSWERED]
        return self.trying.port

    def test_what_the_server_says(self):
        self.set_up()
        self.wait_until(self.at())
        self.wait_for(lambda: self.reached() == "yes")
        self.agent.wait_for(r"info.*home: _http\._tcp\.h1\.dyn\.example\.: the server has connected to 198\.51\.100\.1:8001")
        self.assertEqual(set(self.trying.questions), {(WEB, 6, 8001, "198.51.100.1")})
        self.assertRegex(self.command("status")[1], r"mapped, published +yes +\d+min")
        code, text = self.command("check")
        self.assertEqual(code, 0, text)
        self.assertIn(f"ok      {WEB}: the server has connected to 198.51.100.1:8001, 7 s ago", text)
        for port, state, word, why in ((8002, REFUSED, "refused", r"\(refused\): is the service running\?"),
                                       (8003, SILENT, "silent", r"\(no answer\): does a firewall let it in\?")):
            self.trying.states = [state]
            self.pcp.update(port=port)
            self.wait_for(lambda: self.reached() == word)
            self.agent.wait_for(rf"warning.*{WEB}: the server could not connect to 198\.51\.100\.1:{port} {why}")
            code, text = self.command("check")
            self.assertEqual(code, 1, text)
            self.assertRegex(text, rf"FAILED  {WEB}: the server could not connect to 198\.51\.100\.1:{port} {why}")
        # A server that knows no such question is asked no more, and not spoken of.
        self.trying.states = [None]
        asked = len(self.trying.questions)
        self.pcp.update(port=8004)
        self.wait_for(lambda: len(self.trying.questions) > asked)
        self.wait_until(self.at(port=8004))
        self.assertIsNone(self.reached())
        code, text = self.command("check")
        self.assertEqual(code, 0, text)
        self.assertNotIn("could not connect", text)
        # Before the next publishing.
        self.trying.states = [ANSWERED]
        self.pcp.update(port=8005)
        self.wait_for(lambda: self.reached() == "yes")
        self.assertEqual(len(self.trying.updates[-1]), 24, "a cookie proves where an update comes from")
        self.stop_agent()

    def test_udp_is_not_asked_about(self):
        self.set_up(services=f'[[service]]\nhost = "{HOST}"\ntype = "_sip._udp"\nport = 5061\n'
                             f'[[service]]\nhost = "{HOST}"\ntype = "_ssh._tcp"\nport = 22\nexternal-port = 8022\n')
        self.wait_for(lambda: self.answers(f"_ssh._tcp.{HOST}", "SRV"))
        self.wait_for(lambda: self.status()["services"][1]["providers"][0]["reached"] == "yes")
        self.assertEqual({question[0] for question in self.trying.questions}, {f"_ssh._tcp.{HOST}"})
        self.stop_agent()


class Tried(Reachability):
    def test_dnsd_tries_what_is_published(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        self.set_up(external="127.0.0.1", services=SERVICE.replace("8001", str(port)),
                    tables='[reachability]\nenabled = true\nnetworks = ["127.0.0.0/8"]\n')
        self.wait_until(self.at("127.0.0.1", port))
        self.wait_for(lambda: self.reached() == "yes")
        self.agent.wait_for(rf"info.*{WEB}: the server has connected to 127\.0\.0\.1:{port}")
        code, text = self.command("check")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, rf"ok      {WEB}: the server has connected to 127\.0\.0\.1:{port}, \d+ s ago")
        closed = socket.socket()  # nobody listens there, and nobody else can
        self.addCleanup(closed.close)
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()[1]
        self.pcp.update(port=nobody)
        self.wait_for(lambda: self.reached() == "refused")
        self.agent.wait_for(rf"warning.*{WEB}: the server could not connect to 127\.0\.0\.1:{nobody} \(refused\): is the service running\?")
        self.stop_agent()


class Source(AgentTest):
    def test_a_grant_for_the_address_that_updates_come_from(self):
        """Over UDP only a cookie proves it."""
        self.set_up(external="127.0.0.1", grants=[(HOST, 'names = ["self", "below-self"]\ntypes = ["service"]\naddresses = ["source"]')])
        self.wait_until(self.at("127.0.0.1"))
        self.stop_agent()
        self.assertEqual(self.records(), ([], [], []))


if __name__ == "__main__":
    main()
