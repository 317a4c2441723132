"""RFC 2136 section 3 in its plainest form: what a server must answer to an UPDATE, and what its zone is then.

Written from the RFC's prose and sharing nothing with dnsd. A zone is {(owner, type): (TTL, RDATAs)}; owners and the names in
RDATA are lowered, so that equal means equal. Where a server is known to differ, its model has the difference's name; the
list is update_differences.py.
"""
import collections
import struct

A, NS, MD, MF, CNAME, SOA, WKS, KEY, DNAME, OPT, DS = 1, 2, 3, 4, 5, 6, 11, 25, 39, 41, 43
TYPE_ANY = 255
IN, CLASS_NONE, CLASS_ANY = 1, 254, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN, YXRRSET, NXRRSET, NOTAUTH, NOTZONE = range(11)
MAX_TTL = 0x7FFFFFFF

SERVERS_OWN = (24, 30, 46, 47, 50, 51)  # SIG, NXT, RRSIG, NSEC, NSEC3, NSEC3PARAM

# owner as it is sent, in wire form
Record = collections.namedtuple("Record", "owner type rclass ttl rdata")

# Where names are in RDATA: octets before the first one, and how many follow each other. They are compared without case.
NAMES = {2: (0, 1), 3: (0, 1), 4: (0, 1), 5: (0, 1), 6: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), 12: (0, 1), 14: (0, 2),
         15: (2, 1), 17: (0, 2), 18: (2, 1), 21: (2, 1), 24: (18, 1), 26: (2, 2), 30: (0, 1), 33: (6, 1), 36: (2, 1),
         39: (0, 1), 46: (18, 1)}


def is_meta(rtype):
    """QTYPEs and meta types (RFC 6895 3.1): never data."""
    return rtype == 0 or rtype == OPT or 128 <= rtype <= 255


def end_of_name(octets, at):
    while octets[at]:
        at += octets[at] + 1
    return at + 1


def normal(rtype, rdata):
    """RDATA with the names of known types lowered. Labels are shorter than an A, so lower() spares their lengths."""
    if rtype == 35:  # NAPTR: its name comes after three strings
        at = 4
        for _ in range(3):
            at += rdata[at] + 1
        return rdata[:at] + rdata[at:].lower()
    if rtype not in NAMES:
        return rdata
    at, count = NAMES[rtype]
    end = at
    for _ in range(count):
        end = end_of_name(rdata, end)
    return rdata[:at] + rdata[at:end].lower() + rdata[end:]


def serial_of(soa):
    return struct.unpack("!I", soa[-20:-16])[0]


def with_serial(soa, serial):
    return soa[:-20] + struct.pack("!I", serial) + soa[-16:]


def is_newer(serial, than):
    """RFC 1982 3.2."""
    return 0 < (serial - than) % 2**32 < 2**31


