"""Starts dnsd on a free loopback port with a folder of its own, and stops what it started, by PID."""
import base64
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import dns

BIN = os.environ.get("DNSD_BIN", os.path.join(os.path.dirname(__file__), "../../build/bin"))
ZONE = "dyn.example."
TIME_LIMIT = 120  # seconds for what takes a moment; a sanitized server on a busy machine takes longer


def key(name="h1.dyn.example.", algorithm="hmac-sha256"):
    """The same secret each time, of the digest's size."""
    size = dns.HASHES[algorithm]().digest_size
    return dns.Key(name, base64.b64encode(bytes(range(1, size + 1))).decode(), algorithm)


ZONE_TEXT = """\
$ORIGIN dyn.example.
$TTL 60
@ 3600 IN SOA ns hostmaster 1 3600 600 604800 60
@ 3600 IN NS ns
ns IN A 127.0.0.1
www IN A 192.0.2.80
www IN AAAA 2001:db8::80
alias IN CNAME www
_sip._udp IN SRV 10 20 5060 www
*.wild IN TXT "wildcard"
below.empty IN A 192.0.2.9
MiXeD IN A 192.0.2.7
sub IN NS ns.sub
ns.sub IN A 192.0.2.53
""" + "".join(f'big IN TXT "{i:02d}-{"x" * 200}"\n' for i in range(12))


SANITIZER = r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:"


def make_certificate(certificate, key, *names):
    """Files with a certificate of its own signature, and its key, for subjectAltNames as openssl writes them."""
    subject = names[0].partition(":")[2]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-out", certificate, "-days", "2", "-subj", f"/CN={subject}", "-addext",
                    "subjectAltName=" + ",".join(names)], check=True, capture_output=True)


PORTS_GIVEN = set()


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP now, and that the system gives to nobody who asks for any port:
    a server that a test kills and starts again finds its port free. No test gets one twice."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as limits:
        end = int(limits.read().split()[0])
    while True:
        port = random.randrange(10_000, end)
        if port in PORTS_GIVEN:
            continue
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            PORTS_GIVEN.add(port)
            return port


def octets_of(path):
    """The size of a file; 0 when there is none, for a server's may come and go between a look and the next."""
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def run(command, **more):
    """Runs a client; its exit status, and output and errors as one text."""
    ran = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=TIME_LIMIT, **more)
    return ran.returncode, ran.stdout


class Process:
    """A program in the foreground whose log can be waited for."""

    def __init__(self, command, **more):
        self.lines = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                        **more)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)  # the end
            self.changed.notify_all()

    def log(self):
        with self.changed:
            return "\n".join(line for line in self.lines if line is not None)

    def wait_for(self, pattern, start=0, time_limit=TIME_LIMIT):
        """The match in the first line from number `start` on that has one; fails when the program ends without."""
        at = start

        def found():
            nonlocal at
            while at < len(self.lines):
                if self.lines[at] is None:
                    raise AssertionError(f"ended without '{pattern}' in its log:\n{self.log()}")
                match = re.search(pattern, self.lines[at])
                if match:
                    return match
                at += 1
            return None

        with self.changed:
            match = self.changed.wait_for(found, time_limit)
        if match is None:
            raise AssertionError(f"no '{pattern}' within {time_limit} s in its log:\n{self.log()}")
        return match

    def wait(self):
        """Its exit status, after it has ended by itself."""
        status = self.process.wait(TIME_LIMIT)
        self.reader.join()
        self.process.stdout.close()
        return status

    def kill(self):
        self.process.kill()
        self.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()


class Dnsd:
    """A server with the zone dyn.example. and a key that may change and fetch it, unless told otherwise."""

    def __init__(self, case, zone_text=ZONE_TEXT, keys=None, grants=None, top="", tables=""):
        self.case = case
        self.folder = tempfile.mkdtemp(prefix="dnsd-test-")
        case.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.port = free_port()
        self.keys = [key()] if keys is None else keys
        if grants is None:
            grants = [(one.name, "update = true\ntransfer = true") for one in self.keys]
        self.config = os.path.join(self.folder, "dnsd.toml")
        self.store = os.path.join(self.folder, "dnsd.sqlite")
        self.write("dyn.zone", zone_text)
        self.text = f'listen = ["127.0.0.1:{self.port}"]\nworkers = 2\n{top}\n[store]\npath = "dnsd.sqlite"\n{tables}\n'
        for one in self.keys:
            self.text += f'[[key]]\nname = "{one.name}"\nalgorithm = "{one.algorithm}"\nsecret = "{one.secret}"\n'
        self.text += f'[[zone]]\nname = "{ZONE}"\nfile = "dyn.zone"\n'
        for name, rights in grants:
            self.text += f'[[zone.grant]]\nkey = "{name}"\n{rights}\n'
        self.write("dnsd.toml", self.text)
        self.running = None

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def launch(self, **more):
        """Starts it without waiting until it is ready."""
        self.running = Process([os.path.join(BIN, "dnsd"), "--config", self.config], **more)
        self.case.addCleanup(self.make_sure_it_ended, self.running)
        return self.running

    def start(self, **more):
        self.launch(**more).wait_for("ready: listening on ")
        return self

    def make_sure_it_ended(self, process):
        if process.process.poll() is None:
            process.kill()
        self.case.assertNotRegex(process.log(), SANITIZER)

    def kill(self):
        self.running.kill()

    def stop(self):
        """A clean stop; what a sanitizer found makes the status another one."""
        status = self.running.terminate()
        self.case.assertEqual(status, 0, self.running.log())

    def exchange(self, octets, **more):
        answer = dns.exchange(self.port, octets, **more)
        self.case.assertIsNotNone(answer, f"no answer; log:\n{self.running.log()}")
        return dns.Message(answer)

    def query(self, name, rtype, **more):
        return self.exchange(dns.query(name, rtype), **more)

    def serial(self):
        return self.query(ZONE, "SOA").serial()

    def update(self, *updates, prerequisites=(), signer=None, **more):
        """A signed update; its response, whose signature is checked when it has one."""
        signer = signer or self.keys[0]
        octets, mac = signer.sign(dns.update(ZONE, updates, prerequisites))
        answer = self.exchange(octets, **more)
        if answer.tsig and answer.tsig_error in ("", "BADTIME"):
            self.case.assertTrue(signer.is_valid(answer.octets, mac), "the response's signature")
        return answer

    def dig(self, *options):
        status, text = run(["dig", "@127.0.0.1", "-p", self.port, "+tries=1", "+time=20", *options])
        self.case.assertEqual(status, 0, text)
        return text

    def axfr(self, signer=None):
        """The zone's records as sorted lines."""
        signer = signer or self.keys[0]
        text = self.dig("-y", f"{signer.algorithm}:{signer.name}:{signer.secret}", "axfr", ZONE, "+onesoa", "+nocmd",
                        "+nostats", "+nocomments")
        lines = records_of(text)
        self.case.assertTrue(lines, text)
        return lines


def records_of(text):
    """The records in what a client printed or a zone file says, as sorted lines with single spaces; no TSIG."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line and line[0] not in ";$"]
    return sorted(line for line in lines if " TSIG " not in line)


class SystemTest(unittest.TestCase):
    maxDiff = None


def main():
    unittest.main(verbosity=2)
