"""[admin]: /metrics in Prometheus' text format whose values move with what happens, and /healthz."""
import os
import re
import signal
import urllib.error
import urllib.request

import dns
from harness import BIN, TIME_LIMIT, Dnsd, SystemTest, free_port, main, run

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"]*",?)+)\})? ([0-9.e+-]+)')


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=TIME_LIMIT) as response:
        return response.headers, response.read().decode()


class Metrics(SystemTest):
    def server(self):
        self.admin = free_port()
        return Dnsd(self, tables=f'[admin]\nlisten = "127.0.0.1:{self.admin}"\n').start()

    def metrics(self):
        """Samples by name with labels as they stand; every line is one, or a comment."""
        headers, text = get(self.admin, "/metrics")
        self.assertIn("version=0.0.4", headers["Content-Type"])
        samples = {}
        for line in text.splitlines():
            if line.startswith(("# HELP ", "# TYPE ")):
                continue
            match = SAMPLE.fullmatch(line)
            self.assertIsNotNone(match, line)
            name = match[1] + ("{" + match[2] + "}" if match[2] else "")
            self.assertNotIn(name, samples)
            samples[name] = float(match[3])
        return samples

    def test_values_move_with_what_happens(self):
        dnsd = self.server()
        before = self.metrics()
        for _ in range(3):
            dnsd.query("www.dyn.example.", "A")
        dnsd.query("www.dyn.example.", "A", tcp=True)
        dnsd.query("none.dyn.example.", "A")
        dnsd.query("www.example.net.", "A")
        self.assertEqual(dnsd.update(dns.add("new.dyn.example.", 60, "A", "192.0.2.5")).rcode, "NOERROR")
        self.assertEqual(dnsd.exchange(dns.update("dyn.example.", [])).rcode, "REFUSED")  # unsigned
        self.assertIn("BADVERS", dnsd.dig("+edns=9", "+noednsneg", "www.dyn.example", "A"))
        after = self.metrics()

        def moved(name):
            return after[name] - before.get(name, 0)

        self.assertEqual(moved('dnsd_queries_total{transport="udp",rcode="NOERROR"}'), 3)
        self.assertEqual(moved('dnsd_queries_total{transport="tcp",rcode="NOERROR"}'), 1)
        self.assertEqual(moved('dnsd_queries_total{transport="udp",rcode="NXDOMAIN"}'), 1)
        self.assertEqual(moved('dnsd_queries_total{transport="udp",rcode="REFUSED"}'), 1)
        self.assertEqual(moved('dnsd_queries_total{transport="udp",rcode="BADVERS"}'), 1)
        self.assertEqual(moved('dnsd_updates_total{transport="udp",rcode="NOERROR"}'), 1)
        self.assertEqual(moved('dnsd_updates_total{transport="udp",rcode="REFUSED"}'), 1)
        self.assertEqual(moved("dnsd_writer_changed_total"), 1)
        self.assertEqual(moved("dnsd_journal_lsn"), 1)
        self.assertEqual(moved('dnsd_zone_serial{zone="dyn.example."}'), 1)
        self.assertEqual(moved('dnsd_zone_records{zone="dyn.example."}'), 1)
        self.assertEqual(moved("dnsd_tcp_accepted_total"), 1)
        self.assertEqual(after['dnsd_zone_serial{zone="dyn.example."}'], dnsd.serial())
        self.assertEqual(after["dnsd_store_writable"], 1)
        self.assertEqual(after["dnsd_leases"], 0)
        self.assertEqual(moved("process_start_time_seconds"), 0)
        self.assertGreater(after["process_resident_memory_bytes"], 1 << 20)
        version = run([os.path.join(BIN, "dnsd"), "--version"])[1].split()[1]
        self.assertEqual(after[f'dnsd_build_info{{version="{version}"}}'], 1)
        self.assertEqual(get(self.admin, "/healthz")[1], "ok\n")
        with self.assertRaises(urllib.error.HTTPError) as missing:
            get(self.admin, "/nic/update")
        self.assertEqual(missing.exception.code, 404)
        missing.exception.close()
        dnsd.stop()

    def test_a_datagram_without_an_answer_is_counted(self):
        dnsd = self.server()
        before = self.metrics()["dnsd_udp_unanswered_total"]
        answer = bytearray(dns.query("www.dyn.example.", "A"))
        answer[2] |= 0x80  # QR: to answer an answer is how loops begin
        self.assertIsNone(dns.exchange(dnsd.port, bytes(answer), timeout=0.5))
        self.assertEqual(self.metrics()["dnsd_udp_unanswered_total"] - before, 1)
        dnsd.stop()

    def test_reload_says_that_it_needs_a_restart(self):
        dnsd = self.server()
        dnsd.write("dnsd.toml", dnsd.text.replace(f"127.0.0.1:{self.admin}", f"127.0.0.1:{free_port()}"))
        dnsd.running.process.send_signal(signal.SIGHUP)
        dnsd.running.wait_for(r"the change of \[admin\] needs a restart")
        self.assertEqual(get(self.admin, "/healthz")[1], "ok\n")
        dnsd.stop()


if __name__ == "__main__":
    main()
