"""Zones in which answers are easy to get wrong, by origin: written by hand, and random ones.

None is above all others, so that there are names that no zone here holds; parents and children are served together.
"""
import random

# RFC 4592 2.2.1, word by word.
EXAMPLE = """\
@ 3600 IN SOA ns.example.com. hostmaster.example.com. 1 3600 600 604800 300
@ 3600 IN NS ns.example.com.
@ 3600 IN NS ns.example.net.
* 3600 IN TXT "this is a wildcard"
* 3600 IN MX 10 host1.example.
sub.* 3600 IN TXT "this is not a wildcard"
host1 3600 IN A 192.0.2.1
_ssh._tcp.host1 3600 IN SRV 0 0 22 host1
_ssh._tcp.host2 3600 IN SRV 0 0 22 host1
subdel 3600 IN NS ns.example.com.
subdel 3600 IN NS ns.example.net.
"""

NASTY = """\
@ 3600 IN SOA ns hostmaster 7 3600 600 604800 300
@ 3600 IN NS ns
@ 3600 IN NS ns.outside.invalid.
@ 3600 IN NS a.child
@ 600 IN MX 0 .
@ 600 IN MX 10 mail
@ 600 IN MX 20 x.wild
@ 600 IN MX 30 alias
@ 600 IN MX 40 ns.cut
@ 600 IN MX 50 Host.Child
@ 60 IN TXT "apex"
@ 60 IN CAA 0 issue "ca.example.net"
@ 60 IN TYPE65280 \\# 4 03777777
ns 60 IN A 192.0.2.53
ns 60 IN AAAA 2001:db8::53
mail 60 IN A 192.0.2.25
MiXeD 60 IN TXT "CaSe"
MiXeD 60 IN A 192.0.2.7
MiXeD 60 IN HINFO "PC" "Unix"
www 60 IN A 192.0.2.1
www 60 IN A 192.0.2.2
www 120 IN AAAA 2001:db8::1
www 0 IN TXT "zero"
www 60 IN RP hostmaster mixed
www 60 IN LOC 51 30 12.748 N 0 7 39.611 W 0.00m 0.00m 0.00m 0.00m
www 60 IN TYPE65280 \\# 0
www 60 IN TYPE65281 \\# 3 c00c00
ptr 60 IN PTR WWW
naptr 60 IN NAPTR 100 50 "s" "http" "" _http._tcp.www
naptr 60 IN KX 10 www
naptr 60 IN RT 10 www
naptr 60 IN AFSDB 1 www
_http._tcp.www 60 IN SRV 0 5 8001 www
_http._tcp.www 60 IN SRV 0 5 8002 www.outside.invalid.
_http._tcp.www 60 IN SRV 0 5 8003 alias
_http._tcp.www 60 IN SRV 0 5 8004 x.wild
_http._tcp.www 60 IN SRV 0 5 8005 host.child
_none._tcp.www 60 IN SRV 0 0 0 .
_cut._tcp.www 60 IN SRV 0 0 1 ns.cut
_ent._tcp.www 60 IN SRV 0 0 1 ent
svc 60 IN HTTPS 1 . port=8443
svc 60 IN A 192.0.2.4
svc 60 IN AAAA 2001:db8::4
svcalias 60 IN HTTPS 0 svc
svcchain 60 IN HTTPS 0 svcalias
svcloop 60 IN HTTPS 0 svcloop2
svcloop2 60 IN HTTPS 0 svcloop
svcnone 60 IN HTTPS 0 .
svcout 60 IN HTTPS 0 svc.outside.invalid.
svcwild 60 IN HTTPS 1 x.wild port=1
_dns 60 IN SVCB 1 svc port=853 alpn=dot
_dns 60 IN SVCB 2 www ipv4hint=192.0.2.1
*.svcs 60 IN HTTPS 1 . port=1
*.svcs 60 IN A 192.0.2.4
; CNAME: chains, loops, to nothing, to what is no data, over zones
alias 60 IN CNAME www
alias2 60 IN CNAME alias
alias3 60 IN CNAME Alias2
dangling 60 IN CNAME nothing
toent 60 IN CNAME ent
tocut 60 IN CNAME x.cut
tocutapex 60 IN CNAME cut
tochild 60 IN CNAME host.child
tochildnx 60 IN CNAME nothing.child
tochildcut 60 IN CNAME x.deep.child
toparent.child2 60 IN CNAME www
tosibling 60 IN CNAME www.sibling.test.
toout 60 IN CNAME www.outside.invalid.
towild 60 IN CNAME x.wild
towildnodata 60 IN CNAME x.wildtxt
towildliteral 60 IN CNAME *.wild
todname 60 IN CNAME x.dn
todnameitself 60 IN CNAME dn
todnameout 60 IN CNAME x.dnout
toapex 60 IN CNAME @
loop1 60 IN CNAME loop2
loop2 60 IN CNAME loop1
self 60 IN CNAME self
loopover 60 IN CNAME loopover.child
c0 60 IN CNAME c1
c1 60 IN CNAME c2
c2 60 IN CNAME c3
c3 60 IN CNAME c4
c4 60 IN CNAME c5
c5 60 IN CNAME c6
c6 60 IN CNAME c7
c7 60 IN A 192.0.2.77
below.alias 60 IN A 192.0.2.8
; empty non-terminals
a.b.ent 60 IN A 192.0.2.9
a.b.c.d.e.f 60 IN TXT "deep"
; wildcards (RFC 4592)
*.wild 60 IN A 192.0.2.10
*.wild 60 IN MX 10 mail
*.wild 60 IN TYPE65280 \\# 1 00
*.wildtxt 60 IN TXT "t"
exists.wildtxt 60 IN A 192.0.2.11
a.ent.wildtxt 60 IN A 192.0.2.11
*.under.wildtxt 60 IN A 192.0.2.12
*.wildcname 60 IN CNAME www
*.wildloop 60 IN CNAME x.wildloop
*.wildnx 60 IN CNAME nothing
*.wildself 60 IN CNAME *.wildself
*.wildout 60 IN CNAME www.outside.invalid.
*.wildcut 60 IN CNAME x.cut
*.wildsrv 60 IN SRV 0 0 1 www
_foo._udp.*.wildsrv 60 IN SRV 0 0 2 www
x.*.wildent 60 IN A 192.0.2.13
*.*.wildtwo 60 IN A 192.0.2.14
*.a.*.wildtwo 60 IN A 192.0.2.15
*.wildds 60 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
*.wildds 60 IN TXT "t"
star*.wildno 60 IN TXT "no wildcard"
\\*\\*.wildno 60 IN TXT "no wildcard"
under.*.wildcut2 60 IN NS ns.outside.invalid.
*.wildcut2 60 IN A 192.0.2.16
d.*.wilddname 60 IN DNAME sibling.test.
*.wilddname 60 IN A 192.0.2.17
; delegations
cut 60 IN NS ns.cut
cut 60 IN NS b.ns.cut
cut 60 IN NS ns.sib
cut 60 IN NS ns.outside.invalid.
cut 60 IN NS ns
cut 60 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
cut 60 IN TXT "at the cut"
cut 60 IN A 192.0.2.20
ns.cut 60 IN A 192.0.2.21
ns.cut 60 IN AAAA 2001:db8::21
b.ns.cut 60 IN A 192.0.2.22
occluded.cut 60 IN TXT "occluded"
*.cut 60 IN TXT "occluded"
alias.cut 60 IN CNAME www
sub.cut 60 IN NS ns.outside.invalid.
dn.cut 60 IN DNAME sibling.test.
sib 60 IN NS ns.sib
ns.sib 60 IN A 192.0.2.23
noglue 60 IN NS ns.noglue
toself 60 IN NS toself
toself 60 IN A 192.0.2.24
toalias 60 IN NS alias
towildns 60 IN NS x.wild
crossed1 60 IN NS ns.crossed2
crossed2 60 IN NS ns.crossed1
ns.crossed1 60 IN A 192.0.2.26
ns.crossed2 60 IN A 192.0.2.27
deep.er.cut2 60 IN NS ns.outside.invalid.
*.below.cut3 60 IN A 192.0.2.28
cut3 60 IN NS www
child 60 IN NS a.child
child 60 IN NS b.child
child 60 IN DS 2 13 2 0000000000000000000000000000000000000000000000000000000000000000
a.child 60 IN A 192.0.2.30
b.child 60 IN AAAA 2001:db8::30
child2 60 IN NS ns
grand.cut 60 IN NS ns.grand.cut
; DNAME
dn 60 IN DNAME dntarget
dn 60 IN A 192.0.2.40
x.dntarget 60 IN A 192.0.2.42
*.w.dntarget 60 IN TXT "t"
alias.dntarget 60 IN CNAME www
cut.dntarget 60 IN NS ns.outside.invalid.
dn2 60 IN DNAME dn
dn3 60 IN DNAME dn2
dnout 60 IN DNAME outside.invalid.
dnsib 60 IN DNAME Sibling.Test.
back.up 60 IN DNAME nasty.test.
back.up 60 IN TXT "leads back to itself"
toback 60 IN CNAME back.up.back.up
dnchild 60 IN DNAME child
dnloop1 60 IN DNAME dnloop2
dnloop2 60 IN DNAME dnloop1
dnself 60 IN DNAME dnself
dnbelow 60 IN DNAME deeper.dnbelow
dncut 60 IN DNAME cut
dnroot 60 IN DNAME .
dnwild 60 IN DNAME wild
dnent 60 IN DNAME ent
dntodn 60 IN DNAME x.dn
dnlong 60 IN DNAME {long}
dnlonger 60 IN DNAME {shorter}
; labels
{label63} 60 IN TXT "63"
{long} 60 IN TXT "long"
dot\\.ted 60 IN TXT "dot"
null\\000 60 IN TXT "null"
\\255\\254 60 IN TXT "binary"
white\\032space 60 IN TXT "space"
quo\\"te 60 IN TXT "quote"
back\\\\slash 60 IN TXT "backslash"
\\@ 60 IN TXT "at"
\\091x\\093 60 IN TXT "between Z and a"
3.www 60 IN TXT "a digit"
\\003www 60 IN TXT "looks like a label"
; RRsets that do not fit
""" + "".join(f'big 60 IN TXT "{number:02d}-{"x" * 180}"\n' for number in range(20)) \
    + "".join(f'mid 60 IN TXT "{number:02d}-{"x" * 100}"\n' for number in range(6)) \
    + "".join(f"many 60 IN A 192.0.2.{number}\n" for number in range(1, 120)) \
    + "".join(f"bigmx 60 IN MX {number} mx{number}\nmx{number} 60 IN A 192.0.2.{number}\nmx{number} 60 IN AAAA 2001:db8::{number}\n"
              for number in range(1, 25)) \
    + "".join(f"bigcut 60 IN NS ns{number}.bigcut\nns{number}.bigcut 60 IN A 192.0.2.{number}\n"
              f"ns{number}.bigcut 60 IN AAAA 2001:db8::{number}\n" for number in range(1, 13)) \
    + "".join(f"midcut 60 IN NS ns{number}.{'x' * 40}.midcut\nns{number}.{'x' * 40}.midcut 60 IN A 192.0.2.{number}\n"
              for number in range(1, 8)) \
    + "tobig 60 IN CNAME big\nto2big 60 IN CNAME tobig\n*.wildbig 60 IN CNAME big\n"

