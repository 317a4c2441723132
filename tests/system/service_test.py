"""The script word "service" of dnsd-update on the wire: an endpoint comes, moves and goes, each in one message."""
import os

from harness import BIN, Dnsd, SystemTest, main, run

HOST = "h1.dyn.example."


class Service(SystemTest):
    def setUp(self):
        self.dnsd = Dnsd(self).start()
        one = self.dnsd.keys[0]
        self.key = self.dnsd.write(
            "key", f'key "{one.name}" {{\n\talgorithm {one.algorithm};\n\tsecret "{one.secret}";\n}};\n')
        os.chmod(self.key, 0o600)

    def script(self, *lines, expected=(0, "")):
        text = f"server 127.0.0.1 {self.dnsd.port}\n" + "\n".join(lines) + "\nsend\n"
        self.assertEqual(run([os.path.join(BIN, "dnsd-update"), "-k", self.key, self.dnsd.write("script", text)]),
                         expected, self.dnsd.running.log())

    def of_the_host(self):
        return [line for line in self.dnsd.axfr() if line.split()[0].endswith(HOST)]

    def test_an_endpoint_comes_moves_and_goes(self):
        before = self.dnsd.serial()
        self.script(f"service {HOST} http tcp 198.51.100.1 8001 path=/")
        first = [f"_http._tcp.{HOST} 60 IN SRV 0 0 8001 {HOST}", f'_http._tcp.{HOST} 60 IN TXT "path=/"',
                 f"{HOST} 60 IN A 198.51.100.1"]
        self.assertEqual(self.of_the_host(), first)
        self.assertEqual(self.dnsd.serial(), before + 1, "one message, one step")

        self.script(f"service {HOST} http tcp 198.51.100.1 8001 path=/")
        self.assertEqual(self.of_the_host(), first)
        self.assertEqual(self.dnsd.serial(), before + 1, "the same endpoint is no change")

        self.script("ttl 30", f"service {HOST} http tcp 203.0.113.9,2001:db8::9 40123 priority 1 weight 2 uri http https "
                    "alpn h2 path=/new", f"service {HOST} ssh tcp 203.0.113.9 40124")
        self.assertEqual(self.of_the_host(), [
            f"_http._tcp.{HOST} 30 IN SRV 1 2 40123 {HOST}", f'_http._tcp.{HOST} 30 IN TXT "path=/new"',
            f'_http._tcp.{HOST} 30 IN URI 1 2 "http://h1.dyn.example:40123/new"', f"_ssh._tcp.{HOST} 30 IN SRV 0 0 40124 {HOST}",
            f"{HOST} 30 IN A 203.0.113.9", f"{HOST} 30 IN AAAA 2001:db8::9", f'{HOST} 30 IN HTTPS 1 . alpn="h2" port=40123'])

        self.script(f"service delete {HOST} http tcp uri https")
        self.assertEqual(self.of_the_host(), [f"_ssh._tcp.{HOST} 30 IN SRV 0 0 40124 {HOST}", f"{HOST} 30 IN A 203.0.113.9",
                                              f"{HOST} 30 IN AAAA 2001:db8::9"])
        self.script(f"service delete {HOST} ssh tcp address")
        self.assertEqual(self.of_the_host(), [])

    def test_other_records_of_the_host_stay(self):
        self.script(f'add {HOST} 60 TXT "mine"', f"add {HOST} 60 AAAA 2001:db8::1", f"add _sip._udp.{HOST} 60 SRV 0 0 1 {HOST}")
        mine = self.of_the_host()
        self.script(f"service {HOST} http tcp 198.51.100.1 8001")
        self.script(f"service delete {HOST} http tcp")
        self.assertEqual(self.of_the_host(), sorted(mine + [f"{HOST} 60 IN A 198.51.100.1"]))

    def test_prerequisites_hold_for_it(self):
        self.script(f"yxdomain {HOST}", f"service {HOST} http tcp 198.51.100.1 8001",
                    expected=(2, "update failed: NXDOMAIN\n"))
        self.assertEqual(self.of_the_host(), [])

    def test_a_mistake_sends_nothing(self):
        serial = self.dnsd.serial()
        self.script(f"add {HOST} 60 TXT a", f"service {HOST} http tcp 198.51.100.1 80001",
                    expected=(1, "port '80001' is out of range (1 to 65535)\nsyntax error\n"))
        self.assertEqual(self.dnsd.serial(), serial)


if __name__ == "__main__":
    main()
