"""Reachability: the server tries what an update has just published, where it may, and tells by the EDNS option, on the
portal's page and in its metrics what came of it."""
import json
import socket
import struct
import threading
import time
import urllib.request

import dns
from harness import TIME_LIMIT, Dnsd, SystemTest, free_port, main

OPTION = 65310  # zones/reachability.h
UNKNOWN, TRYING, ANSWERED, REFUSED, SILENT = range(5)
ZONE_TEXT = """\
$ORIGIN dyn.example.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 604800 60
@ IN NS ns
ns IN A 127.0.0.1
"""


class Listener:
    """Counts who connects to a port of 127.0.0.1."""

    def __init__(self, case):
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.accept)
        self.thread.start()
        case.addCleanup(self.close)

    def accept(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.connections += 1

    def close(self):
        if self.socket.fileno() >= 0:
            self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
        self.thread.join()


class Reachability(SystemTest):
    def server(self, settings):
        self.http, self.admin = free_port(), free_port()
        return Dnsd(self, zone_text=ZONE_TEXT,
                    tables=f'[log]\nlevel = "debug"\n[http]\nlisten = ["127.0.0.1:{self.http}"]\n'
                           f'[admin]\nlisten = ["127.0.0.1:{self.admin}"]\n{settings}').start()

    def publish(self, dnsd, port, host="h1", address="127.0.0.1", tcp=True):
        answer = dnsd.update(
            dns.add(f"{host}.dyn.example.", 60, "A", address),
            dns.add(f"_http._tcp.{host}.dyn.example.", 60, "SRV", f"0 0 {port} {host}.dyn.example."), tcp=tcp)
        self.assertEqual(answer.rcode, "NOERROR")

    def ask(self, dnsd, port, address="127.0.0.1"):
        """The state of an endpoint, as the option tells it; None without the option."""
        asked = struct.pack("!BH", 6, port) + socket.inet_aton(address)
        query = dns.query("dyn.example.", "SOA")
        opt = b"\0" + struct.pack("!2HIH", 41, 1232, 0, 4 + len(asked)) + struct.pack("!2H", OPTION, len(asked)) + asked
        answer = dnsd.exchange(query[:10] + struct.pack("!H", 1) + query[12:] + opt)
        self.assertEqual(answer.rcode, "NOERROR")
        for record in answer.additional:
            if record.type == 41 and record.data:
                code, size = struct.unpack_from("!2H", record.data)
                self.assertEqual((code, size, record.data[4:4 + len(asked)]), (OPTION, len(asked) + 5, asked))
                state, age = struct.unpack_from("!BI", record.data, 4 + len(asked))
                self.assertLess(age, 2 * TIME_LIMIT)
                return state
        return None

    def result(self, dnsd, port, address="127.0.0.1"):
        """The same, once it is decided."""
        end = time.monotonic() + TIME_LIMIT
        while (state := self.ask(dnsd, port, address)) == TRYING and time.monotonic() < end:
            time.sleep(0.05)
        return state

    def fetch(self, port, path="/", host="127.0.0.1", accept="*/*"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host, "Accept": accept})
        with urllib.request.urlopen(request, timeout=TIME_LIMIT) as answer:
            return answer.read().decode()

    def metric(self, name):
        for line in self.fetch(self.admin, "/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        self.fail(f"no metric {name}")

    def closed_port(self):
        """Where nobody listens, and nobody else can."""
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]

    def reachable(self, host="h1"):
        """What the portal tells of the name's one service, to programs and to people."""
        page = json.loads(self.fetch(self.http, "/?portal", f"{host}.dyn.example", "application/json"))
        return page["services"][0].get("reachable"), self.fetch(self.http, "/?portal", f"{host}.dyn.example", "text/html")

    def test_what_answers_and_what_does_not(self):
        dnsd = self.server('[reachability]\nenabled = true\nnetworks = ["127.0.0.0/8"]\n')
        listener = Listener(self)
        self.assertEqual(self.ask(dnsd, listener.port), UNKNOWN)
        self.publish(dnsd, listener.port)
        self.assertEqual(self.result(dnsd, listener.port), ANSWERED)
        told, page = self.reachable()
        self.assertEqual((told["answered"], told["how"]), (True, "connected"))
        self.assertRegex(told["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn("Answered the server at ", page)
        # The same again is no news.
        self.publish(dnsd, listener.port)
        self.assertEqual(self.metric("dnsd_reachability_tried_total"), 1)
        closed = self.closed_port()
        self.publish(dnsd, closed, host="h2")
        self.assertEqual(self.result(dnsd, closed), REFUSED)
        told, page = self.reachable("h2")
        self.assertEqual((told["answered"], told["how"]), (False, "refused"))
        self.assertIn("Refused the server at ", page)
        self.assertEqual(self.metric('dnsd_reachability_results_total{result="answered"}'), 1)
        self.assertEqual(self.metric('dnsd_reachability_results_total{result="refused"}'), 1)
        dnsd.running.wait_for(f"reachability: 127.0.0.1:{closed} refused")
        dnsd.stop()

    def test_nobody_is_tried_who_did_not_ask_for_it(self):
        """Loopback is not global, and other addresses are not the update's source."""
        dnsd = self.server("[reachability]\nenabled = true\n")
        listener = Listener(self)
        self.publish(dnsd, listener.port, tcp=False)
        self.publish(dnsd, listener.port, host="h2")
        self.publish(dnsd, 80, host="h3", address="192.0.2.1")
        self.assertEqual(self.metric('dnsd_reachability_skipped_total{reason="rule"}'), 3)
        self.assertEqual(self.metric("dnsd_reachability_tried_total"), 0)
        self.assertEqual(self.ask(dnsd, listener.port), UNKNOWN)
        self.assertEqual(listener.connections, 0)
        self.assertIsNone(self.reachable()[0])
        dnsd.stop()

    def test_off_unless_asked_for(self):
        dnsd = self.server("")
        listener = Listener(self)
        self.publish(dnsd, listener.port)
        self.assertIsNone(self.ask(dnsd, listener.port))
        self.assertNotIn("reachability", self.fetch(self.admin, "/metrics"))
        self.assertEqual(listener.connections, 0)
        dnsd.stop()

    def test_a_flood_of_updates(self):
        """One address is tried eight times, and then as often as its rate says."""
        dnsd = self.server('[reachability]\nenabled = true\nnetworks = ["127.0.0.0/8"]\naddress-rate = 1\n')
        began = time.monotonic()
        for port in range(20_000, 20_100):
            self.publish(dnsd, port, host=f"h{port}", address="127.7.7.7", tcp=False)
        allowed = 8 + 1 + (time.monotonic() - began) / 60
        self.assertGreaterEqual(self.metric('dnsd_reachability_skipped_total{reason="limit"}'), 100 - allowed)
        self.assertLessEqual(self.metric("dnsd_reachability_tried_total"), allowed)
        self.assertEqual(self.ask(dnsd, 20_099, "127.7.7.7"), UNKNOWN)
        dnsd.stop()


if __name__ == "__main__":
    main()