CHILD = """\
@ 60 IN SOA a hostmaster 1 3600 600 604800 3600
@ 60 IN NS a
@ 60 IN NS b
@ 60 IN A 192.0.2.30
a 60 IN A 192.0.2.30
b 60 IN AAAA 2001:db8::30
Host 60 IN A 192.0.2.31
back 60 IN CNAME www.nasty.test.
loopover 60 IN CNAME loopover.nasty.test.
toparentcut 60 IN CNAME x.cut.nasty.test.
* 60 IN TXT "wildcard of the child"
deep 60 IN NS ns.deep
ns.deep 60 IN A 192.0.2.32
dn 60 IN DNAME nasty.test.
ent.ent 60 IN MX 10 host
"""

# Its parent cuts it off two levels above, and is served as well.
GRAND = """\
@ 60 IN SOA ns hostmaster 1 3600 600 604800 60
@ 60 IN NS ns
ns 60 IN A 192.0.2.33
www 60 IN CNAME www.nasty.test.
up 60 IN CNAME x.cut.nasty.test.
x.ent 60 IN TXT "t"
"""

SIBLING = """\
@ 60 IN SOA ns hostmaster 1 3600 600 604800 0
@ 60 IN NS ns
@ 60 IN NS ns.nasty.test.
ns 60 IN A 192.0.2.34
www 60 IN A 192.0.2.35
www 60 IN TXT "sibling"
back 60 IN CNAME alias.nasty.test.
dn 60 IN DNAME dn.nasty.test.
dnback 60 IN DNAME dnsib.nasty.test.
sub 60 IN NS ns.nasty.test.
sub 60 IN NS a.child.nasty.test.
sub 60 IN NS ns.sub
ns.sub 60 IN A 192.0.2.36
* 60 IN CNAME www
"""