class Model:
    """One server's behaviour. `seen` counts by name where the differences that it has mattered."""

    def __init__(self, server=None, differences=()):
        """@param differences  as update_differences.py lists them; of a server that they do not name, the RFC's behaviour"""
        self.hooks, self.type_rules, self.broken_rcodes = {}, [], {}
        self.seen = collections.Counter()
        for name, difference in dict(differences).items():
            behaviour = difference.servers.get(server)
            if behaviour:
                self.hooks.update({hook: name for hook in behaviour.hooks})
                self.type_rules += [(rule, name) for rule in behaviour.types]
                self.broken_rcodes.update({what: (rcode, name) for what, rcode in behaviour.broken.items()})

    def differs(self, hook):
        """True, and counted, when this server differs here; asked only where it matters."""
        if hook not in self.hooks:
            return False
        self.seen[self.hooks[hook]] += 1
        return True

    def update(self, apex, zone, prerequisites, updates):
        """RCODE and the zone after it; the zone given is left as it is."""
        rule = self.type_rule(prerequisites, updates)
        if rule:
            return (rule.rcode, zone) if rule.rcode is not None else self.applied(apex, zone, updates)
        rcode = self.check(apex, zone, prerequisites)
        prescanned = self.prescan(apex, updates)
        if rcode == NOERROR or (prescanned != NOERROR and rcode != prescanned and self.differs("prescan-first")):
            rcode = prescanned
        if rcode != FORMERR and self.is_unreadable(prerequisites, updates) and self.differs("form-first"):
            return FORMERR, zone
        if rcode != NOERROR:
            if rcode == prescanned and "below-dname" in self.hooks:  # it applies records until one is wrong
                wrong = next(i for i in range(len(updates)) if self.prescan(apex, updates[:i + 1]) != NOERROR)
                if self.applied(apex, zone, updates[:wrong])[0] == REFUSED:
                    return REFUSED, zone
            return rcode, zone
        return self.applied(apex, zone, updates)

    def applied(self, apex, zone, updates):
        self.is_refused = False
        self.first_serial = serial_of(*zone[apex, SOA][1])
        after = self.apply(apex, dict(zone), updates)
        if self.is_refused:
            return REFUSED, zone
        if after == zone:
            return NOERROR, zone
        orphans = self.orphaned_ds(apex, zone, after)
        if orphans and self.differs("ds-without-ns"):
            for key in orphans:
                del after[key]
        if after == zone:
            return NOERROR, zone
        if after[apex, SOA] == zone[apex, SOA] or serial_of(*after[apex, SOA][1]) == serial_of(*zone[apex, SOA][1]):
            ttl, (soa,) = after[apex, SOA]
            serial = (serial_of(soa) + 1) % 2**32
            if serial == 0 and not self.differs("serial-wrap"):
                serial = 1  # 7.11
            after[apex, SOA] = ttl, frozenset([with_serial(soa, serial)])  # 3.6
        return NOERROR, after

    def broken(self, message):
        """The RCODE for a message that is wrong before any record counts; None for no answer."""
        if (message.rcode == NOTAUTH and self.is_unreadable(message.prerequisites, message.updates)
                and self.differs("form-first")):
            return FORMERR
        if message.what in self.broken_rcodes:
            rcode, name = self.broken_rcodes[message.what]
            self.seen[name] += 1
            return rcode
        return message.rcode

    # 3.2: prerequisites

    def check(self, apex, zone, prerequisites):
        values = collections.defaultdict(list)
        for rr in prerequisites:
            owner = rr.owner.lower()
            if not is_in_zone(owner, apex):
                return NOTZONE
            if rr.ttl != 0:
                return FORMERR
            if rr.rclass in (CLASS_ANY, CLASS_NONE):
                if rr.rdata:
                    return FORMERR
                if rr.type == TYPE_ANY:
                    exists = any(key[0] == owner for key in zone)
                else:
                    exists = (owner, rr.type) in zone
                if exists != (rr.rclass == CLASS_ANY):
                    if rr.type == TYPE_ANY:
                        return YXDOMAIN if exists else NXDOMAIN
                    return YXRRSET if exists else NXRRSET
            elif rr.rclass == IN:
                values[owner, rr.type].append(normal(rr.type, rr.rdata))
            else:
                return FORMERR
        for key, rdatas in values.items():
            if key not in zone or zone[key][1] != set(rdatas):
                return NXRRSET
            if len(rdatas) != len(set(rdatas)) and self.differs("prerequisite-twice"):
                return NXRRSET
        return NOERROR

    # 3.4.1: prescan

    def prescan(self, apex, updates):
        for rr in updates:
            if rr.rclass not in (IN, CLASS_ANY, CLASS_NONE):
                return FORMERR
            if not is_in_zone(rr.owner.lower(), apex):
                return NOTZONE
            if is_meta(rr.type) and (rr.type, rr.rclass) != (TYPE_ANY, CLASS_ANY):
                return FORMERR
            if rr.rclass != IN and rr.ttl != 0 and not (rr.rclass == CLASS_ANY and self.differs("ttl-of-class-any")):
                return FORMERR
            if rr.rclass == CLASS_ANY and rr.rdata:
                return FORMERR
        if any(rr.type in SERVERS_OWN for rr in updates):
            return REFUSED  # a matter of permission (3.3.1)
        return NOERROR

    # 3.4.2: update

    def apply(self, apex, zone, updates):
        for rr in updates:
            owner = rr.owner.lower()
            key = owner, rr.type
            if rr.rclass == IN:
                ttl = rr.ttl
                if ttl > MAX_TTL and not self.differs("ttl-bit"):
                    ttl = 0  # RFC 2181 8
                self.add(zone, key, ttl, normal(rr.type, rr.rdata))
            elif rr.rclass == CLASS_ANY:
                kept = (SOA, NS) if owner == apex else ()
                if rr.type == TYPE_ANY:
                    for one in [one for one in zone if one[0] == owner and one[1] not in kept]:
                        del zone[one]
                elif rr.type not in kept:
                    zone.pop(key, None)
            else:
                self.delete_one(apex, zone, key, normal(rr.type, rr.rdata))
        return zone

    def add(self, zone, key, ttl, rdata):
        owner, rtype = key
        if self.is_hidden(zone, key) and self.differs("below-dname"):
            self.is_refused = True
        if rtype == CNAME:
            others = {one[1] for one in zone if one[0] == owner} - {CNAME}
            if others and not (others == {KEY} and self.differs("cname-and-key")):
                return
        elif (owner, CNAME) in zone and not (rtype == KEY and self.differs("cname-and-key")):
            return
        present = zone.get(key)
        if rtype in (MD, MF) and self.differs("md-mf"):
            return
        if rtype in (NS, DNAME) and owner.startswith(b"\1*") and self.differs("wildcard-cut"):
            return
        if rtype == SOA:
            if present is None:
                return
            if not is_newer(serial_of(rdata), serial_of(*present[1])) and not (
                    is_newer(serial_of(rdata), self.first_serial) and self.differs("serial-of-before")):
                return
            if serial_of(rdata) == 0 and not self.differs("serial-zero"):  # 4.2, 7.11
                return
            zone[key] = ttl, frozenset([rdata])
        elif rtype in (CNAME, DNAME):  # one a name: 1.1.5, RFC 6672 5.2
            if rtype == DNAME and present and rdata in present[1] and ttl != present[0] and self.differs("ttl-alone"):
                return
            zone[key] = ttl, frozenset([rdata])
        else:
            rdatas = present[1] if present else frozenset()
            if rdata in rdatas and ttl != present[0] and self.differs("ttl-alone"):
                return
            if rtype == WKS and not self.differs("wks"):  # ADDRESS and PROTOCOL
                rdatas = frozenset(one for one in rdatas if one[:5] != rdata[:5])
            zone[key] = ttl, rdatas | {rdata}  # one TTL an RRset: RFC 2181 5.2

    def delete_one(self, apex, zone, key, rdata):
        if key not in zone or rdata not in zone[key][1]:
            return
        ttl, rdatas = zone[key]
        if key[1] == SOA or (key == (apex, NS) and len(rdatas) == 1):
            return
        if len(rdatas) == 1:
            del zone[key]
        else:
            zone[key] = ttl, rdatas - {rdata}


    # What some servers look at besides.

    def type_rule(self, prerequisites, updates):
        """The rule of a difference for a record's type; the stream has such records alone in their message."""
        for section, records in (("prerequisite", prerequisites), ("update", updates)):
            for rr in records:
                for rule, name in self.type_rules:
                    if rule.section == section and rr.type in rule.types and rr.rclass in rule.classes:
                        self.seen[name] += 1
                        return rule
        return None

    @staticmethod
    def is_hidden(zone, key):
        """A name below a DNAME, or a DNAME above a name."""
        above = key[0]
        while above[0]:
            above = above[above[0] + 1:]
            if (above, DNAME) in zone:
                return True
        return key[1] == DNAME and any(one[0] != key[0] and is_in_zone(one[0], key[0]) for one in zone)

    @staticmethod
    def orphaned_ds(apex, before, after):
        """DS RRsets that are new, or have lost name servers, and stand where no zone cut is."""
        return [key for key in after if key[1] == DS and (key[0] == apex or (key[0], NS) not in after)
                and (before.get(key) != after[key] or (key[0], NS) in before)]

    @staticmethod
    def is_unreadable(prerequisites, updates):
        return (any(rr.rdata and rr.rclass in (CLASS_ANY, CLASS_NONE) for rr in prerequisites)
                or any(rr.rdata and rr.rclass == CLASS_ANY for rr in updates))


def is_in_zone(owner, apex):
    at = 0
    while len(owner) - at > len(apex):
        at += owner[at] + 1
    return owner[at:] == apex
