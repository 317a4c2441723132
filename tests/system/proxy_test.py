"""Behind haproxy and nginx: the client that they tell of is the one that counts, and nobody else's word does."""
import os
import socket
import time

from harness import BIN, TIME_LIMIT, Dnsd, Process, SystemTest, free_port, key, main, make_certificate, run

HOST = "h1.dyn.example"
CLIENT, STRANGER = "127.0.0.9", "127.0.0.5"  # the proxies are 127.0.0.1
CLOSED = [f"curl: {status}" for status in (35, 52, 55, 56)]  # at whichever step it is noticed
HAPROXY = """
global
    maxconn 200
    log stdout format raw local0
defaults
    timeout connect 60s
    timeout client 60s
    timeout server 60s
listen version1
    mode tcp
    bind 127.0.0.1:{version1}
    server dnsd 127.0.0.1:{http} send-proxy
listen version2
    mode tcp
    bind 127.0.0.1:{version2}
    server dnsd 127.0.0.1:{http} send-proxy-v2 check check-send-proxy inter 1s
listen tls_ends_here
    mode tcp
    bind 127.0.0.1:{tls_ends_here} ssl crt {folder}/both.pem
    server dnsd 127.0.0.1:{http} send-proxy-v2-ssl
listen tls_passes
    mode tcp
    bind 127.0.0.1:{tls_passes}
    server dnsd 127.0.0.1:{https} send-proxy-v2
listen forwarded
    mode http
    bind 127.0.0.1:{forwarded} ssl crt {folder}/both.pem
    http-request add-header Forwarded "for=%[src];proto=https"
    server dnsd 127.0.0.1:{http}
"""
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        location / {{
            proxy_pass http://127.0.0.1:{http};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
        }}
    }}
}}
"""


class BehindAProxy(SystemTest):
    def set_up(self, more, tls=True):
        self.ports = {name: free_port() for name in ("http", "https", "version1", "version2", "tls_ends_here", "tls_passes",
                                                     "forwarded", "plain", "tls")}
        tables = (f'[http]\nlisten = "127.0.0.1:{self.ports["http"]}"\nnames = ["localhost"]\ndyndns = true\naccount = true\n'
                  f'trusted-proxies = ["127.0.0.1"]\n{more}\n')
        if tls:
            tables += f'tls-listen = "127.0.0.1:{self.ports["https"]}"\ncertificate = "cert.pem"\nkey = "key.pem"\n'
        grant = 'names = ["self", "below-self"]\ntypes = ["service"]\naddresses = ["source"]'
        self.dnsd = Dnsd(self, keys=[key(HOST + ".")], grants=[(HOST + ".", grant)], tables=tables)
        folder = self.ports["folder"] = self.dnsd.folder
        make_certificate(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"), "DNS:localhost")
        with open(os.path.join(folder, "both.pem"), "w") as both:
            for name in ("cert.pem", "key.pem"):
                with open(os.path.join(folder, name)) as part:
                    both.write(part.read())
        self.dnsd.start()

    def start(self, template, port, *command):
        config = self.dnsd.write("proxy.conf", template.format(**self.ports))
        process = Process([*command, config], env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"})
        self.addCleanup(process.kill)
        ends = time.monotonic() + TIME_LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.ports[port])).close()
                return
            except ConnectionRefusedError:
                self.assertIsNone(process.process.poll(), process.log())
                self.assertLess(time.monotonic(), ends, process.log())
                time.sleep(0.05)

    def curl(self, port, path="/checkip", *options, tls=False, source=CLIENT):
        status, text = run(["curl", "-s", "-m", TIME_LIMIT, "--cacert", os.path.join(self.dnsd.folder, "cert.pem"),
                            "--interface", source, "--ipv4", *options,
                            f"http{'s' if tls else ''}://localhost:{self.ports[port]}{path}"])
        return text if status == 0 else f"curl: {status}"

    def update(self, port, **more):
        """Without myip: what counts is where it comes from; the grant has "source"."""
        return self.curl(port, f"/nic/update?hostname={HOST}", "-u", f"{HOST}:{self.dnsd.keys[0].secret}", **more).strip()

    def address(self):
        return self.dnsd.dig("+short", HOST, "A").strip()

    def test_proxy_protocol_of_haproxy(self):
        self.set_up("proxy-protocol = true")
        self.start(HAPROXY, "forwarded", "haproxy", "-db", "-f")
        for port, tls in (("version1", False), ("version2", False), ("tls_ends_here", True), ("tls_passes", True)):
            with self.subTest(port):
                self.assertIn(f"Current IP Address: {CLIENT}<", self.curl(port, tls=tls))
        self.assertEqual(self.update("version2"), "badauth", "no TLS")
        self.dnsd.running.wait_for(f"dyndns2 update from {CLIENT}:\\d+ refused")
        self.assertEqual(self.update("tls_ends_here", tls=True), f"good {CLIENT}")
        self.assertEqual(self.address(), CLIENT)
        self.assertEqual(self.update("tls_passes", tls=True, source="127.0.0.8"), "good 127.0.0.8")
        self.assertEqual(self.address(), "127.0.0.8")
        status, text = run([os.path.join(BIN, "dnsdctl"), "history", "--store", self.dnsd.store, HOST + "."])
        self.assertEqual(status, 0, text)
        self.assertIn(CLIENT, text)
        for source in ("127.0.0.1", STRANGER):
            self.assertIn(self.curl("http", source=source), CLOSED, "without a header")
            self.assertIn(self.curl("https", source=source, tls=True), CLOSED)
        self.assertIn(self.curl("http", "/checkip", "--haproxy-protocol", source=STRANGER), CLOSED)
        self.dnsd.running.wait_for(f"HTTP connection of {STRANGER}:\\d+ closed: it is none of 'trusted-proxies'")
        self.dnsd.running.wait_for("HTTP connection of the proxy 127.0.0.1:\\d+ closed")
        self.dnsd.stop()

    def test_x_forwarded_for_of_nginx(self):
        self.set_up('forwarded-header = "X-Forwarded-For"', tls=False)
        self.start(NGINX, "tls", "nginx", "-p", self.dnsd.folder, "-c")
        lie = ("-H", "X-Forwarded-For: 203.0.113.99", "-H", "X-Forwarded-Proto: https", "-H", "X-Forwarded-Host: www.dyn.example")
        for options in ((), lie):
            self.assertIn(f"Current IP Address: {CLIENT}<", self.curl("plain", "/checkip", *options))
        self.assertEqual(self.update("plain"), "badauth", "no TLS")
        self.dnsd.running.wait_for(f"dyndns2 update from {CLIENT} refused")
        self.assertEqual(self.update("tls", tls=True), f"good {CLIENT}")
        self.assertEqual(self.address(), CLIENT)
        page = self.curl("tls", "/account/", "-u", f"{HOST}:{self.dnsd.keys[0].secret}", tls=True)
        self.assertIn(f"by the key {HOST} from {CLIENT}", page)
        # Who is no proxy says it in vain.
        self.assertIn(f"Current IP Address: {STRANGER}<", self.curl("http", "/checkip", *lie, source=STRANGER))
        self.assertEqual(self.curl("http", f"/nic/update?hostname={HOST}", *lie, "-u", f"{HOST}:{self.dnsd.keys[0].secret}",
                                   source=STRANGER).strip(), "badauth")
        self.dnsd.stop()

    def test_forwarded_of_haproxy(self):
        self.set_up('forwarded-header = "Forwarded"', tls=False)
        self.start(HAPROXY, "forwarded", "haproxy", "-db", "-f")
        lie = ("-H", "Forwarded: for=203.0.113.99;proto=http")
        self.assertIn(f"Current IP Address: {CLIENT}<", self.curl("forwarded", "/checkip", *lie, tls=True))
        self.assertEqual(self.update("forwarded", tls=True), f"good {CLIENT}")
        self.assertIn(f"Current IP Address: {STRANGER}<", self.curl("http", "/checkip", *lie, source=STRANGER))
        self.dnsd.stop()


if __name__ == "__main__":
    main()