# A DNAME at the apex.
REDIRECTED = """\
@ 60 IN SOA ns.nasty.test. hostmaster 1 3600 600 604800 60
@ 60 IN NS ns.nasty.test.
@ 60 IN DNAME nasty.test.
@ 60 IN MX 10 mail.nasty.test.
"""

# A zone at a wildcard name is no source of synthesis (RFC 4592 4.1).
STAR = """\
@ 60 IN SOA ns.example.com. hostmaster.example.com. 1 3600 600 604800 60
@ 60 IN NS ns.example.com.
www 60 IN TXT "the www txt record"
* 60 IN TXT "star below star"
"""

# Names below a DNAME (RFC 6672 3: they are ignored), at it and above it.
OCCLUDED = """\
@ 60 IN SOA ns hostmaster 1 3600 600 604800 60
@ 60 IN NS ns
ns 60 IN A 192.0.2.50
dn 60 IN DNAME target
dn 60 IN TXT "beside"
below.dn 60 IN A 192.0.2.41
*.dn 60 IN A 192.0.2.41
cut.dn 60 IN NS ns.cut.dn
ns.cut.dn 60 IN A 192.0.2.41
dn.dn 60 IN DNAME nasty.test.
alias.dn 60 IN CNAME www.nasty.test.
target 60 IN A 192.0.2.51
below.target 60 IN A 192.0.2.52
mx 60 IN MX 10 below.dn
cut 60 IN NS ns.cut
ns.cut 60 IN A 192.0.2.53
dn.cut 60 IN DNAME target
below.dn.cut 60 IN A 192.0.2.54
cutdn 60 IN NS ns.nasty.test.
cutdn 60 IN DNAME target
below.cutdn 60 IN A 192.0.2.55
"""

