"""SIGHUP while clients ask: every query is answered, no connection is closed. And a log that nobody reads."""
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time

import dns
from harness import BIN, TIME_LIMIT, Dnsd, SystemTest, main

RELOADS = 20
WINDOW = 16  # queries under way; none is sent again


class Stream(threading.Thread):
    """Asks without a pause over one socket until told to end; each query must be answered, once."""

    def __init__(self, port, tcp):
        super().__init__(daemon=True)
        self.tcp = tcp
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        self.socket.settimeout(TIME_LIMIT)
        self.socket.connect(("127.0.0.1", port))
        self.stream = self.socket.makefile("rb") if tcp else None
        self.ending = threading.Event()
        self.answered = 0
        self.error = None

    def receive(self):
        if not self.tcp:
            return self.socket.recv(65535)
        head = self.stream.read(2)
        assert len(head) == 2, "the connection was closed"
        return self.stream.read(struct.unpack("!H", head)[0])

    def run(self):
        waiting, next_id = set(), 0
        try:
            while waiting or not self.ending.is_set():
                while len(waiting) < WINDOW and not self.ending.is_set():
                    next_id = (next_id + 1) % 65536
                    octets = struct.pack("!H", next_id) + dns.query("www.dyn.example.", "A")[2:]
                    waiting.add(next_id)
                    self.socket.sendall(struct.pack("!H", len(octets)) + octets if self.tcp else octets)
                answer = dns.Message(self.receive())
                waiting.remove(answer.id)
                assert answer.rcode == "NOERROR" and len(answer.answer) == 1, answer.octets
                self.answered += 1
        except Exception as error:  # told by finish()
            self.error = error

    def finish(self, case):
        self.ending.set()
        self.join()
        self.socket.close()
        if self.stream:
            self.stream.close()
        case.assertIsNone(self.error, f"{'TCP' if self.tcp else 'UDP'}: after {self.answered} answers")


class Reload(SystemTest):
    def test_no_query_is_lost(self):
        dnsd = Dnsd(self).start()
        streams = [Stream(dnsd.port, tcp) for tcp in (False, False, True, True)]
        for stream in streams:
            stream.start()
        changes = [
            "",
            '[rate-limit]\nresponses-per-second = 1\nexempt = ["127.0.0.0/8"]\n',
            f'[[key]]\nname = "other."\nsecret = "{dnsd.keys[0].secret}"\n',
            '[log]\nlevel = "debug"\n',
            '[tsig]\nmin-mac = 20\n[rate-limit]\nresponses-per-second = 1000000\nslip = 1\ntable-size = 2048\n',
            "this is no TOML\n",
        ]
        for number in range(RELOADS):
            dnsd.write("dnsd.toml", f"udp-size = {1232 + number}\n" + dnsd.text + changes[number % len(changes)])
            start, before = len(dnsd.running.lines), [stream.answered for stream in streams]
            dnsd.running.process.send_signal(signal.SIGHUP)
            dnsd.running.wait_for("reloaded|the configuration is as before", start)
            # Queries come between one reload and the next.
            for stream, count in zip(streams, before):
                while stream.answered < count + 2 * WINDOW and stream.is_alive():
                    time.sleep(0.002)
        for stream in streams:
            stream.finish(self)
        self.assertEqual(dnsd.running.log().count("reloaded"), RELOADS - RELOADS // len(changes))
        dnsd.stop()

    def test_a_log_that_nobody_reads(self):
        dnsd = Dnsd(self)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        process = subprocess.Popen([os.path.join(BIN, "dnsd"), "--config", dnsd.config], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=writer)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        said = b""
        while b"ready: listening on " not in said:
            self.assertTrue(select.select([reader], [], [], TIME_LIMIT)[0], said)
            said += os.read(reader, 65536)
        # Full from here on: what dnsd writes waits for ever. A description of our own, or its writes would not block.
        filler = os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK)
        for size in (4096, 1):
            try:
                while True:
                    os.write(filler, b"x" * size)
            except BlockingIOError:
                pass
        os.close(filler)

        def ask(octets, tcp=False):
            answer = dns.exchange(dnsd.port, octets, tcp, TIME_LIMIT)
            self.assertIsNotNone(answer)
            return dns.Message(answer).rcode

        new = [dns.add("new.dyn.example.", 60, "A", "192.0.2.1")]
        for number in range(60):
            tcp = number % 2 == 1
            self.assertEqual(ask(dns.update("dyn.example.", new), tcp), "REFUSED")  # each is a line in the log
            self.assertEqual(ask(dns.query("www.dyn.example.", "A"), tcp), "NOERROR")
            if number % 20 == 0:
                process.send_signal(signal.SIGHUP)
        self.assertEqual(ask(dnsd.keys[0].sign(dns.update("dyn.example.", new))[0]), "NOERROR")
        if os.environ.get("DNSD_SANITIZED") == "thread":
            return  # its _exit() flushes stderr, and would wait itself
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIME_LIMIT), 0)


if __name__ == "__main__":
    main()