# RFC 2317.
REVERSE = """\
@ 60 IN SOA ns.nasty.test. hostmaster.nasty.test. 1 3600 600 604800 60
@ 60 IN NS ns.nasty.test.
1 60 IN PTR www.nasty.test.
2 60 IN CNAME 2.0/25
0/25 60 IN NS ns.nasty.test.
3 60 IN CNAME 3.0-25
3.0-25 60 IN PTR mail.nasty.test.
* 60 IN PTR dynamic.nasty.test.
"""

OCCLUDED_ORIGINS = ["occluded.test.", "o.test."]
# What servers do not load: Knot and NSD no names below a DNAME, BIND no NS at a wildcard, though it be an apex. Nothing leads there.
LACKING = {"BIND": ["*.star.test."], "Knot": OCCLUDED_ORIGINS, "NSD": OCCLUDED_ORIGINS}

LABELS = ["a", "b", "*", "c"]  # of the random zones
RANDOM_ORIGINS = ["r0.test.", "a.r0.test.", "b.a.r0.test.", "r1.test.", "c.b.r1.test.", "r2.test.", "r3.test.", "a.a.a.r3.test."]


def is_shared(owner, origin):
    """Another zone may hold the name, or names below it, as well: there a DNAME keeps NSD from loading that one."""
    return any(f".{owner}".endswith(f".{other}") or f".{other}".endswith(f".{owner}") for other in RANDOM_ORIGINS if other != origin)


def random_zone(rng, origin, origins):
    """@param origins  where names in RDATA may lead; with `origin` among OCCLUDED_ORIGINS, there may be names below a DNAME

    Records of all the types that decide the way of an answer, at few names, so that they meet."""
    def name(least, most, base):
        labels = [rng.choices(LABELS, (3, 3, 2, 1))[0] for _ in range(rng.randint(least, most))]
        return ".".join([*labels, base])

    def target():
        if rng.random() < 0.08:
            return rng.choice(["outside.invalid.", "a.outside.invalid.", "test."])
        return name(0, 3, origin if rng.random() < 0.7 else rng.choice(origins))

    lines = [f"{origin} 60 IN SOA ns.{origin} h.{origin} 1 2 3 4 {rng.choice([0, 30, 60, 90])}", f"{origin} 60 IN NS ns.{origin}",
             f"ns.{origin} 60 IN A 192.0.2.1"]
    for server in [target() for _ in range(2)]:
        if not f".{server}".endswith(f".{origin}"):  # BIND wants an address for those inside
            lines.append(f"{origin} 60 IN NS {server}")
    dnames = []
    # Names above others come before them.
    for owner in sorted({name(1, 4, origin) for _ in range(60)}, key=lambda name: name.split(".")[::-1]):
        if any(owner.endswith(f".{dname}") for dname in dnames) and origin not in OCCLUDED_ORIGINS:
            continue
        star = owner[0] == "*"
        kind = rng.random()
        if kind < 0.2:
            lines.append(f"{owner} 60 IN CNAME {target()}")
            continue
        if kind < 0.35 and not star and not is_shared(owner, origin):
            lines.append(f"{owner} 60 IN DNAME {target()}")
            dnames.append(owner)
        elif kind < 0.55 and not star:  # a cut
            for _ in range(rng.randint(1, 3)):
                lines.append(f"{owner} 60 IN NS {name(0, 2, owner) if rng.random() < 0.6 else target()}")
            if rng.random() < 0.5:
                lines.append(f"{owner} 60 IN DS 1 13 2 {'00' * 32}")
        for rtype, chance, rdata in (("A", 0.5, "192.0.2.2"), ("AAAA", 0.2, "2001:db8::2"), ("TXT", 0.3, '"t"'),
                                     ("MX", 0.2, f"10 {target()}"), ("SRV", 0.2, f"0 0 1 {target()}"),
                                     ("HTTPS", 0.15, f"{rng.randrange(2)} {target()}"), ("TYPE65280", 0.1, "\\# 1 00"),
                                     ("DS", 0.05, f"1 13 2 {'00' * 32}")):
            if rng.random() < chance:
                lines.append(f"{owner} 60 IN {rtype} {rdata}")
    return "\n".join(dict.fromkeys(lines)) + "\n"


def zones(seed):
    """{origin: the text of its zone file}"""
    long = ".".join(["x" * 63, "y" * 63, "z" * 63, "w" * 50])  # with nasty.test. below it: 255 octets
    handmade = {
        "example.": EXAMPLE, "nasty.test.": NASTY.format(long=long, shorter=long[20:], label63="l" * 63), "child.nasty.test.": CHILD,
        "grand.cut.nasty.test.": GRAND, "sibling.test.": SIBLING, "redirected.test.": REDIRECTED, "*.star.test.": STAR,
        "2.0.192.in-addr.arpa.": REVERSE, "occluded.test.": OCCLUDED}
    texts = {origin: f"$ORIGIN {origin}\n{text}" for origin, text in handmade.items()}
    rng = random.Random(f"zones {seed}")
    lacking = [origin for origins in LACKING.values() for origin in origins]
    origins = [origin for origin in [*handmade, *RANDOM_ORIGINS] if origin not in lacking]
    texts.update({origin: random_zone(rng, origin, origins) for origin in [*RANDOM_ORIGINS, "o.test."]})
    return texts
